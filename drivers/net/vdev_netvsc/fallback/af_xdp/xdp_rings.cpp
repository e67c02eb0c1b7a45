// SPDX-License-Identifier: BSD-3-Clause
#include "fallback/af_xdp/xdp_rings.hpp"

#include "base/parse_number.hpp"
#include "fallback/af_xdp/mbuf_memory.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <filesystem>
#include <linux/if_xdp.h>
#include <sstream>
#include <string>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include <rte_mbuf.h>

namespace netvsc {
namespace {

// The upper bits of a descriptor's address are the packet's offset in the mbuf.
constexpr std::uint64_t address_bits = (std::uint64_t{1} << XSK_UNALIGNED_BUF_OFFSET_SHIFT) - 1;

bool is_xdp(int descriptor) {
    int domain = 0;
    socklen_t size = sizeof domain;
    return ::getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_XDP;
}

// Tries again once after a failure: a socket or an mbuf that is missed is never released.
template <typename Call> auto try_twice(Call call) { return call().or_else(call); }

// Reads the whole file.
std::optional<std::string> text_of(const FileDescriptor &file) {
    return try_twice([&]() -> std::optional<std::string> {
        std::string text;
        std::array<char, 4096> part;
        for (;;) {
            const auto size = file.read_at(part, static_cast<off_t>(text.size()), "maps");
            if (!size)
                return std::nullopt;
            if (*size == 0)
                return text;
            text.append(part.data(), *size);
        }
    });
}

template <typename T> T at(const std::byte *address) {
    return *reinterpret_cast<const volatile T *>(address);
}

// Calls see(address) for each entry of a ring that is produced and not consumed.
template <typename See>
void each_entry(const RingMapping &mapping, const xdp_ring_offset &offsets, std::uint32_t entries,
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

std::optional<xdp_mmap_offsets> offsets_of(int socket) {
    return try_twice([&]() -> std::optional<xdp_mmap_offsets> {
        xdp_mmap_offsets offsets{};
        socklen_t size = sizeof offsets;
        if (::getsockopt(socket, SOL_XDP, XDP_MMAP_OFFSETS, &offsets, &size) != 0)
            return std::nullopt;
        return offsets;
    });
}

} // namespace

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

std::optional<ino_t> socket_inode(int descriptor) {
    return try_twice([&]() -> std::optional<ino_t> {
        struct stat status{};
        if (::fstat(descriptor, &status) != 0)
            return std::nullopt;
        return status.st_ino;
    });
}

RingMappings read_ring_mappings(const FileDescriptor &maps) {
    RingMappings found;
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

void collect_mbufs(const XdpSocket &socket, const RingMappings &mappings,
                   std::vector<rte_mbuf *> &mbufs) {
    const auto offsets = offsets_of(socket.descriptor);
    const auto memory = memory_of(socket.pool);
    if (!offsets || !memory)
        return;
    // The PMD's memory of a socket starts at the page in which the pool's memory starts. A frame
    // starts at its mbuf's header in the pool.
    const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    const std::size_t before = reinterpret_cast<std::uintptr_t>(memory->first) % page;
    std::byte *const base = memory->first - before;
    const auto take = [&](std::uint64_t address) {
        const std::uint64_t frame = address & address_bits;
        if (frame < before || frame >= before + memory->size())
            return;
        auto *mbuf = reinterpret_cast<rte_mbuf *>(base + frame + socket.pool.header_size);
        if (mbuf->pool == &socket.pool)
            mbufs.push_back(mbuf);
    };
    const auto in_ring = [&](std::uint64_t ring, const xdp_ring_offset &at_offsets,
                             std::size_t entry_size) {
        for (const RingMapping &mapping : mappings_of(socket.inode, mappings)) {
            if (mapping.ring != ring || mapping.size <= at_offsets.desc)
                continue;
            // The Rx and Tx rings may be smaller than a page. The size of the mapping gives the
            // number of entries of the others.
            const auto entries = entry_size == sizeof(xdp_desc)
                                     ? socket.rx_entries
                                     : std::bit_floor(static_cast<std::uint32_t>(
                                           (mapping.size - at_offsets.desc) / entry_size));
            each_entry(mapping, at_offsets, entries, entry_size, take);
        }
    };
    // In the order in which the kernel moves mbufs, so none is missed.
    in_ring(XDP_UMEM_PGOFF_FILL_RING, offsets->fr, sizeof(std::uint64_t));
    in_ring(XDP_PGOFF_RX_RING, offsets->rx, sizeof(xdp_desc));
    in_ring(XDP_PGOFF_TX_RING, offsets->tx, sizeof(xdp_desc));
    in_ring(XDP_UMEM_PGOFF_COMPLETION_RING, offsets->cr, sizeof(std::uint64_t));
}

} // namespace netvsc
