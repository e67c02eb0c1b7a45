// SPDX-License-Identifier: BSD-3-Clause
// The collectd plugin with an application that answers anything.
#include "collectd/collector.hpp"
#include "hostile_application.hpp"
#include "require.hpp"

#include <cstdint>
#include <string>

using namespace netvsc;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const HostileApplication application(data, size);
    collectd::Config config{.link = collectd::LinkConfig{.notify = (application.flags() & 4U) != 0,
                                                         .port_names = {"a", "b"}},
                            .keepalive =
                                collectd::KeepaliveConfig{.notify = true,
                                                          .lcores = collectd::BitMask().set(),
                                                          .shm_name = "/netvsc_fuzz_nothing"}};
    collectd::Collector collector(std::move(config), HostileApplication::folder());
    for (int i = 0; i < 3; ++i) {
        const auto report = collector.read();
        for (const auto &notification : report.notifications) {
            require(notification.message.find('\n') == std::string::npos);
            planted_bug(notification.message.starts_with("Link Status: ") &&
                        notification.plugin_instance != "a");
        }
    }
    return 0;
}
