/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A plugin for EAL's -d. The telemetry command /late_removal,<pci address> simulates EAL's uevent
 * monitor on a busy machine: it reads the removal when another device already has the address.
 * EAL's interrupt thread then handles the loss of the device's registers, and calls all callbacks
 * for the removed device.
 */
#include <stdio.h>
#include <string.h>

#include <bus_driver.h>
#include <dev_driver.h>
#include <rte_alarm.h>
#include <rte_dev.h>
#include <rte_telemetry.h>

static char address[32];

static void tell(void *arg) {
    (void)arg;
    struct rte_bus *bus = rte_bus_find_by_name("pci");
    struct rte_dev_iterator iterator;
    struct rte_device *device;
    RTE_DEV_FOREACH(device, "bus=pci", &iterator) {
        if (strcmp(rte_dev_name(device), address) == 0)
            break;
    }
    if (device == NULL)
        printf("lateremoval: there is no %s\n", address);
    else if (bus->hot_unplug_handler(device) != 0)
        printf("lateremoval: %s: its registers were not taken away\n", address);
    rte_dev_event_callback_process(address, RTE_DEV_EVENT_REMOVE);
}

static int ask(const char *command, const char *parameters, struct rte_tel_data *answer) {
    (void)command;
    snprintf(address, sizeof address, "%s", parameters != NULL ? parameters : "");
    rte_tel_data_string(answer, address);
    return rte_eal_alarm_set(1, tell, NULL);
}

RTE_INIT(lateremoval_register) {
    rte_telemetry_register_cmd("/late_removal", ask, "Reports a device's removal late.");
}
