// SPDX-License-Identifier: BSD-3-Clause
#include "device/open_backend.hpp"

#include "backend/features.hpp"
#include "backend/vhost_kernel/vhost_kernel.hpp"
#include "backend/vhost_user/vhost_user.hpp"

#include <sys/stat.h>
#include <utility>

namespace netvsc::virtio {
namespace {

bool is_character_device(const std::string &path) {
    struct stat status{};
    return ::stat(path.c_str(), &status) == 0 && S_ISCHR(status.st_mode);
}

Result<OpenBackend> open_kernel(const Arguments &arguments) {
    if (arguments.server)
        return failure(EINVAL, "server=1 is for a socket, and path=" + arguments.path +
                                   " is a character device");
    if (arguments.path.starts_with("/dev/vhost-vdpa"))
        return failure(ENOTSUP, "path=" + arguments.path + ": vhost-vdpa is not supported");
    auto backend = VhostKernel::open({.path = arguments.path,
                                      .tap = arguments.iface,
                                      .mac = arguments.mac,
                                      .pairs = arguments.queues});
    if (!backend)
        return std::unexpected(backend.error());
    return OpenBackend{.backend = std::move(*backend)};
}

} // namespace

Result<OpenBackend> open_backend(const Arguments &arguments) {
    if (is_character_device(arguments.path))
        return open_kernel(arguments);
    if (!arguments.iface.empty())
        return failure(EINVAL, "iface=" + arguments.iface + " is for path=/dev/vhost-net only");
    auto backend =
        arguments.server ? VhostUser::server(arguments.path) : VhostUser::client(arguments.path);
    if (!backend)
        return std::unexpected(backend.error());
    return OpenBackend{
        .backend = std::move(*backend), .may_leave = true, .emulated = feature::status};
}

std::uint64_t excluded_features(const Arguments &arguments) {
    std::uint64_t excluded = 0;
    if (!arguments.mac)
        excluded |= feature::mac;
    if (!arguments.cq)
        excluded |= feature::need_control_queue;
    // Without mergeable buffers a large segment would need 64 KiB in one buffer (virtio 1.2,
    // 5.1.6.3.1).
    if (!arguments.mrg_rxbuf)
        excluded |= feature::mrg_rxbuf | feature::guest_tso4 | feature::guest_tso6;
    if (!arguments.in_order)
        excluded |= feature::in_order;
    if (!arguments.packed_vq)
        excluded |= feature::ring_packed;
    return excluded;
}

std::uint64_t emulated_features(const Arguments &arguments) {
    std::uint64_t emulated = 0;
    if (arguments.mac)
        emulated |= feature::mac;
    if (arguments.cq)
        emulated |= feature::ctrl_vq | feature::ctrl_rx | feature::ctrl_vlan | feature::mq |
                    feature::ctrl_mac_addr;
    return emulated;
}

} // namespace netvsc::virtio
