// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "core/backoff.hpp"
#include "core/command.hpp"

#include <optional>
#include <string>

namespace netvsc {

/// Where a port's VF stands. Diagram: doc/guides/prog_guide.
enum class VfState {
    absent,     ///< there is none
    present,    ///< its netdevice has been seen; it is being bound and probed
    announced,  ///< probed and in fail-safe's pipe; not yet known to be fail-safe's
    attached,   ///< fail-safe owns its port
    faulted,    ///< binding or probing failed, or fail-safe let go of it: tried again later
    recovering, ///< its driver is mending an error by itself (RTE_ETH_EVENT_ERR_RECOVERING)
    gone,       ///< it has been taken away, but its ethdev port is still to be closed
};

/// "attached"
[[nodiscard]] std::string_view name_of(VfState state);

/// The VF of one port: follows it through its states, and gives the commands that follow.
/// Pure, as the Supervisor it belongs to.
class VfMachine {
public:
    /// @param port  the number the port has in commands and messages
    /// @param bind  the kernel driver the VF is to be bound to; empty: left as it is
    VfMachine(PortNumber port, std::string bind, std::chrono::milliseconds hotplug_poll);

    void set_port(PortNumber number) { number_ = number; }
    [[nodiscard]] const std::string &bind() const { return bind_; }

    // ---- What the netdevices tell.

    /// The VF the port should have by the netdevices there are; nullopt: none.
    /// In state gone it is not heard: to be told again when the state is absent.
    void want(const std::optional<Vf> &vf, Commands &commands);
    /// The PCI function has gone, whatever the netdevices say.
    /// @param another_is_there  its address has passed to another device by now, which may be the
    ///                          one that was bound: it is given back
    void pci_removed(const PciAddress &pci, bool another_is_there, Commands &commands);
    /// It has lost its kernel driver. That means something of one that we bound only: the netdevice
    /// of any other tells.
    void pci_unbound(const PciAddress &pci, Commands &commands);
    /// A VF that we have bound is to be let go of though it is there: vfio asks for it, or its
    /// registers have been taken from it. If it is still there a moment later it is taken anew.
    void release_requested(const PciAddress &pci, TimePoint now, Commands &commands);
    /// The port's NetVSC has gone, and the VF with it as far as the port is concerned.
    void dismiss(Commands &commands);

    // ---- For a port that is made with its VF (CreatePort).

    /// Like want(), but the commands are the port's creation itself.
    void begin(const std::optional<Vf> &vf);
    /// The port has been made: from now on what becomes of its VF is reported.
    void introduce(Commands &commands);

    // ---- What became of commands.

    void bound(const VfId &id);
    void bind_failed(const VfId &id, const std::string &reason, TimePoint now, Commands &commands);
    /// @param error  positive errno, 0 for success
    void probed(const VfId &id, int error, TimePoint now, Commands &commands);
    void checked(const VfId &id, bool taken, Commands &commands);
    /// @param port_remains  its ethdev port is still to be closed (by fail-safe)
    void withdrawn(const VfId &id, bool port_remains, TimePoint now, Commands &commands);

    // ---- What the VF's ethdev port tells.

    void port_gone(const VfId &id, bool by_application, TimePoint now, Commands &commands);
    /// Announce::only_if_started was said, and the port was not started; or it was half configured.
    void held_back(const VfId &id, TimePoint now);
    void recovering(const VfId &id, Commands &commands);
    void recovered(const VfId &id, bool success, TimePoint now, Commands &commands);

    // ---- Time.

    [[nodiscard]] std::optional<TimePoint> deadline() const { return next_; }
    void elapsed(TimePoint now, Commands &commands);

    /// The VF to be let go of with the port: not probed any longer if fail-safe never took it,
    /// and given back to its kernel driver if we bound it.
    [[nodiscard]] std::optional<ReleaseVf> release() const;

    [[nodiscard]] VfState state() const { return state_; }
    /// The VF in hand (in state gone: the one that went).
    [[nodiscard]] const std::optional<Vf> &vf() const { return vf_; }
    [[nodiscard]] bool is(const VfId &id) const { return vf_ && vf_->id.matches(id); }

private:
    void appear(const Vf &vf, Commands &commands);
    void leave(Commands &commands);
    void settle(TimePoint now, Commands &commands);
    void end(Commands &commands);
    void announce(Commands &commands);
    void retry_later(Backoff::Delay delay, const std::string &what, TimePoint now,
                     Commands &commands);
    void say(Commands &commands, Message::Level level, const std::string &what) const;
    void report(EventType type, Commands &commands);

    PortNumber number_;
    std::string bind_;
    std::chrono::milliseconds hotplug_poll_;
    VfState state_ = VfState::absent;
    std::optional<Vf> vf_;
    bool bound_ = false;   ///< we have bound it: its netdevice is gone, and that means nothing
    bool removed_ = false; ///< its PCI function has gone
    bool closed_by_application_ = false; ///< its port, the last time
    /// In state gone: to be taken anew once its port is closed, but not before this.
    std::optional<TimePoint> again_;
    bool waiting_ = false;    ///< in state gone: its port is closed, and only that time is to come
    bool introduced_ = false; ///< the port has been made, and reported
    /// What was last reported of the VF; nullopt: not even that it is there.
    std::optional<EventType> reported_;
    TimePoint failure_counts_;      ///< from when on a failure of one that was attached is reported
    Backoff backoff_;               ///< of what is being tried in this state
    std::optional<TimePoint> next_; ///< when to check or to try again

    /// The last bind that failed, and when it may be tried again. A bind takes the device from a
    /// driver it works with, so this outlasts the netdevice.
    struct FailedBind {
        VfId vf;
        Backoff backoff;
        TimePoint next;
    };
    std::optional<FailedBind> failed_bind_;
};

} // namespace netvsc
