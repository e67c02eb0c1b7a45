// SPDX-License-Identifier: BSD-3-Clause
#include "core/vf_machine.hpp"

#include <utility>

namespace netvsc {
namespace {

using namespace std::chrono_literals;
using Level = Message::Level;

// fail-safe releases a VF within a poll or two. But it receives the removal only once the
// application has configured the port: until then the driver raises it again.
constexpr Backoff withdraw_backoff{500ms, 8s};

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

void VfMachine::log(Level level, const std::string &what, Decision &decision) const {
    decision.log(level,
                 port_name(number_) + ": VF " + (vf_ ? vf_->id.pci.to_string() : "") + " " + what);
}

// Reports each change once. Reports nothing before the port, and nothing of a VF whose presence
// was not reported.
void VfMachine::report(EventType type, Decision &decision) {
    if (!introduced_ || reported_ == type || (!reported_ && type != EventType::vf_present))
        return;
    reported_ = type;
    decision.report(type, number_, vf_->id.pci);
}

void VfMachine::introduce(Decision &decision) {
    introduced_ = true;
    if (!vf_ || state_ == VfState::gone)
        return;
    report(EventType::vf_present, decision);
    warn_of_mana(decision);
    if (state_ == VfState::faulted)
        report(EventType::vf_failed, decision);
}

// Once for each port. Only a MANA VF has a MAC address in its VfId (pci_id.hpp: 1414:00ba).
void VfMachine::warn_of_mana(Decision &decision) {
    if (vf_->id.mac && !std::exchange(mana_warned_, true))
        log(Level::warning,
            "is MANA (PCI 1414:00ba): its PMD needs the VF's netdevice down (manadv(7)), and then "
            "hv_netvsc moves the host's data path to NetVSC: the fallback receives the frames. "
            "DPDK's net_netvsc supports MANA",
            decision);
}

// ---- The VF the port should have.

void VfMachine::want(const std::optional<Vf> &vf, Decision &decision) {
    if (state_ == VfState::gone || vf == vf_)
        return;
    if (vf && vf_ && vf->ifindex == vf_->ifindex && vf->id == vf_->id) {
        vf_ = vf; // other device arguments: for the next probe
        return;
    }
    if (state_ == VfState::absent) {
        appear(*vf, decision);
        return;
    }
    // A bound VF has no netdevice. But if its address has a netdevice again, that is another
    // device.
    if (!bound_ || (vf && is(vf->id)))
        leave(decision);
}

void VfMachine::begin(const std::optional<Vf> &vf) {
    bound_ = bound_ && !function_removed_ && vf == vf_;
    vf_ = vf;
    function_removed_ = false;
    removal_raised_ = false;
    again_.reset();
    waiting_ = false;
    closed_by_application_ = false;
    next_.reset();
    reported_.reset();
    backoff_ = probe_backoff;
    failure_ = VfUnused::attaching;
    state_ = vf ? VfState::present : VfState::absent;
}

void VfMachine::appear(const Vf &vf, Decision &decision) {
    begin(vf);
    log(Level::notice, "present", decision);
    report(EventType::vf_present, decision);
    warn_of_mana(decision);
    // A failed bind removes the netdevice and brings it back. That is no reason to retry at once.
    if (failed_bind_ && failed_bind_->vf.matches(vf.id)) {
        state_ = VfState::faulted;
        failure_ = VfUnused::bind_failed;
        next_ = failed_bind_->next;
        report(EventType::vf_failed, decision);
        return;
    }
    announce(decision);
}

void VfMachine::announce(Decision &decision) {
    state_ = VfState::present;
    next_.reset();
    decision.add(Announce{
        .number = number_, .vf = *vf_, .bind = bind_, .only_if_started = closed_by_application_});
}

void VfMachine::dismiss(Decision &decision) {
    again_.reset();
    if (state_ != VfState::absent && state_ != VfState::gone)
        leave(decision);
}

void VfMachine::leave(Decision &decision) {
    log(Level::notice, "removed", decision);
    report(EventType::vf_removed, decision);
    state_ = VfState::gone;
    next_.reset();
    backoff_ = withdraw_backoff;
    withdraw(decision);
}

// If the PMD raised the removal, the first withdrawal does not raise it again. A repeated
// withdrawal does: fail-safe did not act on the first.
void VfMachine::withdraw(Decision &decision) {
    decision.add(Withdraw{
        .number = number_, .vf = vf_->id, .raise_removal = !std::exchange(removal_raised_, false)});
}

// The VF's port is closed.
void VfMachine::settle(TimePoint now, Decision &decision) {
    decision.add(RefreshLink{.number = number_});
    waiting_ = again_ && *again_ > now;
    if (waiting_)
        next_ = again_;
    else
        end(decision);
}

// From now on the port can take another VF, even at the same PCI address.
void VfMachine::end(Decision &decision) {
    if (again_) { // still bound, so no netdevice shows it
        appear(Vf(*vf_), decision);
        return;
    }
    if (bound_ && !function_removed_)
        decision.add(RestoreDriver{.vf = vf_->id});
    begin(std::nullopt);
}

// ---- Time.

void VfMachine::elapsed(TimePoint now, Decision &decision) {
    if (!next_ || *next_ > now)
        return;
    next_.reset();
    switch (state_) {
    case VfState::announced:
        decision.add(CheckVf{.number = number_, .vf = vf_->id});
        return;
    case VfState::gone:
        withdraw(decision);
        return;
    case VfState::absent:
    case VfState::present:
    case VfState::attached:
    case VfState::faulted:
    case VfState::recovering:
        announce(decision);
    }
}

VfUnused VfMachine::why_unused() const {
    switch (state_) {
    case VfState::present:
    case VfState::announced:
    case VfState::faulted:
        return failure_;
    case VfState::absent:
    case VfState::attached:
    case VfState::recovering:
    case VfState::gone:
        return VfUnused::no;
    }
    return VfUnused::no;
}

std::optional<ReleaseVf> VfMachine::release() const {
    if (!vf_)
        return std::nullopt;
    return ReleaseVf{.vf = vf_->id, .restore_driver = bound_ && !function_removed_};
}

} // namespace netvsc
