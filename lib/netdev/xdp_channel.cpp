// SPDX-License-Identifier: BSD-3-Clause
#include "netdev/xdp_channel.hpp"

#include "base/file_descriptor.hpp"

#include <array>
#include <cstddef>
#include <linux/if_xdp.h>
#include <string>
#include <sys/socket.h>
#include <thread>

namespace netvsc {
namespace {

constexpr std::size_t frame = 4096;
constexpr std::chrono::milliseconds poll_interval{1};

template <typename T> bool option(const FileDescriptor &socket, int name, const T &value) {
    return ::setsockopt(socket.get(), SOL_XDP, name, &value, sizeof value) == 0;
}

} // namespace

Result<void> wait_for_xdp_channel(int ifindex, std::uint32_t channel,
                                  std::chrono::milliseconds limit) {
    const std::string what =
        "channel " + std::to_string(channel) + " of netdevice " + std::to_string(ifindex);
    alignas(frame) static std::array<std::byte, frame> memory;
    xdp_umem_reg registration{};
    registration.addr = reinterpret_cast<std::uintptr_t>(memory.data());
    registration.len = memory.size();
    registration.chunk_size = frame;
    constexpr int entries = 1;
    sockaddr_xdp wanted{};
    wanted.sxdp_family = AF_XDP;
    wanted.sxdp_flags = XDP_ZEROCOPY;
    wanted.sxdp_ifindex = static_cast<std::uint32_t>(ifindex);
    wanted.sxdp_queue_id = channel;
    const auto end = std::chrono::steady_clock::now() + limit;
    for (;;) {
        const FileDescriptor socket(::socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0));
        if (!socket.valid() || !option(socket, XDP_UMEM_REG, registration) ||
            !option(socket, XDP_UMEM_FILL_RING, entries) ||
            !option(socket, XDP_UMEM_COMPLETION_RING, entries) ||
            !option(socket, XDP_RX_RING, entries))
            return system_error("AF_XDP socket for " + what);
        if (::bind(socket.get(), reinterpret_cast<const sockaddr *>(&wanted), sizeof wanted) == 0 ||
            errno != EBUSY)
            return {};
        if (std::chrono::steady_clock::now() >= end)
            return failure(EBUSY, what);
        std::this_thread::sleep_for(poll_interval);
    }
}

} // namespace netvsc
