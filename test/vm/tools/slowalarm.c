// SPDX-License-Identifier: BSD-3-Clause
//
// A plugin for EAL's -d, after the driver's: an alarm that blocks EAL's interrupt thread for 500 ms
// again and again, from the driver's first event on. Says so once.
#define _GNU_SOURCE
#include "rte_pmd_vdev_netvsc.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include <rte_alarm.h>
#include <rte_common.h>

enum { pause_us = 50000 };

static void block(void *unused) {
    static bool said;
    const struct timespec half_a_second = {0, 500000000};
    (void)unused;
    nanosleep(&half_a_second, NULL);
    if (!said) {
        printf("slowalarm: the interrupt thread is held up\n");
        fflush(stdout);
    }
    said = true;
    rte_eal_alarm_set(pause_us, block, NULL);
}

/* EAL has no alarms yet when plugins are loaded. */
static void on_event(const struct rte_pmd_vdev_netvsc_event *event, void *user) {
    static atomic_bool begun;
    (void)event;
    (void)user;
    if (!atomic_exchange(&begun, true))
        rte_eal_alarm_set(pause_us, block, NULL);
}

RTE_INIT(slowalarm) {
    if (rte_pmd_vdev_netvsc_callback_register(on_event, NULL) != 0)
        printf("slowalarm: not registered\n");
}
