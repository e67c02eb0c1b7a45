// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/file_descriptor.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <ranges>
#include <sys/types.h>
#include <vector>

struct rte_mbuf;
struct rte_mempool;

// The AF_XDP sockets of this process and the mbufs in their rings, as the kernel shows them.
// net_af_xdp does not publish what it knows of them.
namespace netvsc {

/// The descriptors of all AF_XDP sockets of this process, in ascending order.
[[nodiscard]] std::vector<int> open_xdp_sockets();

/// The inode of a socket, which identifies it in the list of mappings.
[[nodiscard]] std::optional<ino_t> socket_inode(int descriptor);

/// A mapping of one of a socket's rings.
struct RingMapping {
    std::byte *first;
    std::size_t size;
    std::uint64_t ring; ///< XDP_PGOFF_*, XDP_UMEM_PGOFF_*
};

/// By the socket's inode.
using RingMappings = std::multimap<ino_t, RingMapping>;

/// The mappings of all sockets of this process.
/// @param maps  /proc/self/maps (proc(5))
[[nodiscard]] RingMappings read_ring_mappings(const FileDescriptor &maps);

/// The mappings of one socket.
[[nodiscard]] inline auto mappings_of(ino_t socket, const RingMappings &mappings) {
    const auto [first, end] = mappings.equal_range(socket);
    return std::ranges::subrange(first, end) | std::views::values;
}

/// A socket of net_af_xdp.
struct XdpSocket {
    int descriptor;
    ino_t inode;
    std::uint32_t rx_entries; ///< of its Rx ring and its Tx ring
    rte_mempool &pool;        ///< of its mbufs
};

/// Appends the mbufs in the socket's rings to @p mbufs. No thread may poll the socket. Misses no
/// mbuf, but may append one twice, because the kernel may move it to another ring meanwhile.
void collect_mbufs(const XdpSocket &socket, const RingMappings &mappings,
                   std::vector<rte_mbuf *> &mbufs);

} // namespace netvsc
