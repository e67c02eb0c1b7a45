/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef RTE_PMD_VDEV_NETVSC_H
#define RTE_PMD_VDEV_NETVSC_H

/**
 * @file
 * What the net_vdev_netvsc driver tells applications beyond ethdev: which fail-safe ports it has
 * made over which NetVSC netdevices, where their VFs stand, and what happens to them.
 *
 * All of it is experimental, as DPDK has it: it may change without notice, and needs
 * ALLOW_EXPERIMENTAL_API to be defined. All functions may be called from any thread, from within
 * a callback too, and in any state of EAL. In a secondary process there are no ports and no events.
 */

#include <stdbool.h>
#include <stdint.h>

#include <rte_compat.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Size of the buffer of a device's name, its terminating zero included. */
#define RTE_PMD_VDEV_NETVSC_NAME_SIZE 64
/** Size of the buffer of a netdevice's name, its terminating zero included. */
#define RTE_PMD_VDEV_NETVSC_NETDEVICE_SIZE 16
/** Size of the buffer of a PCI address, its terminating zero included. */
#define RTE_PMD_VDEV_NETVSC_PCI_SIZE 24
/** The port id of an event that is not about one port. */
#define RTE_PMD_VDEV_NETVSC_NO_PORT UINT16_MAX

/** Where the VF of a port stands. */
enum rte_pmd_vdev_netvsc_vf_state {
    RTE_PMD_VDEV_NETVSC_VF_ABSENT,     /**< There is none. */
    RTE_PMD_VDEV_NETVSC_VF_PRESENT,    /**< Seen; it is being bound and probed. */
    RTE_PMD_VDEV_NETVSC_VF_ANNOUNCED,  /**< Probed; not yet known to be fail-safe's. */
    RTE_PMD_VDEV_NETVSC_VF_ATTACHED,   /**< fail-safe owns its port. */
    RTE_PMD_VDEV_NETVSC_VF_FAULTED,    /**< Failed; it is tried again later. */
    RTE_PMD_VDEV_NETVSC_VF_RECOVERING, /**< Its driver is mending an error by itself. */
    RTE_PMD_VDEV_NETVSC_VF_GONE,       /**< Taken away; its port is still to be closed. */
};

/** What has happened. */
enum rte_pmd_vdev_netvsc_event_type {
    RTE_PMD_VDEV_NETVSC_EVENT_PORT_ADDED,    /**< A fail-safe port was made over a NetVSC. */
    RTE_PMD_VDEV_NETVSC_EVENT_PORT_REMOVED,  /**< It was closed, its VF with it. */
    RTE_PMD_VDEV_NETVSC_EVENT_VF_PRESENT,    /**< A VF has come to a port. */
    RTE_PMD_VDEV_NETVSC_EVENT_VF_ATTACHED,   /**< fail-safe has taken it. */
    RTE_PMD_VDEV_NETVSC_EVENT_VF_FAILED,     /**< It could not be bound or probed, or fail-safe let
                                                  go of it. It is tried again. */
    RTE_PMD_VDEV_NETVSC_EVENT_VF_REMOVED,    /**< It is gone. */
    RTE_PMD_VDEV_NETVSC_EVENT_LINK_UP,       /**< The fail-safe port's link is up. */
    RTE_PMD_VDEV_NETVSC_EVENT_LINK_DOWN,     /**< The fail-safe port's link is down. */
    RTE_PMD_VDEV_NETVSC_EVENT_LCORE_ALIVE,   /**< An lcore polls again. */
    RTE_PMD_VDEV_NETVSC_EVENT_LCORE_MISSING, /**< An lcore has not polled for a period. */
    RTE_PMD_VDEV_NETVSC_EVENT_LCORE_DEAD,    /**< Nor for the next one. */
};

/** One event, as callbacks are given it. */
struct rte_pmd_vdev_netvsc_event {
    uint64_t sequence; /**< From 1 on, one more for each: a hole is an event missed. */
    uint64_t time_ns;  /**< CLOCK_MONOTONIC. */
    enum rte_pmd_vdev_netvsc_event_type type;
    uint16_t port_id; /**< ethdev's, or #RTE_PMD_VDEV_NETVSC_NO_PORT. */
    int lcore_id;     /**< -1 if it is not about an lcore. */
    /** The fail-safe port's device, "net_failsafe_vsc0"; empty if it is not about a port. */
    char port_name[RTE_PMD_VDEV_NETVSC_NAME_SIZE];
    /** The NetVSC netdevice below the port. Linux allows any byte but '/' in it. */
    char netdevice[RTE_PMD_VDEV_NETVSC_NETDEVICE_SIZE];
    /** The VF's PCI address, "0000:03:00.0"; empty if it is not about a VF. */
    char vf[RTE_PMD_VDEV_NETVSC_PCI_SIZE];
};

/** What is known of one port. */
struct rte_pmd_vdev_netvsc_port_info {
    uint16_t port_id;                              /**< ethdev's. */
    char port_name[RTE_PMD_VDEV_NETVSC_NAME_SIZE]; /**< "net_failsafe_vsc0" */
    char instance[RTE_PMD_VDEV_NETVSC_NAME_SIZE];  /**< Whose it is: "net_vdev_netvsc0" */
    /** The NetVSC netdevice. Linux allows any byte but '/' in its name. */
    char netdevice[RTE_PMD_VDEV_NETVSC_NETDEVICE_SIZE];
    int ifindex;    /**< The NetVSC's; 0 if it is gone. */
    uint8_t mac[6]; /**< The NetVSC's; zeros if it is gone. */
    bool link_up;   /**< The port's link, as the application was last told. */
    char fallback[RTE_PMD_VDEV_NETVSC_NETDEVICE_SIZE]; /**< The slow path: "tap", "none", ... */
    char vf[RTE_PMD_VDEV_NETVSC_PCI_SIZE];             /**< Empty if there is none. */
    enum rte_pmd_vdev_netvsc_vf_state vf_state;
    uint64_t last_link_change_ns; /**< CLOCK_MONOTONIC; 0: never. */
    uint64_t last_vf_change_ns;   /**< CLOCK_MONOTONIC; 0: never. */
    uint64_t plug_ins;            /**< VFs that came. */
    uint64_t removals;            /**< VFs that went. */
    uint64_t failed_binds;        /**< Each try to bind a VF that failed. */
    uint64_t failed_probes;       /**< Each try to probe a VF that failed. */
};

/**
 * Called for each event.
 *
 * It runs in EAL's interrupt thread, one event after the other, in their order, and without any
 * lock of DPDK's or of the driver's held: it may use ethdev, register and unregister callbacks,
 * and take the very port or driver away. While it runs nothing else happens in that thread.
 *
 * It must not throw (C++).
 *
 * @param event
 *   Valid during the call.
 * @param user
 *   As it was registered.
 */
typedef void (*rte_pmd_vdev_netvsc_callback)(const struct rte_pmd_vdev_netvsc_event *event,
                                             void *user);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * List the ports the driver has made.
 *
 * @param port_ids
 *   Where to put their ethdev port ids; may be NULL if @p size is 0.
 * @param size
 *   How many fit there.
 * @return
 *   How many there are, which may be more than @p size; -EINVAL if @p port_ids is NULL and @p size
 *   is not 0; -ENOMEM.
 */
__rte_experimental int rte_pmd_vdev_netvsc_ports(uint16_t *port_ids, unsigned int size);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Get what is known of one port. Takes no lock of DPDK's and asks no device.
 *
 * @param port_id
 *   ethdev's.
 * @param info
 *   Where to put it.
 * @return
 *   0; -ENODEV if the port is not one of the driver's; -EINVAL if @p info is NULL; -ENOMEM.
 */
__rte_experimental int
rte_pmd_vdev_netvsc_port_info_get(uint16_t port_id, struct rte_pmd_vdev_netvsc_port_info *info);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Have a function called for each event from now on. It may be registered several times with
 * different @p user.
 *
 * @param callback
 *   The function.
 * @param user
 *   Handed to it.
 * @return
 *   0; -EEXIST if it is registered with @p user already; -EINVAL if @p callback is NULL; -ENOMEM.
 */
__rte_experimental int rte_pmd_vdev_netvsc_callback_register(rte_pmd_vdev_netvsc_callback callback,
                                                             void *user);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Have it called no longer. Once this has returned the function is not running with @p user, and
 * will not be called with it: what it uses can be freed. A call that is running in EAL's interrupt
 * thread is waited for; it must not wait for the caller. From within the callback itself this
 * returns at once.
 *
 * @param callback
 *   As it was registered.
 * @param user
 *   As it was registered.
 * @return
 *   0; -ENOENT if it is not registered with @p user.
 */
__rte_experimental int
rte_pmd_vdev_netvsc_callback_unregister(rte_pmd_vdev_netvsc_callback callback, void *user);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * The name of an event type, as telemetry has it.
 *
 * @param type
 *   The type.
 * @return
 *   "vf_attached" and the like; "unknown" for any other value. Never NULL.
 */
__rte_experimental const char *
rte_pmd_vdev_netvsc_event_name(enum rte_pmd_vdev_netvsc_event_type type);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * The name of a VF's state, as telemetry has it.
 *
 * @param state
 *   The state.
 * @return
 *   "attached" and the like; "unknown" for any other value. Never NULL.
 */
__rte_experimental const char *
rte_pmd_vdev_netvsc_vf_state_name(enum rte_pmd_vdev_netvsc_vf_state state);

#ifdef __cplusplus
}
#endif

#endif /* RTE_PMD_VDEV_NETVSC_H */
