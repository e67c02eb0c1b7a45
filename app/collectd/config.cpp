// SPDX-License-Identifier: BSD-3-Clause
#include "collectd/config.hpp"

#include "collectd/text.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <expected>
#include <string_view>
#include <strings.h>

namespace netvsc::collectd {
namespace {

using Messages = std::vector<Message>;

// A mask of all ones with at least this width means every port, like the stock plugin's 0xffffffff.
constexpr std::size_t all_ports_width = 32;

bool same(const std::string &key, const char *name) {
    return ::strcasecmp(key.c_str(), name) == 0; // as collectd compares
}

// "LCoreMask '0xyz'"
std::string quoted(const ConfigItem &item) {
    std::string text = printable(item.key);
    for (const auto &argument : item.arguments) {
        text += " '";
        if (const auto *string = std::get_if<std::string>(&argument)) {
            text += printable(*string);
        } else if (const auto *number = std::get_if<double>(&argument)) {
            text += std::to_string(*number);
        } else {
            text += std::get<bool>(argument) ? "true" : "false";
        }
        text += '\'';
    }
    return text;
}

template <typename T> const T *only_argument(const ConfigItem &item) {
    return item.arguments.size() == 1 && item.children.empty()
               ? std::get_if<T>(&item.arguments.front())
               : nullptr;
}

// A value, or what was expected.
template <typename T> using Parsed = std::expected<T, std::string>;

Parsed<bool> parse_switch(const ConfigItem &item) {
    if (const auto *value = only_argument<bool>(item))
        return *value;
    if (const auto *text = only_argument<std::string>(item)) {
        for (const char *yes : {"true", "yes", "on"}) {
            if (same(*text, yes))
                return true;
        }
        for (const char *no : {"false", "no", "off"}) {
            if (same(*text, no))
                return false;
        }
    }
    return std::unexpected("true or false");
}

Parsed<std::string> parse_string(const ConfigItem &item) {
    const auto *text = only_argument<std::string>(item);
    if (text == nullptr)
        return std::unexpected("one string");
    return *text;
}

Parsed<BitMask> parse_mask_item(const ConfigItem &item) {
    if (const auto *text = only_argument<std::string>(item)) {
        if (const auto mask = parse_mask(*text))
            return *mask;
    } else if (const auto *number = only_argument<double>(item)) {
        // collectd parses numbers as double, so a number above 2^53 has lost bits already.
        if (*number >= 0 && *number < 0x1p53 && std::trunc(*number) == *number)
            return BitMask(static_cast<std::uint64_t>(*number));
    }
    return std::unexpected("a hexadecimal mask of at most " + std::to_string(BitMask().size()) +
                           " bits, such as \"0xf\" (in quotes if it has more than 53)");
}

Parsed<std::string> parse_shm_name(const ConfigItem &item) {
    const auto *text = only_argument<std::string>(item);
    // shm_open(3) accepts the name with and without the slash.
    std::string name = text == nullptr ? "" : *text;
    if (!name.starts_with('/'))
        name.insert(0, 1, '/');
    if (name.size() < 2 || name.size() > 255 || name.find('/', 1) != std::string::npos ||
        name == "/." || name == "/..")
        return std::unexpected("the name of a shared memory object, such as "
                               "\"/dpdk_keepalive_shm_name\"");
    return name;
}

Parsed<std::string> parse_file_prefix(const ConfigItem &item) {
    const auto *text = only_argument<std::string>(item);
    if (text == nullptr || text->empty() || text->find('/') != std::string::npos || *text == "." ||
        *text == "..")
        return std::unexpected("the application's --file-prefix, such as \"rte\"");
    return *text;
}

// Applies the items of one block.
class Block {
public:
    Block(std::string where, Messages &messages) : where_(std::move(where)), messages_(messages) {}

    // Stores the value in @p target, or logs what was expected and that @p otherwise happens.
    template <typename T>
    bool take(const ConfigItem &item, Parsed<T> (*parse)(const ConfigItem &), T &target,
              const char *otherwise = "the line is ignored") {
        auto value = parse(item);
        if (value)
            target = std::move(*value);
        else
            say(Level::error, quoted(item) + ": expected " + value.error() + "; " + otherwise);
        return value.has_value();
    }
    void unknown(const ConfigItem &item) {
        say(Level::warning, quoted(item) + ": unknown here; it is ignored");
    }
    void say(Level level, const std::string &text) {
        messages_.push_back({.level = level, .text = where_ + text});
    }

private:
    std::string where_;
    Messages &messages_;
};

void parse_eal(const ConfigItem &eal, Config &config, Messages &messages) {
    Block block("EAL: ", messages);
    std::string ignored;
    for (const auto &item : eal.children) {
        if (same(item.key, "FilePrefix"))
            block.take(item, &parse_file_prefix, config.file_prefix);
        else
            ignored += (ignored.empty() ? "" : ", ") + printable(item.key);
    }
    if (!ignored.empty())
        block.say(Level::info, ignored + ": ignored: this plugin is no DPDK process and needs "
                                         "FilePrefix only");
}

void parse_link(const ConfigItem &event, LinkConfig &link, Messages &messages) {
    Block block("Event link_status: ", messages);
    for (const auto &item : event.children) {
        if (same(item.key, "SendEventsOnUpdate") || same(item.key, "SendEventOnUpdate")) {
            block.take(item, &parse_switch, link.only_changes);
        } else if (same(item.key, "SendNotification")) {
            block.take(item, &parse_switch, link.notify);
        } else if (same(item.key, "EnabledPortMask")) {
            block.take(item, &parse_mask_item, link.ports, "all ports are watched");
        } else if (same(item.key, "PortName")) {
            std::string name;
            if (block.take(item, &parse_string, name))
                link.port_names.push_back(std::move(name));
        } else {
            block.unknown(item);
        }
    }
    const std::size_t enabled = link.ports.count();
    if (enabled == 0)
        block.say(Level::warning, "EnabledPortMask 0: no port is watched");
    else if (enabled >= all_ports_width && width(link.ports) == enabled)
        link.ports.set();
    if (link.port_names.size() > link.ports.count())
        block.say(Level::warning, std::to_string(link.port_names.size()) + " PortName lines for " +
                                      std::to_string(enabled) + " enabled ports: those from '" +
                                      printable(link.port_names[enabled]) + "' on are unused");
}

// @return false if the block does not say which lcores to watch
bool parse_keepalive(const ConfigItem &event, KeepaliveConfig &keepalive, Messages &messages) {
    Block block("Event keep_alive: ", messages);
    bool usable = true;
    bool named = false;
    constexpr const char *not_watched = "no lcore is watched";
    for (const auto &item : event.children) {
        if (same(item.key, "SendEventsOnUpdate") || same(item.key, "SendEventOnUpdate")) {
            block.take(item, &parse_switch, keepalive.only_changes);
        } else if (same(item.key, "SendNotification")) {
            block.take(item, &parse_switch, keepalive.notify);
        } else if (same(item.key, "LCoreMask")) {
            usable &= block.take(item, &parse_mask_item, keepalive.lcores, not_watched);
        } else if (same(item.key, "KeepAliveShmName")) {
            named = true;
            usable &= block.take(item, &parse_shm_name, keepalive.shm_name, not_watched);
        } else {
            block.unknown(item);
        }
    }
    if (usable && keepalive.lcores.none())
        block.say(Level::warning, "LCoreMask is missing or 0: no lcore is watched");
    if (usable && keepalive.lcores.any() && !named)
        block.say(Level::notice, "no KeepAliveShmName: the default shared memory " +
                                     keepalive.shm_name + " is used");
    return usable && keepalive.lcores.any();
}

void parse_event(const ConfigItem &item, Config &config, Messages &messages) {
    const auto *name =
        item.arguments.size() == 1 ? std::get_if<std::string>(&item.arguments.front()) : nullptr;
    if (name != nullptr && same(*name, "link_status")) {
        config.link.emplace();
        parse_link(item, *config.link, messages);
    } else if (name != nullptr && same(*name, "keep_alive")) {
        config.keepalive.emplace();
        if (!parse_keepalive(item, *config.keepalive, messages))
            config.keepalive.reset();
    } else {
        messages.push_back({.level = Level::error,
                            .text = quoted(item) + ": expected \"link_status\" or "
                                                   "\"keep_alive\"; the block is ignored"});
    }
}

} // namespace

std::string LinkConfig::name_of(unsigned port) const {
    // Names belong to the ports of the mask, including ports that the application does not have
    // now. A port therefore keeps its name when others are added and removed.
    std::size_t before = 0;
    for (unsigned other = 0; other < port && before < port_names.size(); ++other)
        before += ports.test(other) ? 1 : 0;
    if (before < port_names.size() && !port_names[before].empty())
        return instance_name(port_names[before]);
    return "port." + std::to_string(port);
}

std::vector<Message> parse_config(const std::vector<ConfigItem> &items, Config &config) {
    Messages messages;
    for (const auto &item : items) {
        if (same(item.key, "EAL"))
            parse_eal(item, config, messages);
        else if (same(item.key, "Event"))
            parse_event(item, config, messages);
        else
            Block("", messages).unknown(item);
    }
    return messages;
}

} // namespace netvsc::collectd
