// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace netvsc::collectd {

/// The values are collectd's NOTIF_* and LOG_*. plugin.cpp checks that.
enum class Severity : std::uint8_t { failure = 1, warning = 2, okay = 4 };
enum class Level : std::uint8_t { error = 3, warning = 4, notice = 5, info = 6 };

/// A line for collectd's log.
struct Message {
    Level level{};
    std::string text;
    bool operator==(const Message &) const = default;
};

/// A value of type "gauge".
struct Value {
    std::string plugin_instance;
    std::string type_instance;
    double value = 0;
    bool operator==(const Value &) const = default;
};

struct Notification {
    Severity severity{};
    std::string message;
    std::string plugin_instance;
    std::chrono::nanoseconds age{}; ///< time from the event to the read
    std::vector<std::pair<std::string, std::string>> metadata;
    bool operator==(const Notification &) const = default;
};

/// The results of one read. collectd receives them in this order.
struct Report {
    std::vector<Message> messages;
    std::vector<Value> values;
    std::vector<Notification> notifications;
};

} // namespace netvsc::collectd
