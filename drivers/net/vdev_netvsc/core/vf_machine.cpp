// SPDX-License-Identifier: BSD-3-Clause
#include "core/vf_machine.hpp"

#include <system_error>
#include <utility>

namespace netvsc {
namespace {

using namespace std::chrono_literals;
using Level = Message::Level;

// A VF's kernel driver may show the netdevice before all that the DPDK driver needs is there
// (mlx5: the Verbs device follows), hence a short first delay.
constexpr Backoff probe_backoff{10ms, 30s};
// fail-safe leaves a VF within a poll or two. But it hears of the removal only once the application
// has configured the port: until then it is told again now and then.
constexpr Backoff leave_backoff{500ms, 8s};
constexpr Backoff first_bind_backoff{1s, 64s};
// How long a VF that had to be let go of is left alone. Where it really goes it has gone by then;
// and testpmd detaches what it is told is going 100 ms later.
constexpr std::chrono::milliseconds release_grace{500};
// How much later than the end of the VF's port its netdevice may be reported gone.
constexpr std::chrono::milliseconds removal_grace{50};
// How much later still, on a busy machine, before that it cannot be probed is told as a failure.
constexpr std::chrono::milliseconds leaving_grace{1000};
// When the application closes the fail-safe port it closes the VF's with it, and must be left alone
// until it is done: a probe at the same time would not be safe.
constexpr std::chrono::milliseconds application_grace{5000};
// After which a port is looked at again that was just being configured.
constexpr std::chrono::milliseconds configuring_grace{20};

} // namespace

std::string_view name_of(VfState state) {
    switch (state) {
    case VfState::absent:
        return "absent";
    case VfState::present:
        return "present";
    case VfState::announced:
        return "announced";
    case VfState::attached:
        return "attached";
    case VfState::faulted:
        return "faulted";
    case VfState::recovering:
        return "recovering";
    case VfState::gone:
        return "gone";
    }
    return "unknown";
}

VfMachine::VfMachine(PortNumber port, std::string bind, std::chrono::milliseconds hotplug_poll)
    : number_(port), bind_(std::move(bind)), hotplug_poll_(hotplug_poll), backoff_(probe_backoff) {}

void VfMachine::say(Commands &commands, Level level, const std::string &what) const {
    netvsc::say(commands, level,
                port_name(number_) + ": VF " + (vf_ ? vf_->id.pci.to_string() : "") + " " + what);
}

// Reports each change once, nothing before the port is reported, and nothing of a VF that was not
// reported to be there.
void VfMachine::report(EventType type, Commands &commands) {
    if (!introduced_ || reported_ == type || (!reported_ && type != EventType::vf_present))
        return;
    reported_ = type;
    commands.emplace_back(Report{.type = type, .number = number_, .vf = vf_->id.pci});
}

void VfMachine::introduce(Commands &commands) {
    introduced_ = true;
    if (!vf_ || state_ == VfState::gone)
        return;
    report(EventType::vf_present, commands);
    if (state_ == VfState::faulted)
        report(EventType::vf_failed, commands);
}

// ---- Netdevices.

void VfMachine::want(const std::optional<Vf> &vf, Commands &commands) {
    if (state_ == VfState::gone || vf == vf_)
        return;
    if (vf && vf_ && vf->ifindex == vf_->ifindex && vf->id == vf_->id) {
        vf_ = vf; // other arguments: for when it is probed next
        return;
    }
    if (state_ == VfState::absent) {
        appear(*vf, commands);
        return;
    }
    // One that we bound has lost its netdevice by that. But if its address has a netdevice
    // again, another device has it by now.
    if (!bound_ || (vf && is(vf->id)))
        leave(commands);
}

void VfMachine::begin(const std::optional<Vf> &vf) {
    bound_ = bound_ && !removed_ && vf == vf_;
    vf_ = vf;
    removed_ = false;
    again_.reset();
    waiting_ = false;
    closed_by_application_ = false;
    next_.reset();
    reported_.reset();
    backoff_ = probe_backoff;
    state_ = vf ? VfState::present : VfState::absent;
}

void VfMachine::appear(const Vf &vf, Commands &commands) {
    begin(vf);
    say(commands, Level::notice, "is there");
    report(EventType::vf_present, commands);
    // A bind that fails takes the netdevice away and brings it back: that is no reason to try it
    // again at once.
    if (failed_bind_ && failed_bind_->vf.matches(vf.id)) {
        state_ = VfState::faulted;
        next_ = failed_bind_->next;
        report(EventType::vf_failed, commands);
        return;
    }
    announce(commands);
}

void VfMachine::announce(Commands &commands) {
    state_ = VfState::present;
    next_.reset();
    commands.emplace_back(Announce{
        .number = number_, .vf = *vf_, .bind = bind_, .only_if_started = closed_by_application_});
}

void VfMachine::pci_removed(const PciAddress &pci, bool another_is_there, Commands &commands) {
    if (!is(pci))
        return;
    removed_ = removed_ || !another_is_there;
    again_.reset();
    failed_bind_.reset();
    if (state_ != VfState::gone)
        leave(commands);
    else if (waiting_)
        end(commands);
}

void VfMachine::pci_unbound(const PciAddress &pci, Commands &commands) {
    if (bound_)
        pci_removed(pci, false, commands);
}

void VfMachine::release_requested(const PciAddress &pci, TimePoint now, Commands &commands) {
    if (!is(pci) || !bound_ || state_ == VfState::gone)
        return;
    leave(commands);
    again_ = now + release_grace;
}

void VfMachine::dismiss(Commands &commands) {
    again_.reset();
    if (state_ != VfState::absent && state_ != VfState::gone)
        leave(commands);
}

void VfMachine::leave(Commands &commands) {
    say(commands, Level::notice, "is gone");
    report(EventType::vf_removed, commands);
    state_ = VfState::gone;
    next_.reset();
    backoff_ = leave_backoff;
    commands.emplace_back(Withdraw{.number = number_, .vf = vf_->id});
}

// The VF's port is closed.
void VfMachine::settle(TimePoint now, Commands &commands) {
    commands.emplace_back(RefreshLink{.number = number_});
    waiting_ = again_ && *again_ > now;
    if (waiting_)
        next_ = again_;
    else
        end(commands);
}

// The next one can come, were it at the same PCI address.
void VfMachine::end(Commands &commands) {
    if (again_) { // bound as it is, its netdevice does not tell of it
        appear(Vf(*vf_), commands);
        return;
    }
    if (bound_ && !removed_)
        commands.emplace_back(GiveBack{.vf = vf_->id});
    begin(std::nullopt);
}

// ---- What became of commands.

void VfMachine::bound(const VfId &id) {
    if (!is(id))
        return;
    bound_ = true;
    removed_ = false; // it would have failed
    failed_bind_.reset();
}

void VfMachine::bind_failed(const VfId &id, const std::string &reason, TimePoint now,
                            Commands &commands) {
    if (!is(id) || state_ != VfState::present)
        return;
    if (!failed_bind_ || !failed_bind_->vf.matches(id))
        failed_bind_ = {.vf = id, .backoff = first_bind_backoff, .next = {}};
    const auto delay = failed_bind_->backoff.next();
    failed_bind_->next = now + delay.length;
    retry_later(delay, "could not be bound to " + bind_ + ": " + reason, now, commands);
}

void VfMachine::retry_later(Backoff::Delay delay, const std::string &what, TimePoint now,
                            Commands &commands) {
    state_ = VfState::faulted;
    next_ = now + delay.length;
    // One that was attached is mostly going.
    if (reported_ != EventType::vf_attached || now >= failure_counts_)
        report(EventType::vf_failed, commands);
    if (delay.grew)
        say(commands, Level::warning,
            what + "; trying again in " + std::to_string(delay.length.count()) + " ms");
}

void VfMachine::probed(const VfId &id, int error, TimePoint now, Commands &commands) {
    if (is(id) && waiting_ && error == 0) { // by those who made the port meanwhile
        waiting_ = false;
        next_.reset();
        commands.emplace_back(Withdraw{.number = number_, .vf = vf_->id});
        return;
    }
    if (!is(id) || state_ != VfState::present)
        return;
    const auto delay = backoff_.next();
    if (error != 0) {
        retry_later(delay, "could not be probed: " + std::generic_category().message(error), now,
                    commands);
        return;
    }
    state_ = VfState::announced;
    // By then fail-safe has looked into the pipe, whatever else delayed its alarm a little.
    next_ = now + 2 * hotplug_poll_ + delay.length;
}

void VfMachine::checked(const VfId &id, bool taken, Commands &commands) {
    if (!is(id) || state_ != VfState::announced)
        return;
    if (!taken) {
        announce(commands);
        return;
    }
    state_ = VfState::attached;
    next_.reset();
    backoff_ = probe_backoff;
    say(commands, Level::notice, "attached");
    if (reported_ == EventType::vf_attached) // fail-safe had let go of it meanwhile
        report(EventType::vf_failed, commands);
    report(EventType::vf_attached, commands);
    commands.emplace_back(RefreshLink{.number = number_});
}

void VfMachine::withdrawn(const VfId &id, bool port_remains, TimePoint now, Commands &commands) {
    if (!is(id) || state_ != VfState::gone)
        return;
    if (port_remains)
        next_ = now + backoff_.next().length;
    else
        settle(now, commands);
}

// ---- The VF's port.

void VfMachine::port_gone(const VfId &id, bool by_application, TimePoint now, Commands &commands) {
    if (!is(id))
        return;
    switch (state_) {
    case VfState::gone:
        if (by_application) {
            commands.emplace_back(RefreshLink{.number = number_});
            next_ = now + application_grace;
        } else {
            settle(now, commands);
        }
        return;
    case VfState::announced:
    case VfState::attached:
    case VfState::recovering:
        commands.emplace_back(RefreshLink{.number = number_});
        // Mostly the VF itself is going, and its netdevice follows within moments.
        state_ = VfState::faulted;
        closed_by_application_ = by_application;
        failure_counts_ = now + leaving_grace;
        next_ = now + (by_application ? application_grace : removal_grace + backoff_.next().length);
        return;
    case VfState::absent:
    case VfState::present:
    case VfState::faulted:
        return;
    }
}

void VfMachine::held_back(const VfId &id, TimePoint now) {
    if (!is(id) || state_ != VfState::present)
        return;
    state_ = VfState::faulted;
    next_ = now + (closed_by_application_ ? application_grace : configuring_grace);
}

void VfMachine::recovering(const VfId &id, Commands &commands) {
    if (!is(id) || state_ != VfState::attached)
        return;
    state_ = VfState::recovering;
    say(commands, Level::warning, "has an error its driver is recovering from");
}

void VfMachine::recovered(const VfId &id, bool success, TimePoint now, Commands &commands) {
    if (!is(id) || state_ != VfState::recovering)
        return;
    if (success) {
        state_ = VfState::attached;
        say(commands, Level::notice, "has recovered");
        return;
    }
    say(commands, Level::error, "has failed to recover");
    report(EventType::vf_failed, commands);
    leave(commands);
    if (bound_) // else its netdevice tells whether it is still there
        again_ = now;
}

// ---- Time.

void VfMachine::elapsed(TimePoint now, Commands &commands) {
    if (!next_ || *next_ > now)
        return;
    next_.reset();
    switch (state_) {
    case VfState::announced:
        commands.emplace_back(CheckVf{.number = number_, .vf = vf_->id});
        return;
    case VfState::gone:
        commands.emplace_back(Withdraw{.number = number_, .vf = vf_->id});
        return;
    default:
        announce(commands);
    }
}

std::optional<ReleaseVf> VfMachine::release() const {
    if (!vf_)
        return std::nullopt;
    return ReleaseVf{.vf = vf_->id, .give_back = bound_ && !removed_};
}

} // namespace netvsc
