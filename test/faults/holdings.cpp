// SPDX-License-Identifier: BSD-3-Clause
#include "holdings.hpp"

#include "netlink/netlink_socket.hpp"

#include <array>
#include <filesystem>
#include <fstream>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>

#include <libmnl/libmnl.h>
#include <rte_dev.h>
#include <rte_ethdev.h>

namespace netvsc::test {
namespace {

namespace fs = std::filesystem;

void add_descriptors(Holdings &held) {
    std::error_code gone; // the directory's own
    for (const auto &entry : fs::directory_iterator("/proc/self/fd")) {
        std::string target = fs::read_symlink(entry.path(), gone);
        // net_af_xdp and libxdp (DPDK 22.11) leave some with each configuration.
        if (gone || target.starts_with("anon_inode:bpf-"))
            continue;
        // socket:[4711], /dev/shm/#42 (deleted)
        target.resize(std::min(target.size(), target.find_first_of("[#")));
        ++held["descriptor of " + target];
    }
}

void add_netdevices(Holdings &held) {
    struct if_nameindex *all = ::if_nameindex();
    for (const auto *one = all; one != nullptr && one->if_index != 0; ++one)
        ++held["netdevice " + std::string(one->if_name)];
    ::if_freenameindex(all);
}

int take_kind(const nlattr *attribute, void *kind) {
    if (mnl_attr_get_type(attribute) == TCA_KIND)
        *static_cast<std::string *>(kind) = mnl_attr_get_str(attribute);
    return MNL_CB_OK;
}

int add_qdisc(const nlmsghdr *message, void *held) {
    const auto *about = static_cast<const tcmsg *>(mnl_nlmsg_get_payload(message));
    std::array<char, IF_NAMESIZE> name{};
    ::if_indextoname(static_cast<unsigned>(about->tcm_ifindex), name.data());
    std::string kind;
    mnl_attr_parse(message, sizeof *about, take_kind, &kind);
    // The kernel's default for a netdevice that is up, as hv_netvsc's VF is a moment later.
    if (kind != "fq_codel")
        ++(*static_cast<Holdings *>(held))["qdisc " + kind + " of " + name.data()];
    return MNL_CB_OK;
}

void add_qdiscs(Holdings &held) {
    const auto socket = NetlinkSocket::open(NETLINK_ROUTE, 0, 1 << 20);
    if (!socket)
        return;
    std::array<std::byte, 64> room{};
    nlmsghdr *request = mnl_nlmsg_put_header(room.data());
    request->nlmsg_type = RTM_GETQDISC;
    request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    mnl_nlmsg_put_extra_header(request, sizeof(tcmsg));
    if (!socket->send(std::span(room).first(request->nlmsg_len)))
        return;
    std::array<std::byte, 32768> buffer{};
    for (int result = MNL_CB_OK; result > MNL_CB_STOP;) {
        pollfd waited{.fd = socket->fd(), .events = POLLIN, .revents = 0};
        ::poll(&waited, 1, 1000);
        const auto answer = socket->receive(buffer);
        if (!answer || answer->kind != NetlinkSocket::Datagram::complete)
            return;
        result = mnl_cb_run(answer->bytes.data(), answer->bytes.size(), 0, socket->port_id(),
                            add_qdisc, &held);
    }
}

void add_vf(Holdings &held, const std::string &folder) {
    std::error_code none;
    const auto driver = fs::read_symlink(folder + "/driver", none).filename().string();
    std::string override_text;
    std::ifstream file(folder + "/driver_override");
    std::getline(file, override_text);
    ++held["VF with driver " + driver + ", override " + override_text];
}

} // namespace

Holdings holdings(const PciAddress &vf) {
    Holdings held;
    add_descriptors(held);
    add_netdevices(held);
    add_qdiscs(held);
    add_vf(held, "/sys/bus/pci/devices/" + vf.to_string());
    for (const auto &entry : fs::directory_iterator("/dev/shm"))
        ++held["shared memory " + entry.path().filename().string()];
    for (std::uint16_t port = 0; port < RTE_MAX_ETHPORTS; ++port) {
        if (rte_eth_dev_is_valid_port(port) != 0)
            ++held["port"];
    }
    rte_dev_iterator iterator;
    const rte_device *device = nullptr;
    RTE_DEV_FOREACH(device, "bus=vdev", &iterator) {
        // Each life's port has another number. fail-safe itself makes net_tap, and leaves it there
        // where this machine cannot have one.
        const std::string_view name = rte_dev_name(device);
        if (!name.starts_with("net_tap"))
            ++held["vdev " + std::string(name.substr(0, name.find_last_not_of("0123456789") + 1))];
    }
    return held;
}

std::string difference(const Holdings &before, const Holdings &after) {
    Holdings change = after;
    for (const auto &[name, count] : before)
        change[name] -= count;
    std::string text;
    for (const auto &[name, count] : change) {
        if (count != 0)
            text += (text.empty() ? "" : ", ") + std::string(count > 0 ? "+" : "") +
                    std::to_string(count) + " " + name;
    }
    return text;
}

} // namespace netvsc::test
