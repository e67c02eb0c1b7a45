/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef RTE_PMD_VDEV_NETVSC_TYPES_H
#define RTE_PMD_VDEV_NETVSC_TYPES_H

/**
 * @file
 * What the functions of rte_pmd_vdev_netvsc.h return: states, events, information about ports.
 * Include that header.
 */

#include <stdbool.h>
#include <stdint.h>

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

#ifdef __cplusplus
}
#endif

#endif /* RTE_PMD_VDEV_NETVSC_TYPES_H */
