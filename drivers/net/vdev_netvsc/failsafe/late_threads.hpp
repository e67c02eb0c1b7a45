// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ethdev_driver.h>

namespace netvsc {

// Work-around for a bug of fail-safe in all DPDK releases (22.11 to 26.07). Its burst functions
// check whether a sub-device leaves, and then read the sub-device's queues and count themselves in,
// or (the fast ones) do neither. A thread that loses its processor in between for longer than the
// removal takes continues in a closed port, and ends the application. On a busy VM that is one of
// hundreds of removals.
// When fail-safe stops the port of a leaving sub-device, it has marked it, so that the burst
// functions that begin afterwards leave it out. At this point the driver waits until every thread
// has polled again, sleeps, or has run for a while. (Time alone does not show that a polling thread
// went on: a VM also counts the time for which the hypervisor has taken the processor.)
// Tests: test_vf_removal.py (test_late_lcore), thread_progress_test.cpp.

/// Replaces dev_stop of a sub-device with adapt_operations(): if fail-safe removes the sub-device
/// (in EAL's interrupt thread), first waits until no thread can be in its burst functions, at most
/// some seconds. Then calls the original.
/// @return as dev_stop
int stop_after_late_threads(rte_eth_dev *sub_device);

} // namespace netvsc
