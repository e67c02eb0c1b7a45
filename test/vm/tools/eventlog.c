// SPDX-License-Identifier: BSD-3-Clause
//
// A plugin for EAL's -d, after the driver's: an application of rte_pmd_vdev_netvsc.h within
// testpmd. Appends to the file $EVENTLOG_FILE a line for each event,
//     event <sequence> <time in ns> <type> <port id> <port> <netdevice> <vf or -> <lcore>
// and for each queue event of a port
//     queue <port id> <queue> <lcore> <state>
// and one for each thing it does besides. What that is $EVENTLOG_DO says: words separated by
// spaces, each <event type>=<what>. What is done, from within the callback, is one of
//     unregister  unregisters the callback
//     another     registers a second callback, which logs "second <sequence>"
//     info        asks for the port, and logs what is known of it
//     close       stops and closes the port
//     remove      takes the driver's instance net_vdev_netvsc0 away
// and the word "churn": a thread registers a callback and unregisters it, without pause, and checks
// that it is not called afterwards.
#define _GNU_SOURCE
#include "rte_pmd_vdev_netvsc.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rte_dev.h>
#include <rte_ethdev.h>

static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void note(const char *format, ...) {
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    const int size = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    const char *path = getenv("EVENTLOG_FILE");
    const int file =
        path != NULL ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644) : -1;
    if (file < 0 || size < 0)
        return;
    if (write(file, line, (size_t)size) < 0)
        perror("eventlog");
    close(file);
}

/* Whether $EVENTLOG_DO has the word "<prefix><what>". */
static bool is_asked(const char *prefix, const char *what) {
    char wanted[128];
    snprintf(wanted, sizeof wanted, "%s%s", prefix, what);
    const char *all = getenv("EVENTLOG_DO");
    for (const char *at = all; at != NULL && (at = strstr(at, wanted)) != NULL; ++at) {
        const char end = at[strlen(wanted)];
        if ((at == all || at[-1] == ' ') && (end == '\0' || end == ' '))
            return true;
    }
    return false;
}

static void on_second(const struct rte_pmd_vdev_netvsc_event *event, void *user) {
    (void)user;
    note("second %llu\n", (unsigned long long)event->sequence);
}

static void log_info(uint16_t port) {
    struct rte_pmd_vdev_netvsc_port_info info;
    uint16_t ports[RTE_MAX_ETHPORTS];
    const int count = rte_pmd_vdev_netvsc_ports(ports, RTE_MAX_ETHPORTS);
    const int result = rte_pmd_vdev_netvsc_port_info_get(port, &info);
    note("info %d of %d", result, count);
    if (result == 0)
        note(" %s %s %s %d %02x:%02x:%02x:%02x:%02x:%02x %s %s %s %s plug_ins=%llu removals=%llu",
             info.port_name, info.instance, info.netdevice, info.ifindex, info.mac[0], info.mac[1],
             info.mac[2], info.mac[3], info.mac[4], info.mac[5], info.link_up ? "up" : "down",
             info.fallback, info.vf[0] != '\0' ? info.vf : "-",
             rte_pmd_vdev_netvsc_vf_state_name(info.vf_state), (unsigned long long)info.plug_ins,
             (unsigned long long)info.removals);
    note("\n");
}

/* Reads all queue events of a port. */
static int on_queue_state(uint16_t port, enum rte_eth_event_type type, void *user, void *result) {
    static const char *const states[] = {"alive", "missing", "dead"};
    struct rte_pmd_vdev_netvsc_queue_event event;
    (void)type;
    (void)user;
    (void)result;
    while (rte_pmd_vdev_netvsc_get_queue_event(port, &event) == 0)
        note("queue %u %u %u %s\n", port, event.queue_id, event.lcore_id, states[event.state]);
    return 0;
}

static void on_event(const struct rte_pmd_vdev_netvsc_event *event, void *user) {
    char prefix[64];
    const char *type = rte_pmd_vdev_netvsc_event_name(event->type);
    note("event %llu %llu %s %u %s %s %s %d %s\n", (unsigned long long)event->sequence,
         (unsigned long long)event->time_ns, type, event->port_id,
         event->port_name[0] != '\0' ? event->port_name : "-",
         event->netdevice[0] != '\0' ? event->netdevice : "-",
         event->vf[0] != '\0' ? event->vf : "-", event->lcore_id,
         event->vf_unused != RTE_PMD_VDEV_NETVSC_UNUSED_NO
             ? rte_pmd_vdev_netvsc_vf_unused_name(event->vf_unused)
             : "-");
    if (event->type == RTE_PMD_VDEV_NETVSC_EVENT_PORT_ADDED)
        rte_eth_dev_callback_register(event->port_id, RTE_ETH_EVENT_QUEUE_STATE, on_queue_state,
                                      NULL);
    snprintf(prefix, sizeof prefix, "%s=", type);
    if (is_asked(prefix, "info"))
        log_info(event->port_id);
    if (is_asked(prefix, "another"))
        note("another %d\n", rte_pmd_vdev_netvsc_callback_register(on_second, NULL));
    if (is_asked(prefix, "unregister"))
        note("unregister %d\n", rte_pmd_vdev_netvsc_callback_unregister(on_event, user));
    if (is_asked(prefix, "close")) {
        const int stopped = rte_eth_dev_stop(event->port_id);
        note("close %d %d\n", stopped, rte_eth_dev_close(event->port_id));
    }
    if (is_asked(prefix, "remove"))
        note("remove %d\n", rte_eal_hotplug_remove("vdev", "net_vdev_netvsc0"));
}

/* What the churning callback uses while it is registered. */
struct visitor {
    atomic_bool here;
    atomic_ulong calls;
    atomic_ulong strays;
};

static void on_visit(const struct rte_pmd_vdev_netvsc_event *event, void *user) {
    struct visitor *visitor = user;
    (void)event;
    atomic_fetch_add(&visitor->calls, 1);
    for (int i = 0; i < 20; ++i) { /* a call that takes its time */
        const struct timespec pause = {0, 1000000};
        if (!atomic_load(&visitor->here))
            atomic_fetch_add(&visitor->strays, 1);
        nanosleep(&pause, NULL);
    }
}

static void *churn(void *unused) {
    static struct visitor visitor;
    unsigned long turns = 0;
    unsigned long noted = 0;
    (void)unused;
    for (;;) {
        /* Sometimes long enough for an event to be delivered, however slow the machine is. */
        const struct timespec pause = {0, 1000000 * (1 + (long)(turns % 50))};
        atomic_store(&visitor.here, true);
        if (rte_pmd_vdev_netvsc_callback_register(on_visit, &visitor) != 0)
            note("churn: not registered\n");
        nanosleep(&pause, NULL);
        if (rte_pmd_vdev_netvsc_callback_unregister(on_visit, &visitor) != 0)
            note("churn: not unregistered\n");
        atomic_store(&visitor.here, false);
        ++turns;
        if (atomic_load(&visitor.calls) != noted) {
            noted = atomic_load(&visitor.calls);
            note("churn %lu turns %lu calls %lu strays\n", turns, noted,
                 atomic_load(&visitor.strays));
        }
    }
    return NULL;
}

RTE_INIT(eventlog) {
    pthread_t thread;
    const int result = rte_pmd_vdev_netvsc_callback_register(on_event, NULL);
    if (result != 0)
        note("register %d\n", result);
    if (is_asked("", "churn") && pthread_create(&thread, NULL, churn, NULL) == 0)
        pthread_detach(thread);
}
