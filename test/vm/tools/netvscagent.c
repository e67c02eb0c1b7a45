/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A plugin for EAL's -d. It does what net_netvsc needs from its application, at telemetry's
 *   /netvsc/queues,<device>   marks the queues of the device's port as started: net_netvsc does not
 *                             before DPDK 23.11, and testpmd polls no queue that is stopped.
 *                             testpmd reads the marks when it starts the port.
 *   /netvsc/vf,<device>       lets the device's port be configured for removal events, which
 *                             net_netvsc requires of its VF, and no Intel PMD offers
 *   /netvsc/removed,<device>  raises that event, in EAL's interrupt thread
 */
#define _GNU_SOURCE // for DPDK's headers
#include <stdio.h>
#include <string.h>

#include <ethdev_driver.h>
#include <rte_alarm.h>
#include <rte_telemetry.h>

static struct rte_eth_dev *port_of(const char *device) {
    return device != NULL ? rte_eth_dev_get_by_name(device) : NULL;
}

static int mark_queues(const char *command, const char *device, struct rte_tel_data *answer) {
    (void)command;
    struct rte_eth_dev *port = port_of(device);
    if (port == NULL)
        return -ENODEV;
    for (unsigned queue = 0; queue < port->data->nb_rx_queues; ++queue)
        port->data->rx_queue_state[queue] = RTE_ETH_QUEUE_STATE_STARTED;
    for (unsigned queue = 0; queue < port->data->nb_tx_queues; ++queue)
        port->data->tx_queue_state[queue] = RTE_ETH_QUEUE_STATE_STARTED;
    return rte_tel_data_string(answer, device);
}

static int allow_removal(const char *command, const char *device, struct rte_tel_data *answer) {
    (void)command;
    struct rte_eth_dev *port = port_of(device);
    if (port == NULL)
        return -ENODEV;
    port->data->dev_flags |= RTE_ETH_DEV_INTR_RMV;
    return rte_tel_data_string(answer, device);
}

static void raise_removal(void *port) {
    rte_eth_dev_callback_process(port, RTE_ETH_EVENT_INTR_RMV, NULL);
}

static int remove_vf(const char *command, const char *device, struct rte_tel_data *answer) {
    (void)command;
    struct rte_eth_dev *port = port_of(device);
    if (port == NULL)
        return -ENODEV;
    int error = rte_eal_alarm_set(1, raise_removal, port);
    return error != 0 ? error : rte_tel_data_string(answer, device);
}

RTE_INIT(netvscagent_register) {
    rte_telemetry_register_cmd("/netvsc/queues", mark_queues, "Marks a port's queues as started.");
    rte_telemetry_register_cmd("/netvsc/vf", allow_removal, "Lets a port have removal events.");
    rte_telemetry_register_cmd("/netvsc/removed", remove_vf, "Raises a port's removal event.");
}
