// SPDX-License-Identifier: BSD-3-Clause
//
// The headers as a C11 compiler sees them; called by api_test.cpp.
#include "rte_pmd_vdev_netvsc.h"
#include "rte_pmd_vdev_netvsc_kernel.h"

#include <string.h>

struct from_c {
    unsigned calls;
    uint64_t last;
};

int c_unknown_port(void);
int c_registers_twice(void);
size_t c_sizes(void);
const char *c_name_of_event(int type);
const char *c_name_of_state(int state);

static void note(const struct rte_pmd_vdev_netvsc_event *event, void *user) {
    struct from_c *seen = user;
    ++seen->calls;
    seen->last = event->sequence;
}

int c_unknown_port(void) {
    struct rte_pmd_vdev_netvsc_port_info info;
    memset(&info, 0, sizeof info);
    return rte_pmd_vdev_netvsc_port_info_get(0, &info);
}

/* What registering a second time gives; -1 if anything else was not as it should be. */
int c_registers_twice(void) {
    struct from_c one = {0, 0};
    struct from_c other = {0, 0};
    if (rte_pmd_vdev_netvsc_callback_register(note, &one) != 0)
        return -1;
    const int again = rte_pmd_vdev_netvsc_callback_register(note, &one);
    if (rte_pmd_vdev_netvsc_callback_register(note, &other) != 0 ||
        rte_pmd_vdev_netvsc_callback_unregister(note, &one) != 0 ||
        rte_pmd_vdev_netvsc_callback_unregister(note, &other) != 0)
        return -1;
    return again;
}

size_t c_sizes(void) {
    return sizeof(struct rte_pmd_vdev_netvsc_event) + sizeof(struct rte_pmd_vdev_netvsc_port_info) +
           sizeof(struct rte_pmd_vdev_netvsc_queue_event);
}

/* In C any number can be handed in. */
const char *c_name_of_event(int type) {
    return rte_pmd_vdev_netvsc_event_name((enum rte_pmd_vdev_netvsc_event_type)type);
}

const char *c_name_of_state(int state) {
    return rte_pmd_vdev_netvsc_vf_state_name((enum rte_pmd_vdev_netvsc_vf_state)state);
}

const char *c_name_of_unused(int reason) {
    return rte_pmd_vdev_netvsc_vf_unused_name((enum rte_pmd_vdev_netvsc_vf_unused)reason);
}
