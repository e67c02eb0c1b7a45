/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A plugin for EAL's -d, after the driver's: an application that receives uevents. Appends a line
 * for each to the file $UEVENTLOG_FILE:
 *   <filter> <action> <subsystem> <device path> <PCI address or -> <netdevice or -> <synthetic>
 * It has two callbacks: the filter "cpu" lets the uevents of the subsystem cpu pass, the filter
 * "any" all uevents.
 */
#define _GNU_SOURCE
#include "rte_pmd_vdev_netvsc_kernel.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <rte_common.h>

static const char *or_dash(const char *text) { return text[0] != '\0' ? text : "-"; }

static void on_uevent(const struct rte_pmd_vdev_netvsc_uevent *event, void *filter) {
    const char *path = getenv("UEVENTLOG_FILE");
    const int file = path != NULL ? open(path, O_WRONLY | O_CREAT | O_APPEND, 0644) : -1;
    if (file < 0)
        return;
    if (event->lost)
        dprintf(file, "%s lost\n", (const char *)filter);
    else
        dprintf(file, "%s %s %s %s %s %s %d\n", (const char *)filter, event->action,
                event->subsystem, event->device_path, or_dash(event->pci_address),
                or_dash(event->netdevice), event->synthetic);
    close(file);
}

RTE_INIT(ueventlog_register) {
    static char cpu[] = "cpu", any[] = "any";
    const struct rte_pmd_vdev_netvsc_uevent_filter filter = {.subsystem = cpu};
    rte_pmd_vdev_netvsc_uevent_callback_register(&filter, on_uevent, cpu);
    rte_pmd_vdev_netvsc_uevent_callback_register(NULL, on_uevent, any);
}
