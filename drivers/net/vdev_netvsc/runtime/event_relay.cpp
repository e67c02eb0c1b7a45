// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/event_relay.hpp"

#include "base/parse_number.hpp"

#include <filesystem>
#include <linux/netlink.h>
#include <string>
#include <sys/socket.h>
#include <utility>

#include <rte_dev.h>

namespace netvsc {
namespace {

using namespace std::chrono_literals;

// EAL's monitor reads its socket in the same thread, at the same time.
constexpr auto patience = 10ms;

thread_local bool telling = false;

void tell(const PciAddress &pci, rte_dev_event_type event) {
    telling = true;
    rte_dev_event_callback_process(pci.to_string().c_str(), event);
    telling = false;
}

// A uevent socket that has joined every group: EAL's monitor makes such a one, udev's library
// and we do not. EAL itself does not tell whether its monitor runs.
bool is_eal_monitor(int fd) {
    int domain = 0;
    int protocol = 0;
    socklen_t size = sizeof domain;
    if (::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0 || domain != AF_NETLINK)
        return false;
    size = sizeof protocol;
    if (::getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) != 0 ||
        protocol != NETLINK_KOBJECT_UEVENT)
        return false;
    sockaddr_nl address{};
    size = sizeof address;
    return ::getsockname(fd, reinterpret_cast<sockaddr *>(&address), &size) == 0 &&
           address.nl_groups == ~0U;
}

bool eal_monitor_runs() {
    std::error_code error;
    for (const auto &entry : std::filesystem::directory_iterator("/proc/self/fd", error)) {
        const auto descriptor = parse_number<int>(entry.path().filename().native());
        if (descriptor && is_eal_monitor(*descriptor))
            return true;
    }
    return false;
}

} // namespace

bool EventRelay::is_telling() { return telling; }

void EventRelay::heard_removal(const PciAddress &pci) {
    const std::lock_guard lock(mutex_);
    if (unheard_.erase(pci) == 0)
        heard_.insert(pci);
}

void EventRelay::hand_on(const PciEvent &event, TimePoint now) {
    using Kind = PciEvent::Kind;
    if (event.kind == Kind::unbound)
        return;
    const bool monitored = eal_monitor_runs();
    {
        const std::lock_guard lock(mutex_);
        const bool heard = heard_.erase(event.address) != 0;
        if (event.kind == Kind::removed && heard)
            return;
        if (monitored) {
            if (event.kind == Kind::removed) {
                unheard_.insert(event.address);
                next_ = now + patience;
            }
            return;
        }
    }
    tell(event.address, event.kind == Kind::removed ? RTE_DEV_EVENT_REMOVE : RTE_DEV_EVENT_ADD);
}

std::optional<TimePoint> EventRelay::deadline() const {
    const std::lock_guard lock(mutex_);
    return next_;
}

void EventRelay::elapsed(TimePoint now) {
    std::set<PciAddress> unheard;
    {
        const std::lock_guard lock(mutex_);
        if (!next_ || *next_ > now)
            return;
        next_.reset();
        unheard.swap(unheard_);
    }
    for (const PciAddress &pci : unheard)
        tell(pci, RTE_DEV_EVENT_REMOVE);
}

} // namespace netvsc
