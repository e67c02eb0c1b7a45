// SPDX-License-Identifier: BSD-3-Clause
//
// A plugin for EAL's -d, after the driver's: an alarm that blocks EAL's interrupt thread for 500 ms
// again and again, from the driver's first event on. Says "slowalarm: <times>" each time.
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
    static unsigned times;
    const struct timespec half_a_second = {0, 500000000};
    (void)unused;
    nanosleep(&half_a_second, NULL);
    printf("slowalarm: %u\n", ++times);
    fflush(stdout);
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
