// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/mutex.hpp"
#include "common/eal/interrupt_source.hpp"
#include "core/kernel_event.hpp"
#include "core/pci_event.hpp"
#include "kernel_log/kernel_log.hpp"
#include "netlink/link_monitor.hpp"
#include "netlink/uevent_monitor.hpp"
#include "runtime/port_status.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include <rte_dev.h>
#include <rte_ethdev.h>

namespace netvsc {

/// Receives events from EventSources. The functions must not throw.
class EventListener {
public:
    EventListener() = default;
    EventListener(const EventListener &) = delete;
    EventListener &operator=(const EventListener &) = delete;
    virtual ~EventListener() = default;

    /// read_netlink() has something to read. In EAL's interrupt thread, without locks.
    virtual void netlink_readable() noexcept = 0;
    /// read_uevents() has something to read. In EAL's interrupt thread, without locks.
    virtual void uevents_readable() noexcept = 0;
    /// read_kernel_log() has something to read. In EAL's interrupt thread, without locks.
    virtual void kernel_log_readable() noexcept = 0;
    /// EAL's device event. Any thread; the caller may hold DPDK's locks.
    virtual void device_event(const char *device, rte_dev_event_type event) noexcept = 0;
    /// An ethdev event of any port. Any thread; the caller may hold DPDK's locks.
    virtual void ethdev_event(std::uint16_t port, rte_eth_event_type event) noexcept = 0;
};

/// Where the driver's events come from: two netlink sockets and the kernel's log, which EAL's
/// interrupt thread watches, and callbacks in EAL and ethdev. Without permission to read the log
/// the driver works, but notices the removal of a VF later.
///
/// Its mutex guards the descriptors. Lock order: this mutex, then the locks that a sink takes.
class EventSources {
public:
    /// @param listener  must outlive this object
    explicit EventSources(EventListener &listener) : listener_(listener) {}
    EventSources(const EventSources &) = delete;
    EventSources &operator=(const EventSources &) = delete;
    ~EventSources() { stop(); }

    /// Opens the sockets, waits for the first listing of all netdevices (at most 5 s), and
    /// registers the callbacks. Does nothing if that is done already. One thread at a time. The
    /// caller must not hold a lock that the sink or an EAL callback takes.
    /// @param sink  receives the listing, in the calling thread
    [[nodiscard]] Result<void> start(const LinkMonitor::Sink &sink) NETVSC_EXCLUDES(mutex_);
    /// Closes the sockets. The callbacks stay registered: ports of removed instances still end
    /// through them. They cost nothing while nothing happens. Does not wait for a running callback.
    void stop() NETVSC_EXCLUDES(mutex_);

    /// Passes the kernel's messages to @p sink, without waiting.
    void read_netlink(const LinkMonitor::Sink &sink, TimePoint now) NETVSC_EXCLUDES(mutex_);

    struct Uevents {
        std::vector<PciEvent> events; ///< about PCI functions
        bool lost = false;            ///< the kernel dropped some: check sysfs
        /// For kernel_event_bus(): all of them, if it has subscribers.
        std::vector<KernelEvent> for_applications;
    };
    /// Reads the kernel's uevents, without waiting.
    [[nodiscard]] Uevents read_uevents() NETVSC_EXCLUDES(mutex_);

    /// Passes the lines of the kernel's log to @p sink, without waiting.
    void read_kernel_log(const std::function<void(std::string_view)> &sink) NETVSC_EXCLUDES(mutex_);

    /// When elapsed() needs a call; nullopt: nothing is pending.
    [[nodiscard]] std::optional<TimePoint> deadline() const NETVSC_EXCLUDES(mutex_);
    /// Requests a listing that failed before, if it is due.
    void elapsed(TimePoint now) NETVSC_EXCLUDES(mutex_);

    [[nodiscard]] DriverCounters counters() const NETVSC_EXCLUDES(mutex_);

private:
    [[nodiscard]] Result<void> register_callbacks();
    void watch_kernel_log() NETVSC_REQUIRES(mutex_);

    EventListener &listener_;
    mutable Mutex mutex_;
    std::shared_ptr<LinkMonitor> netlink_ NETVSC_GUARDED_BY(mutex_);
    InterruptSource netlink_source_ NETVSC_GUARDED_BY(mutex_);
    std::shared_ptr<UeventMonitor> uevents_ NETVSC_GUARDED_BY(mutex_);
    InterruptSource uevent_source_ NETVSC_GUARDED_BY(mutex_);
    std::shared_ptr<KernelLog> kernel_log_ NETVSC_GUARDED_BY(mutex_); ///< null: not permitted
    InterruptSource kernel_log_source_ NETVSC_GUARDED_BY(mutex_);
    std::optional<TimePoint> listing_retry_ NETVSC_GUARDED_BY(mutex_); ///< a listing failed
};

} // namespace netvsc
