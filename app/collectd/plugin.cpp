// SPDX-License-Identifier: BSD-3-Clause
// The interface to collectd. No other file includes collectd's headers.
#include "collectd/collector.hpp"
#include "collectd/config.hpp"
#include "collectd/report.hpp"
#include "collectd/text.hpp"

#include <algorithm>
#include <cstring>
#include <exception>
#include <memory>
#include <span>
#include <type_traits>

extern "C" {
#include <collectd/core/daemon/plugin.h>
}

namespace netvsc::collectd {
namespace {

constexpr const char *plugin_name = "dpdkevents";

static_assert(static_cast<int>(Severity::failure) == NOTIF_FAILURE &&
              static_cast<int>(Severity::warning) == NOTIF_WARNING &&
              static_cast<int>(Severity::okay) == NOTIF_OKAY);
static_assert(static_cast<int>(Level::error) == LOG_ERR &&
              static_cast<int>(Level::warning) == LOG_WARNING &&
              static_cast<int>(Level::notice) == LOG_NOTICE &&
              static_cast<int>(Level::info) == LOG_INFO);

// collectd calls config and init in its main thread before the first read. It calls read from one
// thread at a time, and shutdown after the last read.
struct Plugin {
    Config config;
    std::unique_ptr<Collector> collector;
};
Plugin &plugin() {
    static Plugin instance;
    return instance;
}

template <std::size_t size> void copy(char (&target)[size], const std::string &text) {
    const std::size_t length = std::min(text.size(), size - 1);
    std::memcpy(target, text.data(), length);
    target[length] = '\0';
}

void log(const Message &message) {
    plugin_log(static_cast<int>(message.level), "%s: %s", plugin_name, message.text.c_str());
}

void dispatch(const Value &value) {
    value_t gauge{.gauge = value.value};
    value_list_t list{};
    list.values = &gauge;
    list.values_len = 1;
    copy(list.plugin, plugin_name);
    copy(list.plugin_instance, value.plugin_instance);
    copy(list.type, "gauge");
    copy(list.type_instance, value.type_instance);
    plugin_dispatch_values(&list);
}

void dispatch(const Notification &notification) {
    notification_t native{};
    native.severity = static_cast<int>(notification.severity);
    const auto age = std::max<std::int64_t>(notification.age.count(), 0);
    native.time = cdtime() - NS_TO_CDTIME_T(age);
    copy(native.message, notification.message);
    copy(native.host, hostname_g);
    copy(native.plugin, plugin_name);
    copy(native.plugin_instance, notification.plugin_instance);
    for (const auto &[key, value] : notification.metadata)
        plugin_notification_meta_add_string(&native, key.c_str(), value.c_str());
    plugin_dispatch_notification(&native);
    if (native.meta != nullptr)
        plugin_notification_meta_free(native.meta);
}

// Runs a function that C code calls. No exception (out of memory) passes to the caller.
template <typename Function> int guarded(Function function) {
    try {
        function();
        return 0;
    } catch (const std::exception &exception) {
        plugin_log(LOG_ERR, "%s: %s", plugin_name, exception.what());
        return -1;
    }
}

ConfigItem converted(const oconfig_item_t &item) {
    ConfigItem result{.key = item.key};
    for (const auto &value : std::span(item.values, static_cast<std::size_t>(item.values_num))) {
        switch (value.type) {
        case OCONFIG_TYPE_STRING:
            result.arguments.emplace_back(std::string(value.value.string));
            break;
        case OCONFIG_TYPE_NUMBER:
            result.arguments.emplace_back(value.value.number);
            break;
        default:
            result.arguments.emplace_back(value.value.boolean != 0);
        }
    }
    for (const auto &child : std::span(item.children, static_cast<std::size_t>(item.children_num)))
        result.children.push_back(converted(child));
    return result;
}

int configure(oconfig_item_t *block) {
    return guarded([block] {
        std::ranges::for_each(parse_config(converted(*block).children, plugin().config), log);
    });
}

int read(user_data_t * /*unused*/) {
    return guarded([] {
        const Report report = plugin().collector->read();
        std::ranges::for_each(report.messages, log);
        std::ranges::for_each(report.values, [](const Value &value) { dispatch(value); });
        std::ranges::for_each(report.notifications,
                              [](const Notification &notification) { dispatch(notification); });
    });
}

int initialize() {
    return guarded([] {
        if (!plugin().config.link && !plugin().config.keepalive) {
            log({.level = Level::warning, .text = "no usable Event block: nothing is watched"});
            return;
        }
        plugin().collector = std::make_unique<Collector>(plugin().config, dpdk_runtime_folder());
        plugin_register_complex_read(nullptr, plugin_name, read, 0, nullptr);
    });
}

int shut_down() {
    plugin().collector.reset();
    return 0;
}

} // namespace
} // namespace netvsc::collectd

// collectd looks up this symbol only.
extern "C" __attribute__((visibility("default"))) void module_register() {
    using namespace netvsc::collectd;
    plugin_register_complex_config(plugin_name, configure);
    plugin_register_init(plugin_name, initialize);
    plugin_register_shutdown(plugin_name, shut_down);
}
