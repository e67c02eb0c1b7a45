// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/event_sources.hpp"

#include "dpdk/events.hpp"
#include "dpdk/log.hpp"
#include "netdev/rtnl_lock.hpp"

#include <utility>

namespace netvsc {
namespace {

using namespace std::chrono_literals;
using Level = Message::Level;

constexpr auto first_listing_timeout = 5s;
constexpr auto listing_retry_delay = 1s;
constexpr auto rtnl_retry_delay = 50ms;

EventListener &listener_at(void *self) { return *static_cast<EventListener *>(self); }

void on_device_event(const char *device, rte_dev_event_type event, void *self) noexcept {
    listener_at(self).device_event(device, event);
}

int on_ethdev_event(std::uint16_t port, rte_eth_event_type event, void *self,
                    void * /*result*/) noexcept {
    listener_at(self).ethdev_event(port, event);
    return 0;
}

} // namespace

Result<void> EventSources::start(const LinkMonitor::Sink &sink) {
    {
        const MutexLock lock(mutex_);
        if (netlink_)
            return {};
    }
    auto netlink = LinkMonitor::open();
    if (!netlink)
        return std::unexpected(std::move(netlink.error()));
    auto link_monitor = std::make_shared<LinkMonitor>(std::move(*netlink));
    if (auto listed = link_monitor->read_until_dumped(sink, first_listing_timeout); !listed)
        return listed;
    link_monitor->set_gate([] { return rtnl_available(); });
    auto uevents = UeventMonitor::open();
    if (!uevents)
        return std::unexpected(std::move(uevents.error()));
    auto uevent_monitor = std::make_shared<UeventMonitor>(std::move(*uevents));
    if (auto registered = register_callbacks(); !registered)
        return registered;
    // Both sockets are level-triggered: what arrives before the listener reads is not lost.
    auto netlink_source = InterruptSource::watch(link_monitor->fd(), link_monitor,
                                                 [this] { listener_.netlink_readable(); });
    if (!netlink_source)
        return std::unexpected(std::move(netlink_source.error()));
    auto uevent_source = InterruptSource::watch(uevent_monitor->fd(), uevent_monitor,
                                                [this] { listener_.uevents_readable(); });
    if (!uevent_source)
        return std::unexpected(std::move(uevent_source.error()));
    const MutexLock lock(mutex_);
    netlink_ = std::move(link_monitor);
    netlink_source_ = std::move(*netlink_source);
    uevents_ = std::move(uevent_monitor);
    uevent_source_ = std::move(*uevent_source);
    watch_kernel_log();
    return {};
}

void EventSources::watch_kernel_log() {
    auto opened = KernelLog::open();
    if (!opened) {
        log(Level::info, opened.error().message() +
                             "; the driver notices the removal of a VF later by the time its "
                             "kernel driver takes to stop it");
        return;
    }
    auto kernel_log = std::make_shared<KernelLog>(std::move(*opened));
    auto source = InterruptSource::watch(kernel_log->fd(), kernel_log,
                                         [this] { listener_.kernel_log_readable(); });
    if (!source) {
        log(Level::warning, source.error().message());
        return;
    }
    kernel_log_ = std::move(kernel_log);
    kernel_log_source_ = std::move(*source);
}

// EAL and ethdev ignore a second registration of the same callback.
Result<void> EventSources::register_callbacks() {
    // vfio's request to release a device arrives this way.
    if (const int result = rte_dev_event_callback_register(nullptr, on_device_event, &listener_);
        result != 0 && result != -EEXIST)
        return failure(-result, "rte_dev_event_callback_register");
    for (const auto event : {RTE_ETH_EVENT_INTR_LSC, RTE_ETH_EVENT_INTR_RMV, RTE_ETH_EVENT_NEW,
                             RTE_ETH_EVENT_DESTROY, RTE_ETH_EVENT_ERR_RECOVERING,
                             RTE_ETH_EVENT_RECOVERY_SUCCESS, RTE_ETH_EVENT_RECOVERY_FAILED}) {
        if (const int result =
                rte_eth_dev_callback_register(RTE_ETH_ALL, event, on_ethdev_event, &listener_);
            result != 0)
            return failure(-result, "rte_eth_dev_callback_register");
    }
    return {};
}

void EventSources::stop() {
    // Ended without the mutex.
    InterruptSource netlink_source;
    InterruptSource uevent_source;
    InterruptSource kernel_log_source;
    {
        const MutexLock lock(mutex_);
        netlink_source = std::move(netlink_source_);
        uevent_source = std::move(uevent_source_);
        netlink_.reset();
        uevents_.reset();
        kernel_log_source = std::move(kernel_log_source_);
        kernel_log_.reset();
        listing_retry_.reset();
    }
}

void EventSources::read_netlink(const LinkMonitor::Sink &sink, TimePoint now) {
    const MutexLock lock(mutex_);
    if (!netlink_)
        return;
    if (const auto read = netlink_->read(sink); !read) {
        log(Level::warning,
            "netdevices not listed: " + read.error().message() + "; retrying in 1 s");
        listing_retry_ = now + listing_retry_delay;
    } else if (netlink_->pending()) {
        listing_retry_ = now + rtnl_retry_delay;
    }
}

EventSources::Uevents EventSources::read_uevents() {
    Uevents uevents;
    const MutexLock lock(mutex_);
    if (!uevents_)
        return uevents;
    const bool wanted = kernel_event_bus().has_subscribers();
    const auto lost = uevents_->read([&](const Uevent &event) {
        if (wanted)
            uevents.for_applications.push_back(kernel_event_of(event));
        if (const auto about_pci = pci_event_of(event))
            uevents.events.push_back(*about_pci);
    });
    if (!lost)
        log(Level::warning, lost.error().message());
    uevents.lost = !lost || *lost;
    if (uevents.lost && wanted)
        uevents.for_applications.push_back({.lost = true});
    return uevents;
}

void EventSources::read_kernel_log(const std::function<void(std::string_view)> &sink) {
    const MutexLock lock(mutex_);
    if (!kernel_log_)
        return;
    if (const auto read = kernel_log_->read(sink); !read) {
        log(Level::warning, read.error().message() + "; the kernel's log is no longer read");
        kernel_log_source_.reset();
        kernel_log_.reset();
    }
}

std::optional<TimePoint> EventSources::deadline() const {
    const MutexLock lock(mutex_);
    return listing_retry_;
}

void EventSources::elapsed(TimePoint now) {
    const MutexLock lock(mutex_);
    if (!listing_retry_ || *listing_retry_ > now || !netlink_)
        return;
    listing_retry_.reset();
    if (!netlink_->request_dump())
        listing_retry_ = now + listing_retry_delay;
    else if (netlink_->pending())
        listing_retry_ = now + rtnl_retry_delay;
}

DriverCounters EventSources::counters() const {
    const MutexLock lock(mutex_);
    DriverCounters counters;
    if (netlink_) {
        const auto &links = netlink_->counters();
        counters.resyncs = links.dumps - 1; // not the first listing
        counters.dropped_messages = links.dropped;
    }
    if (uevents_) {
        counters.resyncs += uevents_->counters().overruns;
        counters.dropped_messages += uevents_->counters().dropped;
    }
    return counters;
}

} // namespace netvsc
