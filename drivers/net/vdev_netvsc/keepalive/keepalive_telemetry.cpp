// SPDX-License-Identifier: BSD-3-Clause
//
// Telemetry command /vdev_netvsc/keepalive.

#include "dpdk/clock.hpp"
#include "dpdk/guarded.hpp"
#include "dpdk/telemetry_data.hpp"
#include "keepalive/keepalive.hpp"

#include <string>

#include <rte_common.h>
#include <rte_telemetry.h>

namespace netvsc {
namespace {

std::uint64_t milliseconds(std::chrono::steady_clock::duration length) {
    const auto count = std::chrono::duration_cast<std::chrono::milliseconds>(length).count();
    return static_cast<std::uint64_t>(count);
}

rte_tel_data *describe(const LcoreWatch::Lcore &lcore, TimePoint now) {
    rte_tel_data *data = new_telemetry_data();
    TelemetryDict dict(data);
    dict.add("state", std::string(name_of(lcore.state)));
    dict.add("last_seen_ms", milliseconds(now - lcore.last_seen.time));
    dict.add("deaths", std::uint64_t{lcore.deaths});
    return data;
}

void show(rte_tel_data *answer) {
    const auto status = keepalive().status();
    const TimePoint now = netvsc::now();
    rte_tel_data *lcores = new_telemetry_data();
    TelemetryDict by_number(lcores);
    for (const auto &[number, lcore] : status.lcores)
        by_number.add(std::to_string(number).c_str(), describe(lcore, now));
    TelemetryDict dict(answer);
    dict.add("period_ms", milliseconds(status.settings.period));
    dict.add("shm", status.settings.shm);
    dict.add("lcores", lcores);
}

int answer_keepalive(const char * /*command*/, const char * /*parameters*/, rte_tel_data *answer) {
    return guarded("telemetry", [&] { show(answer); });
}

RTE_INIT(vdev_netvsc_keepalive_telemetry) {
    rte_telemetry_register_cmd("/vdev_netvsc/keepalive", answer_keepalive,
                               "Returns the states of the lcores that poll ports of "
                               "net_vdev_netvsc. Takes no parameters");
}

} // namespace
} // namespace netvsc
