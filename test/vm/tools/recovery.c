/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A plugin for EAL's -d. At the telemetry command /recovery,<device>:<begins|succeeds|fails> EAL's
 * interrupt thread raises the event of a PMD that recovers from an error.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include <ethdev_driver.h>
#include <rte_alarm.h>
#include <rte_telemetry.h>

static char name[RTE_ETH_NAME_MAX_LEN];
static enum rte_eth_event_type event;

static void tell(void *arg) {
    (void)arg;
    struct rte_eth_dev *device = rte_eth_dev_get_by_name(name);
    if (device == NULL)
        printf("recovery: there is no port of %s\n", name);
    else
        rte_eth_dev_callback_process(device, event, NULL);
}

static int ask(const char *command, const char *parameters, struct rte_tel_data *answer) {
    static const struct {
        const char *word;
        enum rte_eth_event_type event;
    } steps[] = {{"begins", RTE_ETH_EVENT_ERR_RECOVERING},
                 {"succeeds", RTE_ETH_EVENT_RECOVERY_SUCCESS},
                 {"fails", RTE_ETH_EVENT_RECOVERY_FAILED}};
    (void)command;
    const char *word = parameters != NULL ? strrchr(parameters, ':') : NULL;
    if (word == NULL)
        return -EINVAL;
    snprintf(name, sizeof name, "%.*s", (int)(word - parameters), parameters);
    for (unsigned step = 0; step < RTE_DIM(steps); ++step) {
        if (strcmp(word + 1, steps[step].word) != 0)
            continue;
        event = steps[step].event;
        rte_tel_data_string(answer, word + 1);
        return rte_eal_alarm_set(1, tell, NULL);
    }
    return -EINVAL;
}

RTE_INIT(recovery_register) {
    rte_telemetry_register_cmd("/recovery", ask, "Reports a port's recovery from an error.");
}
