// SPDX-License-Identifier: BSD-3-Clause
//
// The functions of rte_pmd_vdev_netvsc.h.

#include "dpdk/clock.hpp"
#include "dpdk/events.hpp"
#include "dpdk/guarded.hpp"
#include "keepalive/keepalive.hpp"
#include "runtime/driver.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

// Only the functions of this header are exported.
#pragma GCC visibility push(default)
#include "rte_pmd_vdev_netvsc.h"
#pragma GCC visibility pop

namespace netvsc {
namespace {

static_assert(RTE_PMD_VDEV_NETVSC_NO_PORT == no_port);
static_assert(RTE_PMD_VDEV_NETVSC_EVENT_VF_UNUSED_END ==
              static_cast<int>(EventType::vf_unused_end));
static_assert(RTE_PMD_VDEV_NETVSC_EVENT_LINK_UP == static_cast<int>(EventType::link_up));
static_assert(RTE_PMD_VDEV_NETVSC_VF_GONE == static_cast<int>(VfState::gone));
static_assert(RTE_PMD_VDEV_NETVSC_UNUSED_HAS_ADDRESS == static_cast<int>(VfUnused::has_address));
static_assert(RTE_PMD_VDEV_NETVSC_UNUSED_HELD == static_cast<int>(VfUnused::held));
static_assert(RTE_PMD_VDEV_NETVSC_VF_ATTACHED == static_cast<int>(VfState::attached));

// Truncates a text that does not fit.
template <std::size_t size> void copy_text(char (&to)[size], std::string_view text) {
    const std::size_t length = std::min(text.size(), size - 1);
    std::memcpy(to, text.data(), length);
    to[length] = '\0';
}

rte_pmd_vdev_netvsc_event event_of(const NumberedEvent &numbered) {
    rte_pmd_vdev_netvsc_event event{};
    event.sequence = numbered.sequence;
    event.time_ns = ns_of(numbered.time);
    event.type = static_cast<rte_pmd_vdev_netvsc_event_type>(numbered.event.type);
    event.port_id = numbered.event.port_id;
    event.lcore_id = numbered.event.lcore;
    event.vf_unused = static_cast<rte_pmd_vdev_netvsc_vf_unused>(numbered.event.reason);
    copy_text(event.port_name, numbered.event.port);
    copy_text(event.netdevice, numbered.event.netdevice);
    copy_text(event.vf, text_of(numbered.event.vf));
    return event;
}

EventBus::Key key_of(rte_pmd_vdev_netvsc_callback callback, void *user) {
    return {.function = reinterpret_cast<std::uintptr_t>(callback), .user = user};
}

rte_pmd_vdev_netvsc_lcore_state state_of(LcoreState state) {
    if (state == LcoreState::alive)
        return RTE_PMD_VDEV_NETVSC_LCORE_ALIVE;
    return state == LcoreState::missing ? RTE_PMD_VDEV_NETVSC_LCORE_MISSING
                                        : RTE_PMD_VDEV_NETVSC_LCORE_DEAD;
}

static_assert(RTE_PMD_VDEV_NETVSC_CLASSES == LatencyHistogram::bounds_ms.size() + 1);

rte_pmd_vdev_netvsc_durations durations_of(const LatencyHistogram &histogram) {
    rte_pmd_vdev_netvsc_durations durations{
        .last_us = static_cast<std::uint64_t>(histogram.last().count()),
        .max_us = static_cast<std::uint64_t>(histogram.longest().count()),
        .counts = {}};
    std::ranges::copy(histogram.cumulative(), durations.counts);
    return durations;
}

// A C caller can pass any number, also one that is no value of the C++ enumeration.
template <typename Enumeration> unsigned number_in(const Enumeration &from_c) {
    return std::bit_cast<unsigned>(from_c);
}

} // namespace
} // namespace netvsc

using namespace netvsc;

int rte_pmd_vdev_netvsc_ports(uint16_t *port_ids, unsigned int size) {
    if (port_ids == nullptr && size != 0)
        return -EINVAL;
    return guarded(__func__, [&] {
        const auto ports = Driver::get().status();
        for (std::size_t i = 0; i < std::min<std::size_t>(size, ports.size()); ++i)
            port_ids[i] = ports[i].record.port_id;
        return static_cast<int>(ports.size());
    });
}

int rte_pmd_vdev_netvsc_port_info_get(uint16_t port_id,
                                      struct rte_pmd_vdev_netvsc_port_info *info) {
    if (info == nullptr)
        return -EINVAL;
    return guarded(__func__, [&] {
        const auto ports = Driver::get().status();
        const auto found = std::ranges::find(
            ports, port_id, [](const PortStatus &port) { return port.record.port_id; });
        if (found == ports.end())
            return -ENODEV;
        const PortRecord &record = found->record;
        *info = {};
        info->port_id = port_id;
        copy_text(info->port_name, found->name);
        copy_text(info->instance, found->view.instance);
        copy_text(info->netdevice, found->view.netdevice);
        info->ifindex = found->view.ifindex;
        if (found->view.mac)
            std::ranges::copy(found->view.mac->bytes, info->mac);
        info->link_up = record.link_up;
        copy_text(info->fallback,
                  found->fallback ? name_of(*found->fallback) : std::string_view("none"));
        copy_text(info->vf, text_of(found->view.vf));
        info->vf_state = static_cast<rte_pmd_vdev_netvsc_vf_state>(found->view.vf_state);
        info->vf_held = found->view.vf_held;
        info->last_link_change_ns = ns_of(record.last_link_change);
        info->last_vf_change_ns = ns_of(record.last_vf_change);
        info->vf_unused_since_ns = ns_of(found->view.vf_unused_since);
        info->vf_unused = static_cast<rte_pmd_vdev_netvsc_vf_unused>(found->view.vf_unused);
        info->plug_ins = record.plug_ins;
        info->removals = record.removals;
        info->failed_binds = record.failed_binds;
        info->failed_probes = record.failed_probes;
        info->announcements = durations_of(record.announcements);
        info->attachments = durations_of(record.attachments);
        info->detachments = durations_of(record.detachments);
        return 0;
    });
}

int rte_pmd_vdev_netvsc_get_queue_event(uint16_t port_id,
                                        struct rte_pmd_vdev_netvsc_queue_event *event) {
    if (event == nullptr)
        return -EINVAL;
    return guarded(__func__, [&] {
        const auto ports = Driver::get().status();
        if (std::ranges::none_of(
                ports, [&](const PortStatus &port) { return port.record.port_id == port_id; }))
            return -ENODEV;
        const auto next = keepalive().next_queue_event(port_id);
        if (!next)
            return -EAGAIN;
        *event = {.time_ns = ns_of(next->time),
                  .state = state_of(next->state),
                  .queue_id = next->queue,
                  .lcore_id = next->lcore};
        return 0;
    });
}

int rte_pmd_vdev_netvsc_vf_hold(uint16_t port_id) {
    return guarded(__func__, [&] { return Driver::get().hold_vf(port_id, true) ? 0 : -ENODEV; });
}

int rte_pmd_vdev_netvsc_vf_release(uint16_t port_id) {
    return guarded(__func__, [&] { return Driver::get().hold_vf(port_id, false) ? 0 : -ENODEV; });
}

int rte_pmd_vdev_netvsc_callback_register(rte_pmd_vdev_netvsc_callback callback, void *user) {
    if (callback == nullptr)
        return -EINVAL;
    return guarded(__func__, [&] {
        const auto call = [callback, user](const NumberedEvent &numbered) {
            const auto event = event_of(numbered);
            callback(&event, user);
        };
        return event_bus().subscribe(key_of(callback, user), call) ? 0 : -EEXIST;
    });
}

int rte_pmd_vdev_netvsc_callback_unregister(rte_pmd_vdev_netvsc_callback callback, void *user) {
    return guarded(__func__,
                   [&] { return event_bus().unsubscribe(key_of(callback, user)) ? 0 : -ENOENT; });
}

const char *rte_pmd_vdev_netvsc_event_name(enum rte_pmd_vdev_netvsc_event_type type) {
    const unsigned number = number_in(type);
    return number <= RTE_PMD_VDEV_NETVSC_EVENT_VF_UNUSED_END
               ? name_of(static_cast<EventType>(number)).data()
               : "unknown";
}

const char *rte_pmd_vdev_netvsc_vf_state_name(enum rte_pmd_vdev_netvsc_vf_state state) {
    return name_of(static_cast<VfState>(number_in(state))).data();
}

const char *rte_pmd_vdev_netvsc_vf_unused_name(enum rte_pmd_vdev_netvsc_vf_unused reason) {
    const unsigned number = number_in(reason);
    return number <= RTE_PMD_VDEV_NETVSC_UNUSED_HAS_ADDRESS
               ? name_of(static_cast<VfUnused>(number)).data()
               : "unknown";
}
