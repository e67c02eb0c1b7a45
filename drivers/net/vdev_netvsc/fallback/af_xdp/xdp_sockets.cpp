// SPDX-License-Identifier: BSD-3-Clause
#include "fallback/af_xdp/xdp_sockets.hpp"

#include "dpdk/log.hpp"
#include "fallback/af_xdp/mbuf_memory.hpp"
#include "fallback/af_xdp/xdp_journal.hpp"
#include "fallback/af_xdp/xdp_rings.hpp"
#include "netdev/xdp_channel.hpp"
#include "netlink/xdp_program.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <fcntl.h>
#include <iterator>
#include <linux/if_link.h>
#include <mutex>
#include <set>
#include <string>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>

#include <rte_mbuf.h>
#include <rte_mempool.h>

namespace netvsc {
namespace {

constexpr std::chrono::seconds patience{5};

std::set<std::uint32_t> programs_at(int ifindex) {
    std::set<std::uint32_t> found;
    for (const XdpProgram &program : xdp_programs(ifindex).value_or(std::vector<XdpProgram>{}))
        found.insert(program.id);
    return found;
}

} // namespace

int XdpSockets::set_up_queue(const Queue &queue, const std::function<int()> &set_up) {
    static std::mutex one_at_a_time;
    const std::lock_guard lock(one_at_a_time);
    const auto memory = memory_of(queue.pool);
    if (!memory) {
        log(Message::Level::error,
            std::string("mbuf pool ") + queue.pool.name +
                " is not one contiguous piece of memory, as net_af_xdp needs it");
        return -EINVAL;
    }
    // Opened early: the process may have no free descriptor when it releases the sockets.
    if (!maps_.valid()) {
        auto opened = FileDescriptor::open("/proc/self/maps", O_RDONLY);
        if (!opened) {
            log(Message::Level::error, opened.error().message());
            return -opened.error().number;
        }
        maps_ = std::move(*opened);
    }
    const std::vector<int> before = open_xdp_sockets();
    const std::set<std::uint32_t> programs = programs_at(ifindex_);
    const int result = [&] {
        const FullPoolSize full_size(queue.pool, *memory);
        return set_up();
    }();
    std::ranges::set_difference(programs_at(ifindex_), programs,
                                std::inserter(programs_, programs_.end()));
    if (result == 0 && generic_)
        use_generic_mode();
    std::vector<int> opened;
    std::ranges::set_difference(open_xdp_sockets(), before, std::back_inserter(opened));
    for (const int descriptor : opened) {
        if (const auto known = socket_inode(descriptor))
            sockets_.push_back({.descriptor = descriptor, .inode = *known, .queue = queue});
    }
    return result;
}

void XdpSockets::use_generic_mode() const {
    for (const XdpProgram &program : xdp_programs(ifindex_).value_or(std::vector<XdpProgram>{})) {
        if (program.mode == XDP_FLAGS_SKB_MODE || !programs_.contains(program.id))
            continue;
        if (const auto moved = move_xdp_program(ifindex_, program, XDP_FLAGS_SKB_MODE); !moved)
            log(Message::Level::warning,
                moved.error().message() + "; frames of a VF without a PMD are lost");
    }
}

void XdpSockets::collect() {
    const RingMappings mappings = read_ring_mappings(maps_);
    for (const Socket &socket : sockets_)
        collect_mbufs({.descriptor = socket.descriptor,
                       .inode = socket.inode,
                       .rx_entries = socket.queue.descriptors,
                       .pool = socket.queue.pool},
                      mappings, mbufs_);
    std::ranges::sort(mbufs_);
    const auto twice = std::ranges::unique(mbufs_);
    mbufs_.erase(twice.begin(), twice.end());
}

// The PMD closes only the socket of the first queue, because it clears the memory that refers to
// the others. The kernel keeps a socket while one of its rings is mapped.
void XdpSockets::release() {
    const std::vector<Socket> sockets = std::exchange(sockets_, {});
    const RingMappings mappings = read_ring_mappings(maps_);
    for (const Socket &socket : sockets) {
        for (const RingMapping &mapping : mappings_of(socket.inode, mappings))
            ::munmap(mapping.first, mapping.size);
        if (socket_inode(socket.descriptor) == socket.inode)
            ::close(socket.descriptor);
    }
    // libxdp leaves the program attached if it counts a queue that is not closed, or if the program
    // is in another mode by now.
    if (const auto removed = remove_xdp_programs(ifindex_, std::exchange(programs_, {})); !removed)
        log(Message::Level::warning, removed.error().message());
    for (const Socket &socket : sockets) {
        if (const auto free = wait_for_xdp_channel(ifindex_, socket.queue.number, patience); !free)
            log(Message::Level::warning, free.error().message());
    }
    for (rte_mbuf *mbuf : std::exchange(mbufs_, {}))
        rte_pktmbuf_free(mbuf);
}

} // namespace netvsc
