// SPDX-License-Identifier: BSD-3-Clause
#include "netvsc-scheduled-events/agent.hpp"

#include "telemetry/printable_text.hpp"

#include <chrono>
#include <iostream>

namespace netvsc::scheduled {
namespace {

Time now() {
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

void note(const std::string &text) { std::cout << text << '\n' << std::flush; }

std::string meaning_of(const Event &event, const Schedule &schedule) {
    if (!schedule.concerns(event))
        return "no hold: not a Freeze or Redeploy of this virtual machine";
    const auto begin = schedule.begin_of(event);
    return begin ? "hold from " + text_of(*begin) : "hold now";
}

} // namespace

std::expected<Document, std::string> Agent::read_document() {
    if (policy_.machine.empty()) {
        auto name =
            metadata_.get("/metadata/instance/compute/name?api-version=2021-02-01&format=text");
        if (!name)
            return std::unexpected(std::move(name.error()));
        if (name->empty())
            return std::unexpected(
                "Azure's metadata have no name for this virtual machine: use --name");
        policy_.machine = std::move(*name);
    }
    if (!schedule_) {
        schedule_.emplace(policy_);
        note("watches the events of " + printable_text(policy_.machine));
    }
    const auto answer = metadata_.get("/metadata/scheduledevents?api-version=2020-07-01");
    if (!answer)
        return std::unexpected(answer.error());
    auto document = parse_document(*answer);
    if (!document)
        return std::unexpected("scheduled events: " + document.error());
    return document;
}

void Agent::step() {
    auto document = read_document();
    if (document)
        schedule_->update(std::move(document->events));
    const Event *event = schedule_ ? schedule_->holding(now()) : nullptr;
    const std::string id = event == nullptr ? "" : event->id;
    if (id != held_for_) {
        if (event != nullptr)
            note(text_of(*event));
        else
            note(printable_text(held_for_) + (schedule_->lists(held_for_)
                                                  ? ": has lasted longer than --longest"
                                                  : ": is over"));
        held_for_ = id;
    }
    VfHolder::Outcome outcome = event == nullptr ? holder_.release() : holder_.hold();
    if (!document)
        outcome.problems.push_back(document.error());
    report(outcome);
}

void Agent::end() { report(holder_.release()); }

bool Agent::print_events() {
    const auto document = read_document();
    if (!document) {
        report({.done = {}, .problems = {document.error()}});
        return false;
    }
    note("document " + std::to_string(document->incarnation) + ", " +
         std::to_string(document->events.size()) + " events");
    for (const Event &event : document->events)
        note(text_of(event) + "\n  " + meaning_of(event, *schedule_));
    return true;
}

void Agent::report(const VfHolder::Outcome &outcome) {
    for (const std::string &line : outcome.done)
        note(line);
    std::set<std::string> problems(outcome.problems.begin(), outcome.problems.end());
    for (const std::string &problem : problems) {
        if (!problems_.contains(problem))
            std::cerr << "netvsc-scheduled-events: " << problem << '\n';
    }
    problems_ = std::move(problems);
}

} // namespace netvsc::scheduled
