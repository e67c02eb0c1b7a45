// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/overloaded.hpp"
#include "core/command.hpp"

#include <deque>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

namespace netvsc {

/// Traffic commands that wait for EAL's interrupt thread, in order. No lock of its own.
class CommandQueue {
public:
    void push(std::vector<TrafficCommand> commands) {
        std::ranges::move(commands, std::back_inserter(commands_));
    }
    [[nodiscard]] std::optional<TrafficCommand> pop() {
        if (commands_.empty())
            return std::nullopt;
        std::optional<TrafficCommand> first(std::move(commands_.front()));
        commands_.pop_front();
        return first;
    }
    [[nodiscard]] bool empty() const { return commands_.empty(); }

    /// A port was closed: drops the commands that are only for it. The next port may have the
    /// same number, and must not receive them.
    void drop_port(PortNumber number) {
        std::erase_if(commands_, [number](const TrafficCommand &command) {
            return std::visit(Overloaded{
                                  [&](const Announce &one) { return one.number == number; },
                                  [&](const CheckVf &one) { return one.number == number; },
                                  [&](const RefreshLink &one) { return one.number == number; },
                                  [&](const RaisePortEvent &one) { return one.number == number; },
                                  // The VF must be released, whichever port has the number.
                                  [](const Withdraw & /*one*/) { return false; },
                                  [](const RestoreDriver & /*one*/) { return false; },
                              },
                              command);
        });
    }

private:
    std::deque<TrafficCommand> commands_;
};

} // namespace netvsc
