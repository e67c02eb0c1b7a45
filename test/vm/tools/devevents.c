/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A plugin for EAL's -d: an application's callback for device events. It prints each event as
 * "devevents: <device> add|remove".
 */
#include <stdio.h>

#include <rte_common.h>
#include <rte_dev.h>

static void tell(const char *device, enum rte_dev_event_type event, void *arg) {
    (void)arg;
    printf("devevents: %s %s\n", device, event == RTE_DEV_EVENT_ADD ? "add" : "remove");
    fflush(stdout);
}

RTE_INIT(devevents_register) {
    if (rte_dev_event_callback_register(NULL, tell, NULL) != 0)
        printf("devevents: not registered\n");
}
