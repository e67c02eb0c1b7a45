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

#include <stdbool.h>
#include <stdint.h>

#include <rte_compat.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Size in bytes of the buffer for a device's name, with its terminating NUL. */
#define RTE_PMD_VDEV_NETVSC_NAME_SIZE 64
/** Size in bytes of the buffer for a netdevice's name, with its terminating NUL. */
#define RTE_PMD_VDEV_NETVSC_NETDEVICE_SIZE 16
/** Size in bytes of the buffer for a PCI address, with its terminating NUL. */
#define RTE_PMD_VDEV_NETVSC_PCI_SIZE 24
/** The port id of an event that does not concern a port. */
#define RTE_PMD_VDEV_NETVSC_NO_PORT UINT16_MAX

/** The state of a port's VF. */
enum rte_pmd_vdev_netvsc_vf_state {
    RTE_PMD_VDEV_NETVSC_VF_ABSENT,     /**< The port has no VF. */
    RTE_PMD_VDEV_NETVSC_VF_PRESENT,    /**< The VF exists; the driver binds and probes it. */
    RTE_PMD_VDEV_NETVSC_VF_ANNOUNCED,  /**< Probed and announced to fail-safe. */
    RTE_PMD_VDEV_NETVSC_VF_ATTACHED,   /**< fail-safe owns the VF's port. */
    RTE_PMD_VDEV_NETVSC_VF_FAULTED,    /**< Failed; the driver retries later. */
    RTE_PMD_VDEV_NETVSC_VF_RECOVERING, /**< Its PMD recovers from an error by itself. */
    RTE_PMD_VDEV_NETVSC_VF_GONE,       /**< Removed; its port is not yet closed. */
};

/** Why a port uses its fallback although a VF of it exists. */
enum rte_pmd_vdev_netvsc_vf_unused {
    RTE_PMD_VDEV_NETVSC_UNUSED_NO,           /**< The VF carries the packets, or no VF exists. */
    RTE_PMD_VDEV_NETVSC_UNUSED_ATTACHING,    /**< The driver probes it; fail-safe attaches it. */
    RTE_PMD_VDEV_NETVSC_UNUSED_BIND_FAILED,  /**< The driver of vf_bind= could not be bound. */
    RTE_PMD_VDEV_NETVSC_UNUSED_PROBE_FAILED, /**< No PMD could probe it. */
    RTE_PMD_VDEV_NETVSC_UNUSED_DETACHED,     /**< fail-safe detached it; the driver retries. */
    RTE_PMD_VDEV_NETVSC_UNUSED_APPLICATION,  /**< The application configures the port, or has
                                                  closed the VF's port. */
    RTE_PMD_VDEV_NETVSC_UNUSED_HELD,         /**< rte_pmd_vdev_netvsc_vf_hold() was called. */
    RTE_PMD_VDEV_NETVSC_UNUSED_NO_CARRIER,   /**< Its netdevice is down, or has no carrier. */
    RTE_PMD_VDEV_NETVSC_UNUSED_HAS_ADDRESS,  /**< Its netdevice has an IP address, and vf_bind=
                                                  would remove the netdevice. */
};

/** The type of an event. */
enum rte_pmd_vdev_netvsc_event_type {
    RTE_PMD_VDEV_NETVSC_EVENT_PORT_ADDED,    /**< A fail-safe port was created over a NetVSC. */
    RTE_PMD_VDEV_NETVSC_EVENT_PORT_REMOVED,  /**< The port was closed, with its VF. */
    RTE_PMD_VDEV_NETVSC_EVENT_VF_PRESENT,    /**< A VF of a port has arrived. */
    RTE_PMD_VDEV_NETVSC_EVENT_VF_ATTACHED,   /**< fail-safe owns the VF's port. */
    RTE_PMD_VDEV_NETVSC_EVENT_VF_FAILED,     /**< The VF could not be bound or probed, or
                                                  fail-safe gave it up; the driver retries. */
    RTE_PMD_VDEV_NETVSC_EVENT_VF_REMOVED,    /**< The VF was removed. */
    RTE_PMD_VDEV_NETVSC_EVENT_LINK_UP,       /**< The fail-safe port's link is up. */
    RTE_PMD_VDEV_NETVSC_EVENT_LINK_DOWN,     /**< The fail-safe port's link is down. */
    RTE_PMD_VDEV_NETVSC_EVENT_LCORE_ALIVE,   /**< An lcore polls its Rx queues again. */
    RTE_PMD_VDEV_NETVSC_EVENT_LCORE_MISSING, /**< An lcore has not polled for a period. */
    RTE_PMD_VDEV_NETVSC_EVENT_LCORE_DEAD,    /**< Nor for the following period. */
    RTE_PMD_VDEV_NETVSC_EVENT_VF_UNUSED,     /**< A VF exists, but the port has used its fallback
                                                  for 10 seconds. */
    RTE_PMD_VDEV_NETVSC_EVENT_VF_UNUSED_END, /**< After VF_UNUSED: the VF carries the packets, or
                                                  no VF exists. */
};

/** One event. */
struct rte_pmd_vdev_netvsc_event {
    uint64_t sequence; /**< Starts at 1 and grows by 1: a gap means missed events. */
    uint64_t time_ns;  /**< CLOCK_MONOTONIC, in nanoseconds. */
    enum rte_pmd_vdev_netvsc_event_type type;
    uint16_t port_id; /**< ethdev port id, or #RTE_PMD_VDEV_NETVSC_NO_PORT. */
    int lcore_id;     /**< -1 if the event does not concern an lcore. */
    /** The fail-safe port's device, "net_failsafe_vsc0"; empty for an event without a port. */
    char port_name[RTE_PMD_VDEV_NETVSC_NAME_SIZE];
    /** The NetVSC netdevice of the port. Linux allows any byte but '/' in its name. */
    char netdevice[RTE_PMD_VDEV_NETVSC_NETDEVICE_SIZE];
    /** The VF's PCI address, "0000:03:00.0"; empty for an event without a VF. */
    char vf[RTE_PMD_VDEV_NETVSC_PCI_SIZE];
    enum rte_pmd_vdev_netvsc_vf_unused vf_unused; /**< Of VF_UNUSED; else UNUSED_NO. */
};

/** The state of an lcore that polls Rx queues. */
enum rte_pmd_vdev_netvsc_lcore_state {
    RTE_PMD_VDEV_NETVSC_LCORE_ALIVE,   /**< It polls again. */
    RTE_PMD_VDEV_NETVSC_LCORE_MISSING, /**< It has not polled for a period of keepalive=. */
    RTE_PMD_VDEV_NETVSC_LCORE_DEAD,    /**< Nor for the following period. */
};

/** The cause of an RTE_ETH_EVENT_QUEUE_STATE on a port of the driver. */
struct rte_pmd_vdev_netvsc_queue_event {
    uint64_t time_ns;                           /**< CLOCK_MONOTONIC, in nanoseconds. */
    enum rte_pmd_vdev_netvsc_lcore_state state; /**< Of the lcore. */
    uint16_t queue_id;                          /**< The Rx queue. */
    unsigned int lcore_id;                      /**< The lcore that polled the queue last. */
};

/** The number of classes of a histogram. */
#define RTE_PMD_VDEV_NETVSC_CLASSES 11

/** Durations of one kind. */
struct rte_pmd_vdev_netvsc_durations {
    uint64_t last_us; /**< The last one, in microseconds. */
    uint64_t max_us;  /**< The longest one, in microseconds. */
    /** How many took at most 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000 ms, and any time. Cumulative,
     * as in Prometheus. */
    uint64_t counts[RTE_PMD_VDEV_NETVSC_CLASSES];
};

/** Information about one port. */
struct rte_pmd_vdev_netvsc_port_info {
    uint16_t port_id;                              /**< ethdev port id. */
    char port_name[RTE_PMD_VDEV_NETVSC_NAME_SIZE]; /**< "net_failsafe_vsc0" */
    char instance[RTE_PMD_VDEV_NETVSC_NAME_SIZE];  /**< The driver's instance: "net_vdev_netvsc0" */
    /** The NetVSC netdevice. Linux allows any byte but '/' in its name. */
    char netdevice[RTE_PMD_VDEV_NETVSC_NETDEVICE_SIZE];
    int ifindex;    /**< The NetVSC's; 0 if it was removed. */
    uint8_t mac[6]; /**< The NetVSC's; zeros if it was removed. */
    bool link_up;   /**< The port's link state at its last link event. */
    char fallback[RTE_PMD_VDEV_NETVSC_NETDEVICE_SIZE]; /**< The fallback: "tap", "none", ... */
    char vf[RTE_PMD_VDEV_NETVSC_PCI_SIZE];             /**< Empty if the port has no VF. */
    enum rte_pmd_vdev_netvsc_vf_state vf_state;
    bool vf_held;                 /**< rte_pmd_vdev_netvsc_vf_hold() was called. */
    uint64_t last_link_change_ns; /**< CLOCK_MONOTONIC, in ns; 0: never. */
    uint64_t last_vf_change_ns;   /**< CLOCK_MONOTONIC, in ns; 0: never. */
    /** Since when a VF of the port exists that does not carry its packets. CLOCK_MONOTONIC, in ns;
     * 0: no VF exists, or it carries them. */
    uint64_t vf_unused_since_ns;
    enum rte_pmd_vdev_netvsc_vf_unused vf_unused; /**< And why. */
    uint64_t plug_ins;                            /**< VFs that arrived. */
    uint64_t removals;                            /**< VFs that were removed. */
    uint64_t failed_binds;                        /**< Failed attempts to bind a VF. */
    uint64_t failed_probes;                       /**< Failed attempts to probe a VF. */
    /** From a VF's notification, or the release of a hold, to its address in fail-safe's pipe. */
    struct rte_pmd_vdev_netvsc_durations announcements;
    /** From the same notification to VF_ATTACHED. The driver checks whether fail-safe has attached
     * the VF two periods of hotplug_poll= after the announcement. */
    struct rte_pmd_vdev_netvsc_durations attachments;
    /** From the notification of a removal, or the request of a hold, to fail-safe's use of the
     * fallback. Without removals that the VF's PMD reports. */
    struct rte_pmd_vdev_netvsc_durations detachments;
};

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
