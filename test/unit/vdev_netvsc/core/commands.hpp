// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "core/command.hpp"

#include <ostream>
#include <string>

namespace netvsc::test {

/// A command or notice in a few words: "create 0 eth1 vf 0000:03:00.0",
/// "announce 0 0000:03:00.0", "warning: ...".
struct Text {
    static std::string bound_to(const std::string &driver) {
        return driver.empty() ? "" : " bind " + driver;
    }
    std::string operator()(const CreatePort &c) const {
        return "create " + std::to_string(c.number) + " " + c.netdevice +
               (c.vf ? " vf " + c.vf->devargs : "") + bound_to(c.bind);
    }
    std::string operator()(const DestroyPort &c) const {
        return "destroy " + std::to_string(c.number);
    }
    std::string operator()(const ReleaseVf &c) const {
        return "release " + c.vf.pci.to_string() + (c.restore_driver ? " and restore" : "");
    }
    std::string operator()(const Announce &c) const {
        return "announce " + std::to_string(c.number) + " " + c.vf.devargs + bound_to(c.bind);
    }
    std::string operator()(const Withdraw &c) const {
        return "withdraw " + std::to_string(c.number) + " " + c.vf.pci.to_string() +
               (c.raise_removal ? "" : " without removal");
    }
    std::string operator()(const RestoreDriver &c) const {
        return "restore " + c.vf.pci.to_string();
    }
    std::string operator()(const RefreshLink &c) const {
        return "refresh link of " + std::to_string(c.number);
    }
    std::string operator()(const CheckVf &c) const {
        return "check " + std::to_string(c.number) + " " + c.vf.pci.to_string();
    }
    std::string operator()(const RaisePortEvent &c) const {
        constexpr const char *events[] = {"removal", "recovering", "recovered", "recovery failed"};
        return "raise " + std::string(events[static_cast<int>(c.event)]) + " on " +
               std::to_string(c.number);
    }
    std::string operator()(const Report &c) const {
        return "event " + std::string(name_of(c.type)) + " " + std::to_string(c.number) +
               (c.vf ? " " + c.vf->to_string() : "") +
               (c.reason != VfUnused::no ? " " + std::string(name_of(c.reason)) : "");
    }
    std::string operator()(const Message &c) const {
        constexpr const char *levels[] = {"error", "warning", "notice", "info", "debug"};
        return levels[static_cast<int>(c.level)] + (": " + c.text);
    }
};
[[nodiscard]] std::string text_of(const auto &command_or_notice) {
    return Text{}(command_or_notice);
}
template <typename... Kinds>
[[nodiscard]] std::string text_of(const std::variant<Kinds...> &command_or_notice) {
    return std::visit(Text{}, command_or_notice);
}

} // namespace netvsc::test

namespace netvsc {

/// How GoogleTest shows a message.
inline void PrintTo(const Message &message, std::ostream *out) { *out << test::text_of(message); }

} // namespace netvsc
