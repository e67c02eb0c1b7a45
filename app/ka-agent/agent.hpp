// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/file_descriptor.hpp"
#include "ka-agent/death_notifier.hpp"
#include "ka-agent/options.hpp"
#include "keepalive/keepalive_reader.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace netvsc {

/// Watches the keepalive area of an application. If the application restarts, the agent watches
/// its new area.
class Agent {
public:
    /// @param signals  a signalfd(2): the agent ends when it is readable
    Agent(Options options, FileDescriptor signals)
        : options_(std::move(options)), signals_(std::move(signals)) {}

    /// @return the exit status
    [[nodiscard]] int run();

private:
    using Clock = std::chrono::steady_clock;

    [[nodiscard]] Result<void> open();
    /// @return an exit status if this is the end
    [[nodiscard]] std::optional<int> check(bool death_posted);
    [[nodiscard]] std::optional<int> evaluate(const KeepaliveSnapshot &snapshot, bool death_posted);
    [[nodiscard]] std::optional<int> lost(const std::string &why);
    /// @return whether the notifier reported a death; nullopt if a signal came
    [[nodiscard]] std::optional<bool> wait();
    void print(const KeepaliveSnapshot &snapshot) const;
    void note(const std::string &text) const;

    Options options_;
    FileDescriptor signals_;
    std::optional<KeepaliveReader> reader_;
    std::optional<DeathNotifier> notifier_;
    std::optional<KeepaliveSnapshot> last_;
    std::vector<unsigned> last_dead_;
    Clock::time_point changed_;                ///< when last_ was first seen
    std::optional<Clock::time_point> lost_at_; ///< when the area or its owner disappeared
};

} // namespace netvsc
