// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "collectd/bit_mask.hpp"
#include "collectd/report.hpp"

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace netvsc::collectd {

/// One line or block of collectd's configuration file.
struct ConfigItem {
    using Argument = std::variant<std::string, double, bool>;

    std::string key;
    std::vector<Argument> arguments;
    std::vector<ConfigItem> children;
};

/// `<Event "link_status">`
struct LinkConfig {
    bool only_changes = true;            ///< SendEventsOnUpdate
    bool notify = false;                 ///< SendNotification: notifications in place of values
    BitMask ports = BitMask().set();     ///< EnabledPortMask
    std::vector<std::string> port_names; ///< PortName, of the enabled ports in order

    /// The name of @p port: its PortName or "port.<n>".
    [[nodiscard]] std::string name_of(unsigned port) const;
};

/// `<Event "keep_alive">`
struct KeepaliveConfig {
    bool only_changes = true;
    bool notify = false;
    BitMask lcores;                                    ///< LCoreMask
    std::string shm_name = "/dpdk_keepalive_shm_name"; ///< KeepAliveShmName
};

/// `<Plugin dpdkevents>`
struct Config {
    std::string file_prefix = "rte"; ///< of the application: FilePrefix in `<EAL>`
    std::optional<LinkConfig> link;  ///< nullopt: not configured
    std::optional<KeepaliveConfig> keepalive;
};

/// Reads the children of a `<Plugin>` block, in the stock plugin's form, into @p config. An error
/// affects its own line or block only.
/// @return messages that name the wrong line, what was expected and what happens now
[[nodiscard]] std::vector<Message> parse_config(const std::vector<ConfigItem> &items,
                                                Config &config);

} // namespace netvsc::collectd
