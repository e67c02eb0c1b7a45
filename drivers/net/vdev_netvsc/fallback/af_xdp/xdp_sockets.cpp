// SPDX-License-Identifier: BSD-3-Clause
#include "fallback/af_xdp/xdp_sockets.hpp"

#include "base/parse_number.hpp"
#include "dpdk/log.hpp"
#include "fallback/af_xdp/xdp_journal.hpp"
#include "netdev/xdp_channel.hpp"
#include "netlink/xdp_program.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <fcntl.h>
#include <filesystem>
#include <linux/if_link.h>
#include <linux/if_xdp.h>
#include <map>
#include <mutex>
#include <optional>
#include <ranges>
#include <set>
#include <sstream>
#include <string>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include <rte_mbuf.h>
#include <rte_mempool.h>

namespace netvsc {
namespace {

constexpr std::chrono::seconds patience{5};

// In a descriptor's address the upper bits tell where in the mbuf the packet begins.
constexpr std::uint64_t address_bits = (std::uint64_t{1} << XSK_UNALIGNED_BUF_OFFSET_SHIFT) - 1;

bool is_xdp(int descriptor) {
    int domain = 0;
    socklen_t size = sizeof domain;
    return ::getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_XDP;
}

// Those of the whole process, in ascending order.
std::vector<int> open_xdp_sockets() {
    std::vector<int> found;
    std::error_code error;
    for (std::filesystem::directory_iterator entry("/proc/self/fd", error), end;
         !error && entry != end; entry.increment(error)) {
        const auto descriptor = parse_number<int>(entry->path().filename().native());
        if (descriptor && is_xdp(*descriptor))
            found.push_back(*descriptor);
    }
    std::ranges::sort(found);
    return found;
}

// What cannot be had for a moment is asked for once more: a socket or an mbuf that is missed is
// never let go of.
template <typename Ask> auto ask_twice(Ask ask) { return ask().or_else(ask); }

std::optional<ino_t> inode(int descriptor) {
    return ask_twice([&]() -> std::optional<ino_t> {
        struct stat status{};
        if (::fstat(descriptor, &status) != 0)
            return std::nullopt;
        return status.st_ino;
    });
}

/// A mapping of one of a socket's rings.
struct Mapping {
    std::byte *first;
    std::size_t size;
    std::uint64_t ring; ///< XDP_PGOFF_*, XDP_UMEM_PGOFF_*
};

using Mappings = std::multimap<ino_t, Mapping>;

std::optional<std::string> text_of(const FileDescriptor &file) {
    return ask_twice([&]() -> std::optional<std::string> {
        std::string text;
        std::array<char, 4096> part;
        ssize_t size;
        while ((size = ::pread(file.get(), part.data(), part.size(),
                               static_cast<off_t>(text.size()))) > 0)
            text.append(part.data(), static_cast<std::size_t>(size));
        return size == 0 ? std::optional(std::move(text)) : std::nullopt;
    });
}

// Those of all sockets, by the socket's inode. maps: /proc/self/maps, see proc(5).
Mappings mappings_in(const FileDescriptor &maps) {
    Mappings found;
    std::istringstream lines(text_of(maps).value_or(std::string{}));
    for (std::string text; std::getline(lines, text);) {
        std::istringstream line(text);
        void *first = nullptr, *end = nullptr;
        char dash = 0;
        std::string permissions, device, name;
        std::uint64_t ring = 0;
        ino_t socket = 0;
        if (line >> first >> dash >> end >> permissions >> std::hex >> ring >> device >> std::dec >>
                socket >> name &&
            name.starts_with("socket:"))
            found.insert({socket,
                          {.first = static_cast<std::byte *>(first),
                           .size = static_cast<std::size_t>(static_cast<std::byte *>(end) -
                                                            static_cast<std::byte *>(first)),
                           .ring = ring}});
    }
    return found;
}

auto mappings_of(ino_t socket, const Mappings &mappings) {
    const auto [first, end] = mappings.equal_range(socket);
    return std::ranges::subrange(first, end) | std::views::values;
}

template <typename T> T at(const std::byte *address) {
    return *reinterpret_cast<const volatile T *>(address);
}

// Calls see(address) for each entry of a ring that neither side has taken out.
template <typename See>
void each_entry(const Mapping &mapping, const xdp_ring_offset &offsets, std::uint32_t entries,
                std::size_t entry_size, See see) {
    if (offsets.desc + entries * entry_size > mapping.size)
        return;
    const auto produced = at<std::uint32_t>(mapping.first + offsets.producer);
    auto place = at<std::uint32_t>(mapping.first + offsets.consumer);
    if (produced - place > entries)
        return;
    for (; place != produced; ++place)
        see(at<std::uint64_t>(mapping.first + offsets.desc + (place & (entries - 1)) * entry_size));
}

/// The addresses of all mbufs of a pool.
struct Extent {
    std::byte *first = nullptr;
    std::byte *end = nullptr;

    [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(end - first); }
};

// nullopt: it does not lie in one piece, as the PMD wants it to.
std::optional<Extent> extent_of(const rte_mempool &pool) {
    const rte_mempool_memhdr *chunk = STAILQ_FIRST(&pool.mem_list);
    auto *const first = static_cast<std::byte *>(chunk->addr);
    Extent extent{.first = first, .end = first};
    for (; chunk != nullptr; chunk = STAILQ_NEXT(chunk, next)) {
        if (chunk->addr != extent.end)
            return std::nullopt;
        extent.end += chunk->len;
    }
    return extent;
}

/// As long as it lives the pool says that it has as many mbufs as would fill it without a gap.
///
/// DPDK 22.11: the PMD gives the kernel the memory of so many mbufs. But none lies across the end
/// of a page, so the last ones, without hugepages two fifths of all, would be beyond, and what they
/// are used for lost. Nothing else reads the number but what shows it.
class WholePool {
public:
    WholePool(rte_mempool &pool, const Extent &extent) : pool_(pool), size_(pool.populated_size) {
        const std::size_t mbuf = rte_mempool_calc_obj_size(pool.elt_size, pool.flags, nullptr);
        pool.populated_size = std::max(size_, static_cast<std::uint32_t>(extent.size() / mbuf));
    }
    WholePool(const WholePool &) = delete;
    WholePool &operator=(const WholePool &) = delete;
    ~WholePool() { pool_.populated_size = size_; }

private:
    rte_mempool &pool_;
    std::uint32_t size_;
};

std::set<std::uint32_t> programs_at(int ifindex) {
    std::set<std::uint32_t> found;
    for (const XdpProgram &program : xdp_programs(ifindex).value_or(std::vector<XdpProgram>{}))
        found.insert(program.id);
    return found;
}

std::optional<xdp_mmap_offsets> offsets_of(int socket) {
    return ask_twice([&]() -> std::optional<xdp_mmap_offsets> {
        xdp_mmap_offsets offsets{};
        socklen_t size = sizeof offsets;
        if (::getsockopt(socket, SOL_XDP, XDP_MMAP_OFFSETS, &offsets, &size) != 0)
            return std::nullopt;
        return offsets;
    });
}

// The PMD's memory of a socket begins at the page of the pool's, and a frame with the mbuf's
// header in the pool.
void collect_mbufs(int descriptor, ino_t socket, const Mappings &mappings,
                   const XdpSockets::Queue &queue, std::vector<rte_mbuf *> &mbufs) {
    const auto offsets = offsets_of(descriptor);
    const auto extent = extent_of(queue.pool);
    if (!offsets || !extent)
        return;
    const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    const std::size_t before = reinterpret_cast<std::uintptr_t>(extent->first) % page;
    std::byte *const base = extent->first - before;
    const auto take = [&](std::uint64_t address) {
        const std::uint64_t frame = address & address_bits;
        if (frame < before || frame >= before + extent->size())
            return;
        auto *mbuf = reinterpret_cast<rte_mbuf *>(base + frame + queue.pool.header_size);
        if (mbuf->pool == &queue.pool)
            mbufs.push_back(mbuf);
    };
    const auto in_ring = [&](std::uint64_t ring, const xdp_ring_offset &at_offsets,
                             std::size_t entry_size) {
        for (const Mapping &mapping : mappings_of(socket, mappings)) {
            if (mapping.ring != ring || mapping.size <= at_offsets.desc)
                continue;
            // Larger than a page, its size tells how many there are.
            const auto entries = entry_size == sizeof(xdp_desc)
                                     ? std::uint32_t{queue.descriptors}
                                     : std::bit_floor(static_cast<std::uint32_t>(
                                           (mapping.size - at_offsets.desc) / entry_size));
            each_entry(mapping, at_offsets, entries, entry_size, take);
        }
    };
    // In the order in which the kernel moves them: none is missed, though one may be seen twice.
    in_ring(XDP_UMEM_PGOFF_FILL_RING, offsets->fr, sizeof(std::uint64_t));
    in_ring(XDP_PGOFF_RX_RING, offsets->rx, sizeof(xdp_desc));
    in_ring(XDP_PGOFF_TX_RING, offsets->tx, sizeof(xdp_desc));
    in_ring(XDP_UMEM_PGOFF_COMPLETION_RING, offsets->cr, sizeof(std::uint64_t));
}

} // namespace

int XdpSockets::follow(const Queue &queue, const std::function<int()> &set_up) {
    static std::mutex one_at_a_time;
    const std::lock_guard lock(one_at_a_time);
    const auto extent = extent_of(queue.pool);
    if (!extent) {
        log(Message::Level::error, std::string("mbuf pool ") + queue.pool.name +
                                       " does not lie in one piece, as net_af_xdp needs it");
        return -EINVAL;
    }
    // Early: when the sockets are to be released there may be no descriptor left.
    if (!maps_.valid())
        maps_ = FileDescriptor(::open("/proc/self/maps", O_RDONLY | O_CLOEXEC));
    if (!maps_.valid()) {
        const Error failed = system_error("open /proc/self/maps").error();
        log(Message::Level::error, failed.message());
        return -failed.number;
    }
    const std::vector<int> before = open_xdp_sockets();
    const std::set<std::uint32_t> programs = programs_at(ifindex_);
    const int result = [&] {
        const WholePool whole(queue.pool, *extent);
        return set_up();
    }();
    std::ranges::set_difference(programs_at(ifindex_), programs,
                                std::inserter(programs_, programs_.end()));
    if (result == 0 && generic_)
        use_generic_mode();
    std::vector<int> opened;
    std::ranges::set_difference(open_xdp_sockets(), before, std::back_inserter(opened));
    for (const int descriptor : opened) {
        if (const auto known = inode(descriptor))
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
    const Mappings mappings = mappings_in(maps_);
    for (const Socket &socket : sockets_)
        collect_mbufs(socket.descriptor, socket.inode, mappings, socket.queue, mbufs_);
    std::ranges::sort(mbufs_);
    const auto twice = std::ranges::unique(mbufs_);
    mbufs_.erase(twice.begin(), twice.end());
}

// Of several queues the PMD closes the first only: the memory in which it then looks for the others
// has been cleared. A socket lives as long as a ring of its is mapped.
void XdpSockets::release() {
    const std::vector<Socket> sockets = std::exchange(sockets_, {});
    const Mappings mappings = mappings_in(maps_);
    for (const Socket &socket : sockets) {
        for (const Mapping &mapping : mappings_of(socket.inode, mappings))
            ::munmap(mapping.first, mapping.size);
        if (inode(socket.descriptor) == socket.inode)
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
