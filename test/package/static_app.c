/* SPDX-License-Identifier: BSD-3-Clause */
/* An application that is linked statically with a DPDK that has the driver in its tree: exit status
 * 0 if the driver makes a port of the arguments, and its own functions know it. */

#include <stdio.h>

#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_pmd_vdev_netvsc.h>

int main(int argc, char **argv) {
    uint16_t port;
    struct rte_pmd_vdev_netvsc_port_info info;
    int failed = 1;

    if (rte_eal_init(argc, argv) < 0)
        return 1;
    if (rte_eth_dev_get_port_by_name("net_failsafe_vsc0", &port) != 0)
        fprintf(stderr, "there is no port net_failsafe_vsc0\n");
    else if (rte_pmd_vdev_netvsc_port_info_get(port, &info) != 0)
        fprintf(stderr, "port %u is not the driver's\n", port);
    else
        failed = 0;
    return rte_eal_cleanup() != 0 || failed;
}
