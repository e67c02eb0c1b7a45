// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "collectd/config.hpp"
#include "collectd/driver_events.hpp"
#include "collectd/report.hpp"

#include <map>
#include <optional>
#include <span>
#include <string>

namespace netvsc::collectd {

/// Decides what is told of the ports of one application: link status as the stock plugin does,
/// and what net_vdev_netvsc says of its VFs.
class LinkStatus {
public:
    explicit LinkStatus(LinkConfig config) : config_(std::move(config)) {}

    [[nodiscard]] bool watched(unsigned port) const {
        return port < config_.ports.size() && config_.ports.test(port);
    }

    /// These ports there are; what is known of others is forgotten.
    void present(std::span<const unsigned> ports, Report &report);
    /// How @p port is now.
    void polled(unsigned port, bool up, Report &report);
    /// What has happened @p age ago. Called before polled(), which knows what came after.
    void happened(const DriverEvent &event, std::chrono::nanoseconds age, Report &report);
    void learn(unsigned port, PortFacts facts) { ports_[port].facts = std::move(facts); }
    /// The application has gone: all is told anew when there is one again.
    void forget();

private:
    struct Port {
        std::optional<bool> told; ///< the last status told: true for up
        PortFacts facts;
    };

    void notify(unsigned port, bool up, std::chrono::nanoseconds age, Report &report);
    [[nodiscard]] Notification about(unsigned port, const PortFacts &facts) const;

    LinkConfig config_;
    std::map<unsigned, Port> ports_;
    bool names_checked_ = false;
};

} // namespace netvsc::collectd
