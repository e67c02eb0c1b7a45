// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "telemetry/driver_applications.hpp"

#include <compare>
#include <set>
#include <string>
#include <vector>

namespace netvsc::scheduled {

/// Holds and releases the VFs of running applications by their telemetry. Leaves alone what
/// somebody else has held.
class VfHolder {
public:
    /// @param prefix  the --file-prefix of the applications; empty: all
    VfHolder(std::string runtime_folder, std::string prefix)
        : runtime_folder_(std::move(runtime_folder)), prefix_(std::move(prefix)) {}

    /// What happened, and what did not work, as lines of text.
    struct Outcome {
        std::vector<std::string> done;
        std::vector<std::string> problems;
    };

    /// Holds the VF of each port that is not held, also of applications that have started since the
    /// last call. Does not repeat a hold that somebody has released.
    [[nodiscard]] Outcome hold();

    /// Releases what hold() has held. Does nothing for an application that has ended. Another call
    /// repeats what did not work.
    [[nodiscard]] Outcome release();

private:
    struct Port {
        std::string prefix;
        int pid = 0; ///< of the application
        std::uint16_t id = 0;

        auto operator<=>(const Port &) const = default;
    };

    void hold_ports(DriverApplication &application, Outcome &outcome);
    [[nodiscard]] DriverApplications applications() const;

    std::string runtime_folder_;
    std::string prefix_;
    std::set<Port> held_;
};

} // namespace netvsc::scheduled
