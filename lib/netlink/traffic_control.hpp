// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/error.hpp"
#include "netlink/netlink_exchange.hpp"

#include <cstdint>
#include <functional>
#include <string>

namespace netvsc {

/// Redirections of frames from one netdevice to another by the kernel's traffic control (tc(8)).
/// Needs CAP_NET_ADMIN.
///
/// They stay in the kernel until they are removed or the netdevice they are at goes. One that was
/// left behind is known by its priority and by the cookie of its action, so any process can remove
/// it.
class TrafficControl {
public:
    [[nodiscard]] static Result<TrafficControl> open();

    /// Every frame that comes in by netdevice @p from goes out by netdevice @p to (both by their
    /// index), and the rest of the kernel does not see it. Replaces a redirection made before.
    [[nodiscard]] Result<void> redirect(int from, int to) const;

    /// What netdevice @p at sends goes to its first @p queues (1 at least) Tx queues only, spread
    /// by flow. Linux 5.19 or later. For netdevices of our own: all filters at it go, redirections
    /// too.
    [[nodiscard]] Result<void> spread(int at, std::uint16_t queues) const;

    /// Removes what redirect() made at @p from, and the queueing discipline with it if it holds
    /// nothing else. That there is nothing is no error.
    [[nodiscard]] Result<void> remove_redirect(int from) const;

    /// Removes from @p from, in the same way, whatever redirects to a netdevice that is gone: what
    /// a process left behind that was killed, whether it was redirect() that made it or net_tap.
    /// @return how many there were
    [[nodiscard]] Result<int> remove_dead_redirects(int from) const;

    /// Whether the kernel has (or could load) a queueing discipline, a classifier or an action.
    /// Asked at netdevice @p at, at which things may be made by that.
    [[nodiscard]] Result<bool> has_discipline(int at, const std::string &kind) const;
    [[nodiscard]] Result<bool> has_classifier(int at, const std::string &kind) const;
    [[nodiscard]] Result<bool> has_action(int at, const std::string &classifier,
                                          const std::string &kind) const;

private:
    struct Filter {
        std::uint32_t handle = 0;
        std::uint32_t priority_and_protocol = 0;
        std::string kind;
        bool ours = false;
        bool dead = false; ///< it redirects to a netdevice that is gone
    };

    explicit TrafficControl(NetlinkExchange exchange) : exchange_(std::move(exchange)) {}

    [[nodiscard]] Result<void> remove_discipline(int at) const;
    [[nodiscard]] Result<int> remove_if(int from,
                                        const std::function<bool(const Filter &)> &unwanted) const;

    NetlinkExchange exchange_;
};

} // namespace netvsc
