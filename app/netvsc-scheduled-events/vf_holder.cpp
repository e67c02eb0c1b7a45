// SPDX-License-Identifier: BSD-3-Clause
#include "netvsc-scheduled-events/vf_holder.hpp"

#include "telemetry/json_fields.hpp"

#include <algorithm>
#include <chrono>

namespace netvsc::scheduled {
namespace {

std::string name_of(std::uint16_t port, const std::string &prefix) {
    return "port " + std::to_string(port) + " of --file-prefix " + prefix;
}

Result<nlohmann::json> ask(DriverApplication &application, const std::string &command) {
    return application.client.query(command, std::chrono::steady_clock::now() + patience);
}

} // namespace

DriverApplications VfHolder::applications() const {
    DriverApplications all = driver_applications(runtime_folder_);
    std::erase_if(all.found, [this](const DriverApplication &application) {
        return !prefix_.empty() && application.prefix != prefix_;
    });
    return all;
}

VfHolder::Outcome VfHolder::hold() {
    Outcome outcome;
    DriverApplications all = applications();
    if (!all.problem.empty())
        outcome.problems.push_back(all.problem);
    for (DriverApplication &application : all.found)
        hold_ports(application, outcome);
    return outcome;
}

void VfHolder::hold_ports(DriverApplication &application, Outcome &outcome) {
    const auto list = ask(application, "/vdev_netvsc/list");
    if (!list) {
        outcome.problems.push_back(list.error().message());
        return;
    }
    for (const auto &entry : *list) {
        const auto id = json_as<std::uint16_t>(entry);
        if (!id)
            continue;
        const Port port{application.prefix, application.client.greeting().pid, *id};
        if (held_.contains(port))
            continue;
        const auto info = ask(application, "/vdev_netvsc/info," + std::to_string(*id));
        if (!info) {
            outcome.problems.push_back(info.error().message());
            return;
        }
        // A port that was closed in the meantime has no information.
        if (json_field<int>(*info, "vf_held") != 0)
            continue;
        if (const auto done = set_vf_held(application, *id, true); !done) {
            outcome.problems.push_back(done.error().message());
            continue;
        }
        held_.insert(port);
        outcome.done.push_back("holds the VF of " + name_of(*id, application.prefix));
    }
}

VfHolder::Outcome VfHolder::release() {
    Outcome outcome;
    if (held_.empty())
        return outcome;
    DriverApplications all = applications();
    std::erase_if(held_, [&](const Port &port) {
        const auto application = std::ranges::find_if(all.found, [&](const auto &running) {
            return running.prefix == port.prefix && running.client.greeting().pid == port.pid;
        });
        // An application that has ended needs no release. One that does not answer now does.
        if (application == all.found.end())
            return all.problem.empty();
        const auto done = set_vf_held(*application, port.id, false);
        if (done)
            outcome.done.push_back("releases the VF of " + name_of(port.id, port.prefix));
        else
            outcome.problems.push_back(done.error().message());
        // A port that was closed needs no release, either.
        return done || done.error().number == ENODEV;
    });
    if (!all.problem.empty())
        outcome.problems.push_back(all.problem);
    return outcome;
}

} // namespace netvsc::scheduled
