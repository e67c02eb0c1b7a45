// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/mutex.hpp"
#include "core/pci_event.hpp"
#include "core/supervisor.hpp"
#include "runtime/command_executor.hpp"
#include "runtime/command_queue.hpp"
#include "runtime/event_relay.hpp"
#include "runtime/event_sources.hpp"
#include "runtime/port_registry.hpp"
#include "runtime/vf_binder.hpp"

#include <map>
#include <string>

struct rte_eth_dev;
struct rte_vdev_device;

namespace netvsc {

/// The driver of this process: the core, its lock, and the queue of traffic commands. Passes events
/// to the core and its decisions to the executor.
///
/// Threads. `mutex_` guards the core and the queue. The driver calls nothing of DPDK that locks or
/// calls back while it holds this mutex. So a caller may hold any lock of DPDK (fail-safe's, the
/// vdev bus's). The deciding thread creates and closes ports. Traffic commands run only in EAL's
/// interrupt thread. fail-safe polls its pipe in the same thread, so the two never meet. No call
/// waits for another thread without a limit: the caller may hold the vdev bus's lock, which the
/// interrupt thread may need. See InterruptThreadPause.
///
/// Lock order: instances_mutex_, EventSources' mutex, mutex_, PortRegistry's mutex.
class Driver : private EventListener {
public:
    /// The process's driver. Never destroyed, because EAL may call back until the process ends.
    [[nodiscard]] static Driver &get();

    /// @param devices  must outlive this object
    explicit Driver(Devices &devices);

    /// Adds an instance. @return 0 or a negative errno; the log has the reason
    [[nodiscard]] int probe(const rte_vdev_device &device);
    /// Removes an instance and its ports. Does nothing if there is no such instance.
    /// @param being_removed  the instance's device, if the vdev bus is removing it: safe within
    ///                       rte_eal_cleanup() then
    void remove(const std::string &name, const rte_vdev_device *being_removed);

    /// The reported ports, ordered by port id.
    [[nodiscard]] std::vector<PortStatus> status() NETVSC_EXCLUDES(mutex_);
    /// See Supervisor::hold_vf(). Any thread. fail-safe detaches the VF in the interrupt thread.
    /// @return false if the driver has no port with this ethdev port id
    [[nodiscard]] bool hold_vf(std::uint16_t port_id, bool hold) NETVSC_EXCLUDES(mutex_);
    /// See Supervisor::passed_over().
    [[nodiscard]] std::vector<Supervisor::PassedOver> passed_over() NETVSC_EXCLUDES(mutex_);
    [[nodiscard]] DriverCounters counters() const { return sources_.counters(); }

private:
    [[nodiscard]] int add_instance(const std::string &name, Arguments arguments);
    [[nodiscard]] int add_to_netvsc(const std::string &name, const Arguments &arguments);

    // EventListener
    void netlink_readable() noexcept override;
    void uevents_readable() noexcept override;
    void kernel_log_readable() noexcept override;
    void device_event(const char *device, rte_dev_event_type event) noexcept override;
    void ethdev_event(std::uint16_t port, rte_eth_event_type event) noexcept override;

    static void on_alarm(void *self) noexcept;
    void handle_ethdev_event(rte_eth_dev &device, rte_eth_event_type event);
    void port_created(rte_eth_dev &device);
    void port_closed(const rte_eth_dev &device);
    void vf_removal_raised(const rte_eth_dev &device);
    void link_changed(const rte_eth_dev &device);
    void vf_event(const rte_eth_dev &device, const VfEvent &event);

    /// The port that has this VF; nullptr: none.
    [[nodiscard]] std::shared_ptr<PortDevice> port_above(const rte_eth_dev &vf)
        NETVSC_EXCLUDES(mutex_);
    [[nodiscard]] Decision take_locked(const NetlinkEvent &event) NETVSC_REQUIRES(mutex_);
    [[nodiscard]] Decision function_event_locked(const PciEvent &event) NETVSC_REQUIRES(mutex_);
    [[nodiscard]] Decision answer(const Outcome &outcome) NETVSC_EXCLUDES(mutex_);

    /// In any thread: executes notices and port commands, queues traffic commands, and wakes the
    /// interrupt thread for them.
    /// @param being_removed  see Devices::remove_port()
    void carry_out(Decision decision, const rte_vdev_device *being_removed = nullptr)
        NETVSC_EXCLUDES(mutex_);
    /// In the interrupt thread, without locks: executes the decision, everything queued and
    /// everything due. Traffic commands come first.
    void run(Decision decision = {}) NETVSC_EXCLUDES(mutex_);
    void run_traffic(Decision &decision) NETVSC_EXCLUDES(mutex_);
    void notify(const Notice &notice);
    void arm() NETVSC_EXCLUDES(mutex_);

    Devices &devices_;
    BindingJournal journal_;
    VfBinder binder_;
    PortRegistry registry_;
    CommandExecutor executor_;
    EventRelay relay_;

    /// Held while an instance is added or removed: the first one starts the event sources, the last
    /// one stops them.
    Mutex instances_mutex_;
    std::map<std::string, InstanceId> instances_ NETVSC_GUARDED_BY(instances_mutex_);
    InstanceId next_instance_ NETVSC_GUARDED_BY(instances_mutex_) = 0;

    Mutex mutex_;
    Supervisor supervisor_ NETVSC_GUARDED_BY(mutex_);
    KnownFunctions functions_ NETVSC_GUARDED_BY(mutex_);
    CommandQueue queue_ NETVSC_GUARDED_BY(mutex_);
    std::optional<TimePoint> alarm_ NETVSC_GUARDED_BY(mutex_); ///< the earliest alarm that is set

    EventSources sources_; ///< last: it stops first
};

} // namespace netvsc
