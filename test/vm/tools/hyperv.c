// SPDX-License-Identifier: BSD-3-Clause
//
// LD_PRELOAD library: makes DPDK believe it runs on Hyper-V, whose CPUID leaves QEMU cannot show
// without KVM.
#include <rte_hypervisor.h>

enum rte_hypervisor rte_hypervisor_get(void) { return RTE_HYPERVISOR_HYPERV; }
