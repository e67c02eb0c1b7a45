/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef RTE_PMD_VDEV_NETVSC_KERNEL_H
#define RTE_PMD_VDEV_NETVSC_KERNEL_H

/**
 * @file
 * What the net_vdev_netvsc driver does with the kernel, for the application's own devices: it
 * passes uevents on, and changes the kernel driver of a PCI function.
 *
 * Experimental, with the thread rules of rte_pmd_vdev_netvsc.h.
 */

#include <stdbool.h>
#include <stdint.h>

#include <rte_compat.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A uevent of the kernel, of any device. All texts end with the call of the callback. */
struct rte_pmd_vdev_netvsc_uevent {
    uint64_t number;         /**< The kernel's: grows by 1 for each uevent of the system. */
    uint64_t time_ns;        /**< When the driver read it. CLOCK_MONOTONIC, in nanoseconds. */
    const char *action;      /**< "add", "remove", "change", "online", "offline", "bind", ... */
    const char *subsystem;   /**< "pci", "net", "cpu", ... */
    const char *device_path; /**< The device, below /sys. */
    const char *pci_address; /**< "0000:03:00.0"; empty if the device is no PCI function. */
    /** Empty if the device is no netdevice. Linux allows any byte but '/' in the name. */
    const char *netdevice;
    bool synthetic; /**< A process has triggered it, as udevadm trigger does. */
    /** Uevents were lost before this call. Everything else but the time is 0, false or empty. */
    bool lost;
};

/** The uevents that a callback receives. */
struct rte_pmd_vdev_netvsc_uevent_filter {
    const char *action;    /**< NULL: any. */
    const char *subsystem; /**< NULL: any. */
};

/**
 * A function that the driver calls for each uevent that passes its filter. The rules of
 * #rte_pmd_vdev_netvsc_callback apply.
 *
 * @param event
 *   Valid during the call.
 * @param user
 *   The pointer given to rte_pmd_vdev_netvsc_uevent_callback_register().
 */
typedef void (*rte_pmd_vdev_netvsc_uevent_callback)(const struct rte_pmd_vdev_netvsc_uevent *event,
                                                    void *user);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Register a callback for the kernel's uevents. It receives those that the kernel sends while the
 * driver has an instance in this process. The driver processes each uevent before it calls the
 * callback. Uevents that udev or other processes send are not among them.
 *
 * @param filter
 *   Copied; NULL: all uevents. A loss of uevents passes each filter.
 * @param callback
 *   The function.
 * @param user
 *   Passed to the function.
 * @return
 *   0; -EEXIST if the function is registered with @p user already, whatever the filter; -EINVAL if
 *   @p callback is NULL; -ENOMEM.
 */
__rte_experimental int
rte_pmd_vdev_netvsc_uevent_callback_register(const struct rte_pmd_vdev_netvsc_uevent_filter *filter,
                                             rte_pmd_vdev_netvsc_uevent_callback callback,
                                             void *user);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Unregister a callback for uevents. See rte_pmd_vdev_netvsc_callback_unregister().
 *
 * @param callback
 *   The registered function.
 * @param user
 *   The registered pointer.
 * @return
 *   0; -ENOENT if it is not registered with @p user; -ENOMEM, and it stays registered.
 */
__rte_experimental int
rte_pmd_vdev_netvsc_uevent_callback_unregister(rte_pmd_vdev_netvsc_uevent_callback callback,
                                               void *user);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Bind a PCI function to another kernel driver, such as vfio-pci, as vf_bind= does for VFs. Does
 * nothing if the function is bound to it already. If the bind fails, the function gets its own
 * driver again.
 *
 * The driver records the bind. If the process ends without rte_pmd_vdev_netvsc_pci_restore(), the
 * next start of an instance on this machine restores the function.
 *
 * Waits for the kernel drivers, which can take seconds. The process needs write permission for
 * sysfs and for /run/vdev_netvsc. The log has the reason of an error.
 *
 * @param pci_address
 *   The address, "0000:03:00.0".
 * @param kernel_driver
 *   The name of the driver. Its module must be loaded.
 * @return
 *   0; -EINVAL if an argument is NULL or malformed; -ENXIO if no such function exists; -EBUSY if an
 *   ethdev port of this process uses the function, or this driver or another process has bound it;
 *   -ENOENT if no such kernel driver exists; -ENODEV if the kernel driver refuses the function;
 *   -ENOMEM; else a negative errno of sysfs.
 */
__rte_experimental int rte_pmd_vdev_netvsc_pci_bind(const char *pci_address,
                                                    const char *kernel_driver);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Restore the own kernel driver of a function that rte_pmd_vdev_netvsc_pci_bind() has bound in this
 * process. Waits for the kernel drivers. After a failure another call tries again.
 *
 * @param pci_address
 *   The address, "0000:03:00.0".
 * @return
 *   0; -EINVAL if the argument is NULL or malformed; -ENOENT if the function was not bound in this
 *   way, or is restored; -ENXIO if it no longer exists; -EBUSY if an ethdev port of this process
 *   uses it; -ENOMEM; else a negative errno of sysfs.
 */
__rte_experimental int rte_pmd_vdev_netvsc_pci_restore(const char *pci_address);

#ifdef __cplusplus
}
#endif

#endif /* RTE_PMD_VDEV_NETVSC_KERNEL_H */
