// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/error.hpp"
#include "netlink/netlink_exchange.hpp"

#include <cstdint>
#include <functional>
#include <string>

namespace netvsc {

struct TrafficFilter;

/// Redirects frames from one netdevice to another by the kernel's traffic control (tc(8)). Needs
/// CAP_NET_ADMIN. One thread at a time. A call blocks until the kernel has answered, 5 s at most.
///
/// A redirection stays in the kernel until it is removed, or its netdevice is. It carries a
/// priority and an action cookie (traffic_filter.hpp), by which any process can recognise and
/// remove it.
class TrafficControl {
public:
    [[nodiscard]] static Result<TrafficControl> open();

    /// Sends each frame that netdevice @p from receives out by netdevice @p to. The kernel's
    /// network stack does not see the frame. Replaces an earlier redirection.
    /// @param from, to  ifindex
    /// @return an error that names both netdevices and the refused object
    [[nodiscard]] Result<void> redirect(int from, int to) const;

    /// Spreads by flow what netdevice @p at sends over its first @p queues Tx queues. Removes all
    /// filters of the netdevice first, redirections too, so use it only on a netdevice that this
    /// process has created. Needs Linux 5.19 (TCA_SKBEDIT_QUEUE_MAPPING_MAX).
    /// @param at      ifindex
    /// @param queues  at least 1
    [[nodiscard]] Result<void> spread(int at, std::uint16_t queues) const;

    /// Removes the redirection of netdevice @p from, and its queueing discipline if that holds no
    /// other filter. Succeeds if there is none.
    [[nodiscard]] Result<void> remove_redirect(int from) const;

    /// Removes from netdevice @p from, in the same way, all redirections to netdevices that were
    /// removed. A killed process leaves them behind, those of net_tap included.
    /// @return the number of removed redirections
    [[nodiscard]] Result<int> remove_dead_redirects(int from) const;

    /// Checks that the kernel has, or can load, a queueing discipline, a classifier or an action.
    /// The check tries to create it at netdevice @p at, so use a netdevice that this process has
    /// created.
    /// @return an error if the check itself failed, such as failure(EPERM)
    [[nodiscard]] Result<bool> has_discipline(int at, const std::string &kind) const;
    [[nodiscard]] Result<bool> has_classifier(int at, const std::string &kind) const;
    [[nodiscard]] Result<bool> has_action(int at, const std::string &classifier,
                                          const std::string &kind) const;

private:
    explicit TrafficControl(NetlinkExchange exchange) : exchange_(std::move(exchange)) {}

    [[nodiscard]] Result<void> remove_discipline(int at) const;
    [[nodiscard]] Result<int>
    remove_if(int from, const std::function<bool(const TrafficFilter &)> &unwanted) const;

    NetlinkExchange exchange_;
};

} // namespace netvsc
