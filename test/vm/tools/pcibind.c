/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A plugin for EAL's -d, after the driver's: an application that binds and restores PCI functions,
 * at telemetry's
 *   /pci/bind,<address>,<kernel driver>
 *   /pci/restore,<address>
 * The answer is the result of rte_pmd_vdev_netvsc_pci_bind() or _pci_restore().
 */
#include "rte_pmd_vdev_netvsc_kernel.h"

#include <stdio.h>
#include <string.h>

#include <rte_common.h>
#include <rte_telemetry.h>

static int answer_with(struct rte_tel_data *answer, int result) {
    rte_tel_data_start_dict(answer);
    return rte_tel_data_add_dict_int(answer, "result", result);
}

static int bind_function(const char *command, const char *parameters, struct rte_tel_data *answer) {
    (void)command;
    char address[64];
    const char *comma = parameters != NULL ? strchr(parameters, ',') : NULL;
    if (comma == NULL)
        return -1;
    snprintf(address, sizeof address, "%.*s", (int)(comma - parameters), parameters);
    return answer_with(answer, rte_pmd_vdev_netvsc_pci_bind(address, comma + 1));
}

static int restore_function(const char *command, const char *address, struct rte_tel_data *answer) {
    (void)command;
    return answer_with(answer, rte_pmd_vdev_netvsc_pci_restore(address));
}

RTE_INIT(pcibind_register) {
    rte_telemetry_register_cmd("/pci/bind", bind_function, "Binds a PCI function.");
    rte_telemetry_register_cmd("/pci/restore", restore_function, "Restores its kernel driver.");
}
