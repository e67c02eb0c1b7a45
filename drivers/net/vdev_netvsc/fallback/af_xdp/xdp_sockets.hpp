// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/file_descriptor.hpp"

#include <cstdint>
#include <functional>
#include <set>
#include <sys/types.h>
#include <vector>

struct rte_mbuf;
struct rte_mempool;

namespace netvsc {

/// The AF_XDP sockets that net_af_xdp opens for a port, one for each Rx queue.
///
/// Work-around for a bug of net_af_xdp in DPDK 22.11: closing the port does not close the sockets.
/// Their channels of the netdevice stay in use, and the mbufs in their rings (2048 for each socket)
/// do not return to their pool. collect() and release() do both. Test: test_fallback.py.
///
/// Only the threads that may configure the port use it.
class XdpSockets {
public:
    /// @param ifindex  of the netdevice to which the sockets are bound
    /// @param generic  move the XDP program to generic mode: see AfXdpPort
    XdpSockets(int ifindex, bool generic) : ifindex_(ifindex), generic_(generic) {}

    /// The Rx queue of a socket.
    struct Queue {
        std::uint16_t number; ///< and the netdevice's channel
        std::uint16_t descriptors;
        rte_mempool &pool; ///< whose mbufs the socket uses; must live until release()
    };

    /// Calls @p set_up, which sets up a queue, and records the socket and the XDP program that are
    /// new after that.
    /// @return the result of @p set_up; a negative errno if the driver could not record its socket
    int set_up_queue(const Queue &queue, const std::function<int()> &set_up);

    /// No queue was set up since the last release().
    [[nodiscard]] bool empty() const { return sockets_.empty(); }

    /// The ids of the XDP programs that libxdp has attached for the sockets.
    [[nodiscard]] const std::set<std::uint32_t> &programs() const { return programs_; }

    /// Records the mbufs in the sockets' rings. To be called directly before the PMD closes its
    /// port, when no thread polls the sockets.
    void collect();

    /// Closes the sockets, frees the recorded mbufs, and waits until the kernel releases the
    /// channels. To be called after the PMD has closed its port, which detaches the XDP program.
    void release();

private:
    struct Socket {
        int descriptor; ///< the PMD's
        ino_t inode;
        Queue queue;
    };

    void use_generic_mode() const;

    int ifindex_;
    bool generic_;
    FileDescriptor maps_; ///< /proc/self/maps
    std::vector<Socket> sockets_;
    std::vector<rte_mbuf *> mbufs_;
    std::set<std::uint32_t> programs_;
};

} // namespace netvsc
