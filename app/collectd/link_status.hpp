// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "collectd/config.hpp"
#include "collectd/driver_events.hpp"
#include "collectd/report.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <span>
#include <string>

namespace netvsc::collectd {

/// Decides what collectd receives about the ports of one application: link status in the stock
/// plugin's form, and net_vdev_netvsc's events.
class LinkStatus {
public:
    explicit LinkStatus(LinkConfig config) : config_(std::move(config)) {}

    [[nodiscard]] bool watched(unsigned port) const {
        return port < config_.ports.size() && config_.ports.test(port);
    }

    /// The application has these ports now. Forgets all others.
    void present(std::span<const unsigned> ports, Report &report);
    /// Reports the present link status of @p port.
    void polled(unsigned port, bool up, Report &report);
    /// Reports for how long @p port has had a VF that does not carry its packets.
    void vf_unused(unsigned port, std::chrono::nanoseconds length, Report &report);
    /// Reports an event from @p age ago. Call it before polled(), which reports later changes.
    void happened(const DriverEvent &event, std::chrono::nanoseconds age, Report &report);
    void learn(unsigned port, PortFacts facts) { ports_[port].facts = std::move(facts); }
    /// The application has ended. The status of the next one's ports is all reported.
    void forget();

private:
    struct Port {
        std::optional<bool> reported; ///< the last status reported: true for up
        std::optional<std::chrono::nanoseconds> vf_unused; ///< as reported last
        PortFacts facts;
    };

    void notify(unsigned port, bool up, std::chrono::nanoseconds age, Report &report);
    [[nodiscard]] Notification about(unsigned port, const PortFacts &facts) const;

    LinkConfig config_;
    std::map<unsigned, Port> ports_;
    bool names_checked_ = false;
};

} // namespace netvsc::collectd
