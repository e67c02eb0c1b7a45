// SPDX-License-Identifier: BSD-3-Clause
#include "netlink/uevent.hpp"

#include "base/parse_number.hpp"

#include <utility>

namespace netvsc {
namespace {

// Cuts off the next string, up to its NUL; nullopt if there is no NUL.
std::optional<std::string_view> next_string(std::string_view &text) {
    const auto end = text.find('\0');
    if (end == std::string_view::npos)
        return std::nullopt;
    const auto string = text.substr(0, end);
    text.remove_prefix(end + 1);
    return string;
}

} // namespace

std::optional<Uevent> parse_uevent(std::span<const std::byte> datagram) {
    std::string_view text(reinterpret_cast<const char *>(datagram.data()), datagram.size());
    const auto header = next_string(text);
    if (!header)
        return std::nullopt;

    Uevent event;
    std::string_view sequence;
    const std::pair<std::string_view, std::string_view *> wanted[] = {
        {"ACTION", &event.action},       {"DEVPATH", &event.device_path},
        {"SUBSYSTEM", &event.subsystem}, {"PCI_SLOT_NAME", &event.pci_slot_name},
        {"PCI_ID", &event.pci_id},       {"INTERFACE", &event.interface},
        {"SEQNUM", &sequence},           {"SYNTH_UUID", &event.synthetic},
    };
    while (!text.empty()) {
        const auto pair = next_string(text);
        if (!pair)
            return std::nullopt;
        const auto equals = pair->find('=');
        if (equals == std::string_view::npos)
            return std::nullopt;
        for (const auto &[key, value] : wanted) {
            if (pair->substr(0, equals) != key)
                continue;
            if (!value->empty())
                return std::nullopt;
            *value = pair->substr(equals + 1);
        }
    }
    const auto at = header->find('@');
    if (at == std::string_view::npos || event.action.empty() || event.device_path.empty() ||
        event.subsystem.empty() || header->substr(0, at) != event.action ||
        header->substr(at + 1) != event.device_path)
        return std::nullopt;
    const auto number = parse_number<decltype(event.sequence)>(sequence);
    if (!number)
        return std::nullopt;
    event.sequence = *number;
    return event;
}

} // namespace netvsc
