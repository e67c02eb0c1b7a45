// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <string>
#include <unistd.h>
#include <vector>

#include <rte_eal.h>
#include <rte_mbuf.h>

namespace netvsc::test {

/// Starts EAL as an unprivileged program on any machine can: no hugepages, no PCI devices, no
/// telemetry socket, one lcore, and a file prefix of its own.
/// @param more  further arguments
/// @return rte_eal_init()'s: negative if it could not be started
[[nodiscard]] inline int start_eal(const std::vector<std::string> &more = {}) {
    std::vector<std::string> words{"test",
                                   "--no-huge",
                                   "-m",
                                   "64",
                                   "-l",
                                   "0",
                                   "--no-pci",
                                   "--no-telemetry",
                                   "--file-prefix",
                                   "netvsc_test_" + std::to_string(::getpid())};
    words.insert(words.end(), more.begin(), more.end());
    std::vector<char *> arguments(words.size());
    std::ranges::transform(words, arguments.begin(), [](std::string &word) { return word.data(); });
    return rte_eal_init(static_cast<int>(arguments.size()), arguments.data());
}

/// The packets of a test's ports. EAL must have been started. @return null if there is no memory
[[nodiscard]] inline rte_mempool *make_mbufs() {
    return rte_pktmbuf_pool_create("packets", 2047, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
}

} // namespace netvsc::test
