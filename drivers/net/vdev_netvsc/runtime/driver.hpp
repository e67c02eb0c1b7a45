// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "core/pci_event.hpp"
#include "core/supervisor.hpp"
#include "common/eal/interrupt_source.hpp"
#include "failsafe/failsafe_port.hpp"
#include "netlink/link_monitor.hpp"
#include "netlink/uevent_monitor.hpp"
#include "runtime/event_relay.hpp"
#include "runtime/port_status.hpp"
#include "sysfs/bound_functions.hpp"

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include <rte_ethdev.h>

struct rte_eth_dev;
struct rte_vdev_device;

namespace netvsc {

class VfPort;

/// Joins the core with the kernel and DPDK: hands what happens to the Supervisor, and carries
/// out its commands. One in a process.
///
/// Threads. The core and all members are guarded by `mutex_`, a leaf: nothing of DPDK's that
/// takes a lock or calls back is called while it is held, so a caller may hold any lock of
/// DPDK's (fail-safe's, the vdev bus's) and no order needs to be kept. Ports are made and closed
/// by whichever thread decided it; everything that fail-safe reads or that concerns a VF happens
/// in EAL's interrupt thread, where fail-safe itself looks into its pipe, so the two never meet.
/// No call waits without limit for another thread: one that holds the vdev bus's lock would wait
/// for ever for an interrupt thread that wants it. See InterruptThreadPause.
class Driver {
public:
    /// The process's one; never destroyed, for EAL may call back until the very end.
    [[nodiscard]] static Driver &get();

    /// Makes an instance. @return 0 or a negative errno, told to the user already.
    [[nodiscard]] int probe(const rte_vdev_device &device);
    /// Removes an instance, and its ports with it; nothing if there is none of that name.
    /// @param leaving  its device, if the bus is just removing that: safe within
    ///                 rte_eal_cleanup() then
    void remove(const std::string &name, const rte_vdev_device *leaving);

    /// The ports there are, ordered by port id.
    [[nodiscard]] std::vector<PortStatus> status();
    [[nodiscard]] DriverCounters counters();

private:
    Driver() = default;

    /// @return as probe()
    [[nodiscard]] int add_instance(const std::string &name, Arguments arguments);
    [[nodiscard]] Result<void> start();
    void stop_if_unused();

    // Called by EAL.
    void on_netlink();
    void on_uevents();
    static void on_device_event(const char *device, rte_dev_event_type event, void *self) noexcept;
    static void on_alarm(void *self) noexcept;
    static int on_ethdev_event(std::uint16_t port, rte_eth_event_type event, void *self,
                               void *result) noexcept;
    void on_port_made(rte_eth_dev &device);
    void on_port_closed(const rte_eth_dev &device);
    void on_port_removal(const rte_eth_dev &device);
    void on_recovery(const rte_eth_dev &device, rte_eth_event_type event);
    void on_link_event(const rte_eth_dev &device);

    /// Takes what the core has decided: runs what any thread may run, queues the rest for the
    /// interrupt thread and sees to it that it wakes. @param leaving  see close_port()
    void carry_out(Commands commands, const rte_vdev_device *leaving = nullptr);
    /// In the interrupt thread: runs what is queued and what time has brought.
    void pump();
    void arm();

    [[nodiscard]] Commands create_port(const CreatePort &command);
    [[nodiscard]] Commands announce(const Announce &command);
    /// Does the part of these that moves the traffic ahead of log messages and applications'
    /// callbacks, which take as long as they like: writes what is to be announced into the pipes,
    /// and tells fail-safe of VFs that are gone. In the interrupt thread, from which the commands
    /// have to be carried out before it returns: until then fail-safe reads nothing.
    void hasten(const Commands &commands);
    void hasten(const Announce &command);
    void hasten(const Withdraw &command);
    void raise_removal(PortNumber number, const VfPort &vf);
    [[nodiscard]] Commands check_vf(const CheckVf &command);
    /// Binds the VF, announces it, probes it, and makes its port fit for fail-safe.
    [[nodiscard]] Commands prepare_vf(const FailsafePort &to, PortNumber number, const Vf &vf,
                                      const std::string &bind, bool failsafe_link_up);
    [[nodiscard]] Commands withdraw(const Withdraw &command);
    [[nodiscard]] Commands give_back(const GiveBack &command);
    void give_back_device(const PciAddress &pci);
    /// Needs `mutex_`.
    [[nodiscard]] Commands function_removed(const PciAddress &pci, bool another_is_there);
    /// VFs that an application left bound when it was killed.
    void give_back_abandoned();
    void refresh_link(PortNumber number);
    [[nodiscard]] Commands release_vf(const ReleaseVf &command);
    void close_port(PortNumber number, const rte_vdev_device *leaving);
    static void report_removal(PortNumber number);
    void report(const Report &report);
    void report_closed(PortNumber number);
    void report_link(PortNumber number, bool up);
    /// The kernel's notification from which these follow was read at this time.
    void note_notification(const Commands &commands, TimePoint read);
    void note_announcement(PortNumber number);
    void count(PortNumber number, std::uint64_t PortRecord::*counter);
    void remove_leftovers();

    /// After which a listing of netdevices that could not be had is asked for again.
    static constexpr std::chrono::seconds dump_retry_delay{1};

    [[nodiscard]] Commands take(const NetlinkEvent &event);
    [[nodiscard]] std::shared_ptr<FailsafePort> port(PortNumber number);

    std::mutex mutex_;
    Supervisor supervisor_;
    std::map<std::string, InstanceId> instances_;
    InstanceId next_instance_ = 0;
    std::map<PortNumber, std::shared_ptr<FailsafePort>> ports_;
    std::map<PortNumber, PortRecord> records_; ///< without a port id until that is reported
    std::deque<Command> queue_;                ///< for the interrupt thread, in order
    std::optional<TimePoint> alarm_;           ///< the earliest alarm that is set
    std::shared_ptr<LinkMonitor> monitor_;
    InterruptSource netlink_;
    std::shared_ptr<UeventMonitor> uevents_;
    InterruptSource uevent_source_;
    EventRelay relay_;     ///< with a lock of its own
    BoundFunctions bound_; ///< with a lock of its own
    KnownFunctions functions_;
    std::optional<TimePoint> dump_retry_; ///< a listing could not be had: ask again then
    /// For the next probe to remove: see close_port() and create_port().
    std::set<PortNumber> leftovers_;
    /// VFs' ethdev ports whose removal has been raised, by their PMD or by us, before it is their
    /// withdrawal's turn.
    std::set<std::uint16_t> leaving_;
};

} // namespace netvsc
