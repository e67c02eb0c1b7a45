// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "netvsc-scheduled-events/metadata_client.hpp"
#include "netvsc-scheduled-events/options.hpp"
#include "netvsc-scheduled-events/schedule.hpp"
#include "netvsc-scheduled-events/vf_holder.hpp"

#include <expected>
#include <optional>
#include <set>
#include <string>

namespace netvsc::scheduled {

/// Holds and releases VFs by Azure's events.
class Agent {
public:
    Agent(const Options &options, MetadataClient metadata)
        : policy_(options.policy), metadata_(std::move(metadata)),
          holder_(options.runtime_folder, options.file_prefix) {}

    /// Asks Azure once, and holds or releases.
    void step();

    /// Releases what is held.
    void end();

    /// Prints Azure's events and what they mean for this machine. Holds nothing.
    /// @return false if Azure does not answer
    [[nodiscard]] bool print_events();

private:
    /// Reads the events, and the name of this machine before the first time.
    [[nodiscard]] std::expected<Document, std::string> read_document();
    /// Prints what happened, and those problems that the last step did not have.
    void report(const VfHolder::Outcome &outcome);

    Policy policy_;
    MetadataClient metadata_;
    VfHolder holder_;
    std::optional<Schedule> schedule_; ///< once the name of this machine is known
    std::string held_for_;             ///< id of the event; empty: no hold
    std::set<std::string> problems_;   ///< of the last step
};

} // namespace netvsc::scheduled
