// SPDX-License-Identifier: BSD-3-Clause
#include "trial.hpp"

#include "blocks.hpp"
#include "common/wait_for.hpp"

#include <cstring>
#include <iostream>
#include <stdexcept>
#include <utility>

namespace netvsc::test {
namespace {

// For what a fault may prevent; and for what has to come about.
constexpr auto soft_limit = 3s;
constexpr auto hard_limit = 20s;
// Some resources are released a little later.
constexpr auto grace = 3s;
// A leak grows in each round. A number of blocks that rises and falls is no leak.
constexpr int enough_rounds = 4;

constexpr const char *step_names[] = {"begins", "watches", "answers", "moves", "ends"};

} // namespace

Trial::Trial(Application &application, const PciAddress &vf, Plan plan)
    : application_(application), vf_(vf), plan_(std::move(plan)) {}

bool Trial::run() {
    for (const std::string &arguments : plan_.series) {
        arguments_ = arguments;
        settle();
        try_places();
    }
    be_up(false);
    for (const Sighting &seen : Injector::sightings())
        std::cout << "called " << seen.place.to_string() << '\n';
    std::cout << "can fail:";
    for (const Call &call : failing_calls())
        std::cout << ' ' << call.name;
    std::cout << '\n'
              << places_ << " places, " << injected_ << " faults injected, " << missed_
              << " not reached again, " << findings_ << " findings" << std::endl;
    return findings_ == 0;
}

// ---- What the driver is led through.

std::string Trial::take(Step step) {
    switch (step) {
    case begins:
        return begin();
    case watches:
        return watch();
    case answers:
        return application_.ask_telemetry() ? "" : "telemetry answers";
    case moves:
        return move();
    default:
        application_.remove_driver();
        return {};
    }
}

std::string Trial::begin() {
    if (application_.add_driver(arguments_) != 0)
        return "the driver is added";
    if (!wait_for([&] { return application_.start_port(); }, soft_limit))
        return "the port starts";
    return vf_and_lcore();
}

std::string Trial::watch() {
    application_.hang();
    const bool dead = wait_for([&] { return application_.worker_dead(); }, soft_limit);
    application_.resume();
    if (!dead)
        return "the lcore is dead";
    return vf_and_lcore();
}

std::string Trial::move() {
    application_.take_vf();
    if (!wait_for([&] { return application_.vf_absent(); }, soft_limit))
        return "the VF is absent";
    const bool changed = application_.change_port();
    application_.bring_vf();
    auto failed = vf_and_lcore();
    return failed.empty() && changeable_ && !changed ? "the port is changed" : failed;
}

std::string Trial::vf_and_lcore() {
    if (!wait_for([&] { return application_.vf_attached(); }, soft_limit))
        return "the VF is attached";
    if (!wait_for([&] { return application_.worker_alive(); }, soft_limit))
        return "the lcore is alive";
    return {};
}

std::string Trial::recover(Step step) {
    if (step == watches || step == answers)
        return take(step);
    if (!application_.has_driver() && application_.add_driver(arguments_) != 0)
        return "the driver is added";
    application_.touch_netdevice();
    // DPDK 22.11: if one sub-device could not be started, fail-safe leaves others started, and is
    // never started again: an application has to close it.
    if (!application_.started() && application_.port() && !application_.start_port()) {
        application_.remove_driver();
        if (application_.add_driver(arguments_) != 0)
            return "the driver is added";
    }
    if (!application_.started() && !wait_for([&] { return application_.start_port(); }, hard_limit))
        return "the port starts";
    application_.take_vf();
    if (!wait_for([&] { return application_.vf_absent(); }, hard_limit))
        return "the VF is absent";
    if (changeable_ && !application_.change_port())
        return "the port is changed";
    application_.bring_vf();
    if (!wait_for([&] { return application_.vf_attached(); }, hard_limit))
        return "the VF is attached";
    if (auto failed = watch(); !failed.empty())
        return failed;
    return application_.ask_telemetry() ? "" : "telemetry answers";
}

// ---- Without faults.

void Trial::must(Step step) {
    Injector::set_step(step);
    auto failed = take(step);
    if (failed.empty())
        return;
    find("later, without a fault, it does not come about that " + failed);
    application_.remove_driver();
    failed = begin();
    if (failed.empty() && step != begins)
        failed = take(step);
    if (!failed.empty())
        throw std::runtime_error("it never comes about that " + failed);
}

void Trial::be_up(bool up) {
    if (up != application_.has_driver())
        must(up ? begins : ends);
}

/// Until what is held stays the same.
void Trial::settle() {
    trying_ = "no fault";
    be_up(false);
    for (int i = 0; i < 2; ++i) {
        must(begins);
        Injector::set_step(moves);
        application_.take_vf();
        (void)wait_for([&] { return application_.vf_absent(); }, hard_limit);
        changeable_ = application_.change_port();
        for (const Step step : {moves, watches, answers})
            must(step);
        rest_[1] = holdings(vf_);
        must(ends);
        rest_[0] = holdings(vf_);
    }
    std::cout << "series " << arguments_ << "\nat rest: " << difference({}, rest_[0])
              << "\nwith the driver: " << difference(rest_[0], rest_[1])
              << (changeable_ ? "" : "\nthe port cannot be changed") << std::endl;
}

// ---- With faults.

void Trial::try_places() {
    // Faults lead to places that were not seen before: those come with the next pass.
    for (bool more = true; more;) {
        more = false;
        for (const Step step : {begins, watches, answers, moves, ends}) {
            for (const Sighting &seen : Injector::sightings()) {
                if (seen.step != step || !seen.place.to_string().contains(plan_.only) ||
                    tried_.contains(seen.place) ||
                    (plan_.each_function && !tried_functions_.insert(seen.place.call).second))
                    continue;
                tried_.insert(seen.place);
                more = true;
                bool called = false;
                for (const int error : seen.place.call->errors) {
                    // The kernel's news of a step may come in the next one.
                    called |= try_one(seen, step, error) ||
                              (step != moves && try_one(seen, moves, error));
                    if (!plan_.all_errors)
                        break;
                }
                ++(called ? places_ : missed_);
            }
        }
    }
}

bool Trial::try_one(const Sighting &seen, Step step, int error) {
    const auto began = std::chrono::steady_clock::now();
    trying_ =
        seen.place.to_string() + " " + ::strerrorname_np(error) + " when it " + step_names[step];
    for (const Fault &earlier : seen.after)
        trying_ += " after " + earlier.place.to_string();
    std::cout << "trying " << trying_ << std::endl; // should it end the process
    auto faults = seen.after;
    faults.push_back({.place = seen.place, .error = error});
    const unsigned found = findings_;
    const bool up = step != begins && step != ends;
    be_up(up);
    const std::int64_t first = blocks_in_use();
    const bool called = round(step, faults);
    if (called)
        ++injected_;
    // A leak comes again each time; what is kept once, or for a while, does not.
    std::int64_t before = first;
    // net_af_xdp and libxdp (DPDK 22.11) leak by themselves: see holdings().
    const bool to_be_told = called && !arguments_.contains("fallback=af_xdp");
    for (int rounds = 1; to_be_told && findings_ == found && blocks_in_use() > before; ++rounds) {
        before = blocks_in_use();
        if (rounds == enough_rounds) {
            find("leaks " + std::to_string(before - first) + " blocks in " +
                 std::to_string(rounds) + " rounds");
            break;
        }
        (void)round(step, faults);
    }
    const auto took = std::chrono::steady_clock::now() - began;
    std::cout << (called ? "tried " : "not called again ") << trying_ << ": "
              << std::chrono::duration_cast<std::chrono::milliseconds>(took).count() << " ms"
              << std::endl;
    return called;
}

// Faults that come of others may come at any point of the round: nothing is disarmed until its end.
bool Trial::round(Step step, const std::vector<Fault> &faults) {
    if (step == ends)
        be_up(true);
    Injector::set_step(step);
    Injector::arm(faults);
    carry_on(step);
    if (step == begins)
        carry_on(ends);
    // What could not be ended is ended by the next good end.
    for (std::size_t more = 0; !at_rest(500ms) && more < faults.size(); ++more) {
        if (step == begins || step == ends) {
            carry_on(begins);
            carry_on(ends);
        } else {
            carry_on(step);
        }
    }
    const bool called = Injector::fired() == faults.size();
    Injector::disarm();
    if (!at_rest(grace)) {
        const bool up = application_.has_driver();
        const Holdings now = holdings(vf_);
        if (faults.size() == 1)
            find("is held still: " + difference(rest_[up], now));
        rest_[up] = now;
    }
    return called;
}

void Trial::carry_on(Step step) {
    const std::string failed = take(step);
    if (failed.empty())
        return;
    if (Injector::fired() == 0)
        find("before the fault it does not come about that " + failed);
    if (const auto wrong = recover(step); !wrong.empty())
        find("after the fault, and that not '" + failed + "', it does not come about either that " +
             wrong);
}

bool Trial::at_rest(std::chrono::milliseconds limit) const {
    return wait_for([&] { return holdings(vf_) == rest_[application_.has_driver()]; }, limit);
}

void Trial::find(const std::string &what) {
    ++findings_;
    std::cout << "FINDING " << trying_ << ": " << what << std::endl;
}

} // namespace netvsc::test
