// SPDX-License-Identifier: BSD-3-Clause
//
// VfMachine's answers to events: outcomes of commands, the VF's port, its PCI function.

#include "core/vf_machine.hpp"

#include <system_error>

namespace netvsc {
namespace {

using namespace std::chrono_literals;
using Level = Message::Level;

constexpr Backoff first_bind_backoff{1s, 64s};
// After a requested release the driver leaves the VF alone for this long. A VF that really leaves
// has left by then. testpmd detaches a device 100 ms after its removal event.
constexpr std::chrono::milliseconds release_grace{500};
// The end of the VF's netdevice may be reported this much later than the end of its port.
constexpr std::chrono::milliseconds removal_grace{50};
// On a busy machine it may take this much longer. Until then a failed probe is no failure of the
// VF.
constexpr std::chrono::milliseconds leaving_grace{1000};
// An application that closes the fail-safe port closes the VF's port too. A probe at the same time
// is not safe, so the driver waits until the application is done.
constexpr std::chrono::milliseconds application_grace{5000};
// A port that the application was configuring is checked again after this time.
constexpr std::chrono::milliseconds configuring_grace{20};

} // namespace

// ---- Outcomes of commands.

void VfMachine::handle(const VfId &id, const VfEvent &event, TimePoint now, Decision &decision) {
    if (!is(id))
        return;
    std::visit([&](const auto &one) { handle_event(one, now, decision); }, event);
}

void VfMachine::handle_event(const VfBound & /*event*/, TimePoint /*now*/,
                             Decision & /*decision*/) {
    bound_ = true;
    function_removed_ = false; // otherwise the bind would have failed
    failed_bind_.reset();
}

void VfMachine::handle_event(const VfBindFailed &event, TimePoint now, Decision &decision) {
    if (state_ != VfState::present)
        return;
    if (!failed_bind_ || !failed_bind_->vf.matches(vf_->id))
        failed_bind_ = {.vf = vf_->id, .backoff = first_bind_backoff, .next = {}};
    const auto delay = failed_bind_->backoff.next();
    failed_bind_->next = now + delay.length;
    failure_ = VfUnused::bind_failed;
    retry_later(delay, "bind to " + bind_ + " failed: " + event.reason, now, decision);
}

void VfMachine::handle_event(const VfHeldBack & /*event*/, TimePoint now, Decision & /*decision*/) {
    if (state_ != VfState::present)
        return;
    state_ = VfState::faulted;
    failure_ = VfUnused::application;
    next_ = now + (closed_by_application_ ? application_grace : configuring_grace);
}

void VfMachine::handle_event(const VfProbed &event, TimePoint now, Decision &decision) {
    // Another thread probed it for a port that is being created.
    if (waiting_ && event.error == 0) {
        waiting_ = false;
        next_.reset();
        withdraw(decision);
        return;
    }
    if (state_ != VfState::present)
        return;
    const auto delay = backoff_.next();
    if (event.error != 0) {
        failure_ = VfUnused::probe_failed;
        retry_later(delay, "probe failed: " + std::generic_category().message(event.error), now,
                    decision);
        return;
    }
    state_ = VfState::announced;
    failure_ = VfUnused::attaching;
    // By then fail-safe has polled its pipe, even if its alarm was a little late.
    next_ = now + 2 * hotplug_poll_ + delay.length;
}

void VfMachine::handle_event(const VfChecked &event, TimePoint /*now*/, Decision &decision) {
    if (state_ != VfState::announced)
        return;
    if (!event.taken) {
        announce(decision);
        return;
    }
    state_ = VfState::attached;
    next_.reset();
    backoff_ = probe_backoff;
    log(Level::notice, "attached", decision);
    if (reported_ == EventType::vf_attached) // fail-safe released it in between
        report(EventType::vf_failed, decision);
    report(EventType::vf_attached, decision);
    decision.add(RefreshLink{.number = number_});
}

void VfMachine::handle_event(const VfWithdrawn &event, TimePoint now, Decision &decision) {
    if (state_ != VfState::gone)
        return;
    if (event.port_remains)
        next_ = now + backoff_.next().length;
    else
        settle(now, decision);
}

void VfMachine::retry_later(Backoff::Delay delay, const std::string &what, TimePoint now,
                            Decision &decision) {
    state_ = VfState::faulted;
    next_ = now + delay.length;
    // One that was attached is usually about to leave.
    if (reported_ != EventType::vf_attached || now >= failure_counts_)
        report(EventType::vf_failed, decision);
    if (delay.grew)
        log(Level::warning, what + "; retrying in " + std::to_string(delay.length.count()) + " ms",
            decision);
}

// ---- Events of the VF's port.

void VfMachine::handle_event(const VfPortClosed &event, TimePoint now, Decision &decision) {
    removal_raised_ = false;
    switch (state_) {
    case VfState::gone:
        if (event.by_application) {
            decision.add(RefreshLink{.number = number_});
            next_ = now + application_grace;
        } else {
            settle(now, decision);
        }
        return;
    case VfState::announced:
    case VfState::attached:
    case VfState::recovering:
        decision.add(RefreshLink{.number = number_});
        // Usually the VF itself leaves, and its netdevice follows within moments.
        state_ = VfState::faulted;
        failure_ = event.by_application ? VfUnused::application : VfUnused::detached;
        closed_by_application_ = event.by_application;
        failure_counts_ = now + leaving_grace;
        next_ = now +
                (event.by_application ? application_grace : removal_grace + backoff_.next().length);
        return;
    case VfState::absent:
    case VfState::present:
    case VfState::faulted:
        return;
    }
}

void VfMachine::handle_event(const VfRemovalRaised & /*event*/, TimePoint /*now*/,
                             Decision &decision) {
    // In state gone the driver itself raises it.
    if (state_ != VfState::gone)
        removal_raised_ = true;
    // fail-safe receives the event after the driver, then uses the fallback.
    decision.add(RefreshLink{.number = number_});
}

void VfMachine::handle_event(const VfRecovering & /*event*/, TimePoint /*now*/,
                             Decision &decision) {
    if (state_ != VfState::attached)
        return;
    state_ = VfState::recovering;
    decision.add(RaisePortEvent{.number = number_, .event = PortEvent::recovering});
    log(Level::warning, "error: its PMD recovers", decision);
}

void VfMachine::handle_event(const VfRecovered &event, TimePoint now, Decision &decision) {
    if (state_ != VfState::recovering)
        return;
    if (event.success) {
        state_ = VfState::attached;
        decision.add(RaisePortEvent{.number = number_, .event = PortEvent::recovered});
        log(Level::notice, "recovered", decision);
        return;
    }
    log(Level::error, "recovery failed", decision);
    report(EventType::vf_failed, decision);
    leave(decision); // first: the application receives the event from a port that uses its fallback
    decision.add(RaisePortEvent{.number = number_, .event = PortEvent::recovery_failed});
    if (bound_) // otherwise its netdevice shows whether it is still present
        again_ = now;
}

// ---- Events of the VF's PCI function.

void VfMachine::handle_event(const VfFunctionRemoved &event, TimePoint /*now*/,
                             Decision &decision) {
    // A device that has the address by now may be the one that is bound: it is restored.
    function_removed_ = function_removed_ || !event.replaced;
    again_.reset();
    failed_bind_.reset();
    if (state_ != VfState::gone)
        leave(decision);
    else if (waiting_)
        end(decision);
}

void VfMachine::handle_event(const VfFunctionUnbound & /*event*/, TimePoint now,
                             Decision &decision) {
    if (bound_)
        handle_event(VfFunctionRemoved{}, now, decision);
}

void VfMachine::handle_event(const VfReleaseRequested & /*event*/, TimePoint now,
                             Decision &decision) {
    if (!bound_ || state_ == VfState::gone)
        return;
    leave(decision);
    again_ = now + release_grace;
}

} // namespace netvsc
