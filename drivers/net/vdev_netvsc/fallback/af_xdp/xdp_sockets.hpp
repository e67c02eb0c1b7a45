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
/// DPDK 22.11: closing the port does not close them, so their channels of the netdevice cannot be
/// had again, and the mbufs that were with the kernel (2048 for each) do not return to their pool.
/// collect() and release() do both. In the threads that may configure the port.
class XdpSockets {
public:
    /// @param ifindex  of the netdevice they are bound to
    /// @param generic  move the XDP program to generic mode: see AfXdpPort
    XdpSockets(int ifindex, bool generic) : ifindex_(ifindex), generic_(generic) {}

    /// The Rx queue that a socket is opened for, which is the netdevice's channel, too.
    struct Queue {
        std::uint16_t number;
        std::uint16_t descriptors;
        rte_mempool &pool; ///< whose mbufs the socket uses; must live until release()
    };

    /// Calls @p set_up, which sets up a queue, and takes note of the socket that it opens.
    /// @return what @p set_up returned
    int follow(const Queue &queue, const std::function<int()> &set_up);

    /// A queue was set up since the last release().
    [[nodiscard]] bool empty() const { return sockets_.empty(); }

    /// The XDP programs that libxdp has attached for them, by the kernel's numbers.
    [[nodiscard]] const std::set<std::uint32_t> &programs() const { return programs_; }

    /// Takes note of the mbufs that are with the kernel. To be called right before the PMD closes
    /// what uses the sockets, and when nobody polls them any more.
    void collect();

    /// To be called when the PMD has closed it, and thus removed the XDP program. Waits until the
    /// kernel has let go of the channels.
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
