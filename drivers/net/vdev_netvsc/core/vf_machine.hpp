// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "core/backoff.hpp"
#include "core/command.hpp"
#include "core/vf_event.hpp"

#include <optional>
#include <string>

namespace netvsc {

/// The state of a port's VF. Diagram: doc/guides/prog_guide.
enum class VfState {
    absent,     ///< the port has no VF
    present,    ///< its netdevice was seen; the driver binds and probes it
    announced,  ///< probed and written into fail-safe's pipe; fail-safe may not have taken it yet
    attached,   ///< fail-safe owns its port
    faulted,    ///< binding or probing failed, or fail-safe released it: retried later
    recovering, ///< its PMD recovers from an error (RTE_ETH_EVENT_ERR_RECOVERING)
    gone,       ///< it was removed, and its ethdev port is still to be closed
};

/// "attached"
[[nodiscard]] std::string_view name_of(VfState state);

/// The state machine of one port's VF. Takes events, decides on commands. Pure, like the
/// Supervisor that owns it.
class VfMachine {
public:
    /// @param port  the port's number, for commands and messages
    /// @param bind  the kernel driver to bind the VF to; empty: leave the VF on its own
    VfMachine(PortNumber port, std::string bind, std::chrono::milliseconds hotplug_poll);

    void set_port(PortNumber number) { number_ = number; }
    [[nodiscard]] const std::string &bind() const { return bind_; }

    // ---- Inputs.

    /// The VF that the port should have, by the netdevices present; nullopt: none.
    /// Ignored in state gone: call it again when the state is absent.
    void want(const std::optional<Vf> &vf, Decision &decision);
    /// The port's NetVSC was removed, and the port gives up its VF.
    void dismiss(Decision &decision);
    /// Something happened to VF @p id. Ignored if that is not the port's VF.
    void handle(const VfId &id, const VfEvent &event, TimePoint now, Decision &decision);
    /// When elapsed() needs a call; nullopt: nothing is pending.
    [[nodiscard]] std::optional<TimePoint> deadline() const { return next_; }
    void elapsed(TimePoint now, Decision &decision);

    // ---- For a port that is created together with its VF (CreatePort).

    /// Like want(), but CreatePort is the command.
    void begin(const std::optional<Vf> &vf);
    /// The port was created: from now on its VF's events are reported.
    void introduce(Decision &decision);

    // ---- The state.

    /// The command that releases the VF when its port ends; nullopt: the port has no VF.
    [[nodiscard]] std::optional<ReleaseVf> release() const;
    [[nodiscard]] VfState state() const { return state_; }
    /// The port's VF (in state gone: the VF that was removed).
    [[nodiscard]] const std::optional<Vf> &vf() const { return vf_; }
    /// Why the VF does not carry the port's packets.
    [[nodiscard]] VfUnused why_unused() const;
    [[nodiscard]] bool is(const VfId &id) const { return vf_ && vf_->id.matches(id); }

private:
    // A VF's netdevice may appear before everything that its PMD needs (mlx5: the Verbs device
    // appears later). So the first delay is short.
    static constexpr Backoff probe_backoff{std::chrono::milliseconds(10), std::chrono::seconds(30)};

    void handle_event(const VfBound &event, TimePoint now, Decision &decision);
    void handle_event(const VfBindFailed &event, TimePoint now, Decision &decision);
    void handle_event(const VfHeldBack &event, TimePoint now, Decision &decision);
    void handle_event(const VfProbed &event, TimePoint now, Decision &decision);
    void handle_event(const VfChecked &event, TimePoint now, Decision &decision);
    void handle_event(const VfWithdrawn &event, TimePoint now, Decision &decision);
    void handle_event(const VfPortClosed &event, TimePoint now, Decision &decision);
    void handle_event(const VfRemovalRaised &event, TimePoint now, Decision &decision);
    void handle_event(const VfRecovering &event, TimePoint now, Decision &decision);
    void handle_event(const VfRecovered &event, TimePoint now, Decision &decision);
    void handle_event(const VfFunctionRemoved &event, TimePoint now, Decision &decision);
    void handle_event(const VfFunctionUnbound &event, TimePoint now, Decision &decision);
    void handle_event(const VfReleaseRequested &event, TimePoint now, Decision &decision);

    void appear(const Vf &vf, Decision &decision);
    void announce(Decision &decision);
    void leave(Decision &decision);
    void withdraw(Decision &decision);
    void settle(TimePoint now, Decision &decision);
    void end(Decision &decision);
    void retry_later(Backoff::Delay delay, const std::string &what, TimePoint now,
                     Decision &decision);
    void warn_of_mana(Decision &decision);
    void log(Message::Level level, const std::string &what, Decision &decision) const;
    void report(EventType type, Decision &decision);

    PortNumber number_;
    std::string bind_;
    std::chrono::milliseconds hotplug_poll_;
    VfState state_ = VfState::absent;
    std::optional<Vf> vf_;
    bool bound_ = false; ///< the driver bound it: it has lost its netdevice by that
    bool function_removed_ = false;
    /// RTE_ETH_EVENT_INTR_RMV was raised on its present port before any withdrawal.
    bool removal_raised_ = false;
    bool closed_by_application_ = false; ///< its last port
    /// In state gone: announce it again once its port is closed, but not before this time.
    std::optional<TimePoint> again_;
    bool waiting_ = false;    ///< in state gone: its port is closed, and again_ is to come
    bool introduced_ = false; ///< the port was created and reported
    bool mana_warned_ = false;
    /// The VF's last reported event; nullopt: not even its presence.
    std::optional<EventType> reported_;
    VfUnused failure_ = VfUnused::attaching; ///< the last one, until the next success
    TimePoint failure_counts_;      ///< from then on, the failure of one that was attached counts
    Backoff backoff_;               ///< of the retries in this state
    std::optional<TimePoint> next_; ///< the next check or retry

    /// The last failed bind, and when to retry it. A bind takes the function from a driver that
    /// works, so this outlasts the netdevice.
    struct FailedBind {
        VfId vf;
        Backoff backoff;
        TimePoint next;
    };
    std::optional<FailedBind> failed_bind_;
};

} // namespace netvsc
