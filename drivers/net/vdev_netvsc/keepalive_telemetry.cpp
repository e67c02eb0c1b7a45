// SPDX-License-Identifier: BSD-3-Clause
//
// Telemetry command /vdev_netvsc/keepalive.

#include "keepalive.hpp"
#include "log.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <exception>
#include <memory>
#include <string>
#include <tuple>

#include <rte_common.h>
#include <rte_telemetry.h>

namespace netvsc {
namespace {

using TelData = std::unique_ptr<rte_tel_data, decltype(&rte_tel_data_free)>;

TelData new_dict() {
    TelData dict(rte_tel_data_alloc(), rte_tel_data_free);
    if (dict)
        rte_tel_data_start_dict(dict.get());
    return dict;
}

void add_number(rte_tel_data &dict, const char *name, std::uint64_t value) {
    // Signed, and not u64, whose name changed between releases.
    rte_tel_data_add_dict_int(&dict, name,
                              static_cast<int>(std::min<std::uint64_t>(value, INT_MAX)));
}

void add_lcore(rte_tel_data &lcores, unsigned number, const LcoreWatch::Lcore &lcore,
               std::chrono::steady_clock::time_point now) {
    auto dict = new_dict();
    if (!dict)
        return;
    const auto ago =
        std::chrono::duration_cast<std::chrono::milliseconds>(now - lcore.last_seen.time);
    rte_tel_data_add_dict_string(dict.get(), "state", std::string(name_of(lcore.state)).c_str());
    add_number(*dict, "last_seen_ms", static_cast<std::uint64_t>(ago.count()));
    add_number(*dict, "deaths", lcore.deaths);
    if (rte_tel_data_add_dict_container(&lcores, std::to_string(number).c_str(), dict.get(), 0) ==
        0)
        std::ignore = dict.release(); // telemetry frees it with the rest
}

int show_keepalive(const char * /*command*/, const char * /*parameters*/,
                   rte_tel_data *answer) noexcept {
    try {
        const auto status = keepalive().status();
        const auto now = std::chrono::steady_clock::now();
        rte_tel_data_start_dict(answer);
        add_number(*answer, "period_ms",
                   static_cast<std::uint64_t>(status.settings.period.count()));
        rte_tel_data_add_dict_string(answer, "shm", status.settings.shm.c_str());
        auto lcores = new_dict();
        if (!lcores)
            return -ENOMEM;
        for (const auto &[number, lcore] : status.lcores)
            add_lcore(*lcores, number, lcore, now);
        if (rte_tel_data_add_dict_container(answer, "lcores", lcores.get(), 0) == 0)
            std::ignore = lcores.release();
        return 0;
    } catch (const std::exception &error) {
        log(Message::Level::error, std::string("telemetry: ") + error.what());
        return -ENOMEM;
    }
}

RTE_INIT(vdev_netvsc_keepalive_telemetry) {
    rte_telemetry_register_cmd("/vdev_netvsc/keepalive", show_keepalive,
                               "Returns the states of the lcores that poll ports of "
                               "net_vdev_netvsc. Takes no parameters");
}

} // namespace
} // namespace netvsc
