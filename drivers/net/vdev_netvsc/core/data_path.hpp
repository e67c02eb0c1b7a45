// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <string_view>

namespace netvsc {

/// The VF's netdevice in hv_netvsc's log line "... Data path switched from VF: <netdevice>", which
/// it logs when the host has moved the data path to NetVSC (netvsc_switch_datapath() and
/// netvsc_vf_changed() in Linux's drivers/net/hyperv). Empty for any other line.
///
/// Any driver may log the same text. The caller must check the VF's state.
[[nodiscard]] std::string vf_left_by_data_path(std::string_view log_line);

} // namespace netvsc
