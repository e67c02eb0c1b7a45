/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef RTE_PMD_VDEV_NETVSC_H
#define RTE_PMD_VDEV_NETVSC_H

/**
 * @file
 * The application interface of the net_vdev_netvsc driver, beyond ethdev: the fail-safe ports that
 * it has created over NetVSC netdevices, the states of their VFs, and events.
 *
 * The interface is experimental in DPDK's sense: it may change without notice, and the application
 * must define ALLOW_EXPERIMENTAL_API. Each function may be called from any thread, from within a
 * callback, and before or after EAL's initialization. A secondary process has no ports and no
 * events.
 */

#include "rte_pmd_vdev_netvsc_types.h"

#include <stdint.h>

#include <rte_compat.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A function that the driver calls for each event.
 *
 * It runs in EAL's interrupt thread, once for each event, in the order of the events. The thread
 * holds no lock of DPDK or of the driver: the function may use ethdev, register and unregister
 * callbacks, and remove the port or the driver's device. It delays all other interrupts, so it
 * should return soon.
 *
 * It must not throw a C++ exception.
 *
 * @param event
 *   Valid during the call.
 * @param user
 *   The pointer given to rte_pmd_vdev_netvsc_callback_register().
 */
typedef void (*rte_pmd_vdev_netvsc_callback)(const struct rte_pmd_vdev_netvsc_event *event,
                                             void *user);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * List the ports that the driver has created.
 *
 * @param port_ids
 *   Array for their ethdev port ids; may be NULL if @p size is 0.
 * @param size
 *   The number of elements of @p port_ids.
 * @return
 *   The number of ports, which may exceed @p size; -EINVAL if @p port_ids is NULL and @p size is
 *   not 0; -ENOMEM.
 */
__rte_experimental int rte_pmd_vdev_netvsc_ports(uint16_t *port_ids, unsigned int size);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Get information about one port. Takes no lock of DPDK and accesses no device.
 *
 * @param port_id
 *   The ethdev port id.
 * @param info
 *   Where to store the information.
 * @return
 *   0; -ENODEV if the driver has no such port; -EINVAL if @p info is NULL; -ENOMEM.
 */
__rte_experimental int
rte_pmd_vdev_netvsc_port_info_get(uint16_t port_id, struct rte_pmd_vdev_netvsc_port_info *info);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Register a callback for all events from now on. The same function may be registered several times
 * with different @p user.
 *
 * @param callback
 *   The function.
 * @param user
 *   Passed to the function.
 * @return
 *   0; -EEXIST if it is registered with @p user already; -EINVAL if @p callback is NULL; -ENOMEM.
 */
__rte_experimental int rte_pmd_vdev_netvsc_callback_register(rte_pmd_vdev_netvsc_callback callback,
                                                             void *user);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Unregister a callback. After the return, the function does not run with @p user and is not called
 * with it again: the application may free what it uses. Waits for a call that runs in EAL's
 * interrupt thread, so that thread must not wait for the caller. Returns at once if called from
 * within the callback itself.
 *
 * @param callback
 *   The registered function.
 * @param user
 *   The registered pointer.
 * @return
 *   0; -ENOENT if it is not registered with @p user; -ENOMEM, and it stays registered.
 */
__rte_experimental int
rte_pmd_vdev_netvsc_callback_unregister(rte_pmd_vdev_netvsc_callback callback, void *user);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Get the next queue event of a port. With the device argument keepalive=, the driver raises
 * RTE_ETH_EVENT_QUEUE_STATE on the port for each Rx queue whose lcore stops polling (MISSING),
 * stays away (DEAD) or polls again (ALIVE). EAL's interrupt thread calls the application's
 * callbacks for it, without any lock of DPDK or of the driver. The event itself says nothing: call
 * this function until it returns -EAGAIN.
 *
 * The driver keeps the newest event of each queue until it is read. An application that reads late
 * misses older states of the same queue.
 *
 * @param port_id
 *   The ethdev port id.
 * @param event
 *   Where to store the oldest event that was not read.
 * @return
 *   0; -EAGAIN if all events of the port were read; -ENODEV if the driver has no such port; -EINVAL
 *   if @p event is NULL; -ENOMEM.
 */
__rte_experimental int
rte_pmd_vdev_netvsc_get_queue_event(uint16_t port_id,
                                    struct rte_pmd_vdev_netvsc_queue_event *event);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Hold the VF of a port: fail-safe detaches it, and the port works by its fallback until
 * rte_pmd_vdev_netvsc_vf_release(). VFs that arrive meanwhile are not attached. Does nothing if the
 * VF is held.
 *
 * Does not wait. EAL's interrupt thread detaches the VF: event VF_REMOVED, and then state
 * VF_ABSENT.
 *
 * @param port_id
 *   The ethdev port id.
 * @return
 *   0; -ENODEV if the driver has no such port; -ENOMEM.
 */
__rte_experimental int rte_pmd_vdev_netvsc_vf_hold(uint16_t port_id);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Release a held VF: if the port has one, the driver attaches it. Does nothing if the VF is not
 * held. Does not wait.
 *
 * @param port_id
 *   The ethdev port id.
 * @return
 *   0; -ENODEV if the driver has no such port; -ENOMEM.
 */
__rte_experimental int rte_pmd_vdev_netvsc_vf_release(uint16_t port_id);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Get the name of an event type, as in telemetry.
 *
 * @param type
 *   The type.
 * @return
 *   A static string such as "vf_attached"; "unknown" for any other value. Never NULL.
 */
__rte_experimental const char *
rte_pmd_vdev_netvsc_event_name(enum rte_pmd_vdev_netvsc_event_type type);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Get the name of a VF's state, as in telemetry.
 *
 * @param state
 *   The state.
 * @return
 *   A static string such as "attached"; "unknown" for any other value. Never NULL.
 */
__rte_experimental const char *
rte_pmd_vdev_netvsc_vf_state_name(enum rte_pmd_vdev_netvsc_vf_state state);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Get the name of a reason for an unused VF, as in telemetry.
 *
 * @param reason
 *   The reason.
 * @return
 *   A static string such as "probe_failed"; "" for UNUSED_NO, "unknown" for any other value. Never
 *   NULL.
 */
__rte_experimental const char *
rte_pmd_vdev_netvsc_vf_unused_name(enum rte_pmd_vdev_netvsc_vf_unused reason);

#ifdef __cplusplus
}
#endif

#endif /* RTE_PMD_VDEV_NETVSC_H */
