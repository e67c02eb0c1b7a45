// SPDX-License-Identifier: BSD-3-Clause
#include "netdev/lro_pause.hpp"

namespace netvsc {

Result<LroPause> LroPause::begin(int ifindex) {
    auto netdevice = NetdeviceControl::open(ifindex);
    if (!netdevice)
        return std::unexpected(std::move(netdevice.error()));
    const auto on = netdevice->lro();
    if (!on)
        return std::unexpected(on.error());
    if (!*on)
        return LroPause(std::nullopt);
    if (auto off = netdevice->set_lro(false); !off)
        return std::unexpected(std::move(off.error()));
    return LroPause(std::move(*netdevice));
}

LroPause::~LroPause() {
    if (netdevice_)
        (void)netdevice_->set_lro(true);
}

} // namespace netvsc
