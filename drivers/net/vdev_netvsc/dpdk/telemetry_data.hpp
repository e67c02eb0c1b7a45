// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <new>
#include <string>

#include <rte_telemetry.h>
#include <rte_version.h>

namespace netvsc {

/// Fills a dictionary of a telemetry answer. DPDK leaves out an entry that does not fit.
class TelemetryDict {
public:
    /// @param data  becomes a dictionary; not owned
    explicit TelemetryDict(rte_tel_data *data) : data_(data) { rte_tel_data_start_dict(data); }

    void add(const char *name, const std::string &value) {
        rte_tel_data_add_dict_string(data_, name, value.c_str());
    }
    void add(const char *name, int value) { rte_tel_data_add_dict_int(data_, name, value); }
    void add(const char *name, std::uint64_t value) {
#if RTE_VERSION >= RTE_VERSION_NUM(23, 3, 0, 0)
        rte_tel_data_add_dict_uint(data_, name, value);
#else
        rte_tel_data_add_dict_u64(data_, name, value);
#endif
    }
    /// @param value  owned by DPDK from now on
    void add(const char *name, rte_tel_data *value) {
        if (rte_tel_data_add_dict_container(data_, name, value, 0) != 0)
            rte_tel_data_free(value);
    }

private:
    rte_tel_data *data_;
};

/// Allocates data for an entry of other data.
[[nodiscard]] inline rte_tel_data *new_telemetry_data() {
    rte_tel_data *data = rte_tel_data_alloc();
    if (data == nullptr)
        throw std::bad_alloc();
    return data;
}

} // namespace netvsc
