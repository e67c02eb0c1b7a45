// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "application.hpp"
#include "holdings.hpp"
#include "injector.hpp"

#include <set>
#include <string>
#include <vector>

namespace netvsc::test {

/// What is tried, and how much of it.
struct Plan {
    /// Device arguments, beside those that Application gives. With each, all places are tried that
    /// were not called before.
    std::vector<std::string> series;
    bool all_errors = false;    ///< each that fits a call, not only the first
    bool each_function = false; ///< of each function one place, not all
    std::string only;           ///< only places whose text contains it
};

/// Lets each call of the driver's fail, and looks each time at what becomes of the process, of what
/// it holds, and of the driver's state.
class Trial {
public:
    Trial(Application &application, const PciAddress &vf, Plan plan);

    /// @return whether there were no findings. What was tried is on standard output, a line each.
    [[nodiscard]] bool run();

private:
    /// What the driver is led through. A place is tried in the one in which it was first called.
    enum Step : unsigned {
        begins,  ///< an instance is added, its port started, the VF attached
        watches, ///< an lcore hangs, and polls again
        answers, ///< telemetry
        moves,   ///< the VF is removed, the port is changed, the VF is added
        ends,    ///< the instance is removed
        steps
    };
    /// @return what did not come about, or nothing
    [[nodiscard]] std::string take(Step step);
    [[nodiscard]] std::string begin();
    [[nodiscard]] std::string watch();
    [[nodiscard]] std::string move();
    [[nodiscard]] std::string vf_and_lcore();
    /// The next good events after a fault in that step. @return what is wrong still, or nothing
    [[nodiscard]] std::string recover(Step step);

    void settle();
    void must(Step step);
    void be_up(bool up);
    void try_places();
    /// @return whether it was called
    [[nodiscard]] bool try_one(const Sighting &sighting, Step step, int error);
    [[nodiscard]] bool round(Step step, const std::vector<Fault> &faults);
    /// A step that may fail, and what has to come about after it.
    void carry_on(Step step);
    [[nodiscard]] bool at_rest(std::chrono::milliseconds limit) const;
    void find(const std::string &what);

    Application &application_;
    const PciAddress vf_;
    const Plan plan_;
    std::string arguments_;   ///< of the series
    std::string trying_;      ///< for messages
    Holdings rest_[2];        ///< what is held when the driver is not there, and when it is
    bool changeable_ = false; ///< Application::change_port() works
    std::set<Place> tried_;
    std::set<const Call *> tried_functions_;
    unsigned places_ = 0;
    unsigned injected_ = 0;
    unsigned missed_ = 0;
    unsigned findings_ = 0;
};

} // namespace netvsc::test
