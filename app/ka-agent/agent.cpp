// SPDX-License-Identifier: BSD-3-Clause
#include "ka-agent/agent.hpp"

#include "ka-agent/report.hpp"

#include <algorithm>
#include <array>
#include <iostream>
#include <poll.h>
#include <thread>

namespace netvsc {
namespace {

using namespace std::chrono_literals;
using Condition = KeepaliveReader::Condition;

enum ExitStatus { ended = 0, some_dead = 1, no_area = 2, application_gone = 3 };

// The agent also checks the area without a notification, and reports at most once in 20 ms.
constexpr auto check_period = 1s;
constexpr auto check_period_without_notifier = 100ms;
constexpr auto min_report_interval = 20ms;

// The owner writes in each period if any lcore polls.
bool should_change(const KeepaliveSnapshot &snapshot) {
    return std::ranges::any_of(snapshot.states, [](LcoreState state) {
        return state == LcoreState::alive || state == LcoreState::missing;
    });
}

Result<DeathNotifier> start_notifier(const KeepaliveReader &reader) {
    auto area = reader.open_writable();
    if (!area)
        return std::unexpected(std::move(area.error()));
    return DeathNotifier::start(*area);
}

} // namespace

int Agent::run() {
    if (auto opened = open(); !opened) {
        note(opened.error().message() + (opened.error().number == ENOENT
                                             ? ": does the application run, with keepalive on?"
                                             : ""));
        return no_area;
    }
    if (options_.once) {
        const auto snapshot = reader_->read();
        if (!snapshot) {
            note(snapshot.error().message());
            return no_area;
        }
        print(*snapshot);
        return dead_lcores(*snapshot).empty() ? ended : some_dead;
    }
    note("watching " + options_.area.name + " (" + std::to_string(reader_->lcores()) + " lcores)");
    bool death_posted = false;
    for (;;) {
        if (const auto status = check(death_posted))
            return *status;
        const auto posted = wait();
        if (!posted)
            return ended;
        death_posted = *posted;
    }
}

Result<void> Agent::open() {
    auto reader = KeepaliveReader::open(options_.area);
    if (!reader)
        return std::unexpected(std::move(reader.error()));
    notifier_.reset();
    reader_.emplace(std::move(*reader));
    last_.reset();
    last_dead_.clear();
    if (options_.once)
        return {};
    if (auto notifier = start_notifier(*reader_))
        notifier_.emplace(std::move(*notifier));
    else
        note("checking every 100 ms instead of waiting: " + notifier.error().message());
    return {};
}

std::optional<int> Agent::check(bool death_posted) {
    switch (reader_->condition()) {
    case Condition::replaced:
        if (auto opened = open(); !opened)
            return lost(opened.error().message());
        lost_at_.reset();
        note("the application was restarted");
        break;
    case Condition::removed:
    case Condition::abandoned:
        return lost("the application has ended");
    case Condition::owned:
    case Condition::unlocked:
        break;
    }
    const auto snapshot = reader_->read();
    if (!snapshot)
        return lost(snapshot.error().message());
    lost_at_.reset();
    return evaluate(*snapshot, death_posted);
}

std::optional<int> Agent::evaluate(const KeepaliveSnapshot &snapshot, bool death_posted) {
    const auto now = Clock::now();
    if (snapshot != last_) {
        last_ = snapshot;
        changed_ = now;
    }
    auto dead = dead_lcores(snapshot);
    if (!dead.empty() && (death_posted || dead != last_dead_)) {
        print(snapshot);
        // Limits the output if a process posts the semaphore in a loop.
        std::this_thread::sleep_for(min_report_interval);
    }
    last_dead_ = std::move(dead);
    if (now - changed_ >= options_.timeout && should_change(snapshot)) {
        note(options_.area.name + " has not been updated for " +
             std::to_string(options_.timeout.count()) + " s: the application hangs or has ended");
        return application_gone;
    }
    return std::nullopt;
}

std::optional<int> Agent::lost(const std::string &why) {
    const auto now = Clock::now();
    const std::string seconds = std::to_string(options_.timeout.count()) + " s";
    if (!lost_at_) {
        lost_at_ = now;
        note(why + "; waiting " + seconds + " for another");
    }
    if (now - *lost_at_ < options_.timeout)
        return std::nullopt;
    note(why + ", and has not come back for " + seconds);
    return application_gone;
}

std::optional<bool> Agent::wait() {
    std::array<pollfd, 2> sources{
        pollfd{.fd = signals_.get(), .events = POLLIN, .revents = 0},
        pollfd{.fd = notifier_ ? notifier_->fd() : -1, .events = POLLIN, .revents = 0}};
    const std::chrono::milliseconds timeout =
        notifier_ ? check_period : check_period_without_notifier;
    ::poll(sources.data(), sources.size(), static_cast<int>(timeout.count()));
    if (sources[0].revents != 0)
        return std::nullopt;
    if (!notifier_ || sources[1].revents == 0)
        return false;
    const auto event = notifier_->read_events();
    if (event == DeathNotifier::Event::ended)
        notifier_.reset(); // the area was probably truncated; the next check() finds that
    return event == DeathNotifier::Event::death;
}

void Agent::print(const KeepaliveSnapshot &snapshot) const {
    std::cout << (options_.json ? as_json(snapshot) : as_text(snapshot)) << '\n'
              << std::flush; // so that a reader of a pipe receives the line at once
}

void Agent::note(const std::string &text) const { std::cerr << "ka-agent: " << text << '\n'; }

} // namespace netvsc
