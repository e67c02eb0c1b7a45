// SPDX-License-Identifier: BSD-3-Clause
#include "fallback/fallback_probe.hpp"

#include "base/file_descriptor.hpp"
#include "netdev/netdevice_control.hpp"
#include "netdev/tap_device.hpp"
#include "netlink/traffic_control.hpp"
#include "netlink/xdp_program.hpp"

#include <fcntl.h>
#include <initializer_list>
#include <linux/bpf.h>
#include <string>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <system_error>
#include <unistd.h>

#include <bus_driver.h>

namespace netvsc {
namespace {

std::string reason(int error) { return " (" + std::generic_category().message(error) + ")"; }

// The vdev bus finds a driver by the device's name.
bool has_driver(Fallback kind) {
    const rte_bus *bus = rte_bus_find_by_name("vdev");
    return bus != nullptr && bus->parse != nullptr &&
           bus->parse(fallback_device_name(kind, 0).c_str(), nullptr) == 0;
}

void need_xdp_socket(MissingParts &missing) {
    if (!FileDescriptor(::socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0)).valid())
        missing.push_back("AF_XDP sockets" + reason(errno));
}

// Each fallback except tap sets its netdevice by NetdeviceControl.
void need_control(int ifindex, MissingParts &missing) {
    const auto netdevice = NetdeviceControl::open(ifindex);
    const auto may = netdevice ? netdevice->check_permission() : std::unexpected(netdevice.error());
    if (!may)
        missing.push_back("permission to configure the netdevice (" + may.error().message() + ")");
}

void need_file(const char *path, const char *module, MissingParts &missing) {
    if (const auto file = FileDescriptor::open(path, O_RDWR); !file)
        missing.push_back(std::string(path) + " of the kernel module " + module +
                          reason(file.error().number));
}

// The XDP program finds the AF_XDP sockets in a map of this type.
void need_socket_map(MissingParts &missing) {
    bpf_attr wanted{};
    wanted.map_type = BPF_MAP_TYPE_XSKMAP;
    wanted.key_size = sizeof(int);
    wanted.value_size = sizeof(int);
    wanted.max_entries = 1;
    if (!FileDescriptor(
             static_cast<int>(::syscall(SYS_bpf, BPF_MAP_CREATE, &wanted, sizeof wanted)))
             .valid())
        missing.push_back("permission to load XDP programs, or the kernel's support for them" +
                          reason(errno));
    // libxdp looks its program up by the id, which needs the capability. No program has the id 0.
    bpf_attr program{};
    if (::syscall(SYS_bpf, BPF_PROG_GET_FD_BY_ID, &program, sizeof program) < 0 && errno == EPERM)
        missing.emplace_back("CAP_SYS_ADMIN, for libxdp");
}

// libxdp can add its program to another's, but the PMD detaches all programs when its port is
// closed.
void need_no_program(int ifindex, const std::string &name, MissingParts &missing) {
    const auto programs = xdp_programs(ifindex);
    if (!programs)
        missing.push_back("the netdevice's XDP programs (" + programs.error().message() + ")");
    else if (!programs->empty())
        missing.push_back("a netdevice without XDP programs (id " +
                          std::to_string(programs->front().id) + " is attached; ip link set dev " +
                          name + " xdp off)");
}

struct Needed {
    std::initializer_list<const char *> disciplines;
    const char *classifier;
    std::initializer_list<const char *> actions;
};

// Creates a temporary tap device and requests each part there. This proves that the kernel has the
// part, or can load its module.
void need_redirection(const Needed &needed, MissingParts &missing) {
    const auto tap = TapDevice::create();
    if (!tap) {
        missing.push_back("tap devices of the kernel module tun (" + tap.error().message() + ")");
        return;
    }
    const auto control = TrafficControl::open();
    if (!control) {
        missing.push_back("the kernel's traffic control (" + control.error().message() + ")");
        return;
    }
    bool permitted = true;
    const auto need = [&](const Result<bool> &found, const std::string &module) {
        if (found && !*found)
            missing.push_back("kernel module " + module);
        if (!found && permitted)
            missing.push_back("permission to use the kernel's traffic control" +
                              reason(found.error().number));
        permitted = permitted && found.has_value();
        return found.value_or(false);
    };
    for (const char *kind : needed.disciplines)
        need(control->has_discipline(tap->ifindex(), kind), std::string("sch_") + kind);
    // A filter belongs to a queueing discipline; clsact is part of sch_ingress.
    if (!need(control->has_discipline(tap->ifindex(), "clsact"), "sch_ingress") ||
        !need(control->has_classifier(tap->ifindex(), needed.classifier),
              std::string("cls_") + needed.classifier))
        return;
    for (const char *kind : needed.actions)
        need(control->has_action(tap->ifindex(), needed.classifier, kind),
             std::string("act_") + kind);
}

} // namespace

MissingParts find_missing_parts(Fallback kind, int ifindex, const std::string &name) {
    MissingParts missing;
    if (!has_driver(kind))
        missing.push_back("DPDK's driver net_" + std::string(name_of(kind)));
    switch (kind) {
    case Fallback::tap:
        need_redirection({.disciplines = {"multiq"},
                          .classifier = "flower",
                          .actions = {"mirred", "gact", "skbedit"}},
                         missing);
        break;
    case Fallback::af_packet:
        need_control(ifindex, missing);
        break;
    case Fallback::af_xdp:
        need_control(ifindex, missing);
        need_xdp_socket(missing);
        need_socket_map(missing);
        need_no_program(ifindex, name, missing);
        break;
    case Fallback::virtio_user:
        need_control(ifindex, missing);
        need_file("/dev/vhost-net", "vhost_net", missing);
        need_redirection(
            {.disciplines = {}, .classifier = "matchall", .actions = {"mirred", "skbedit"}},
            missing);
        break;
    }
    return missing;
}

} // namespace netvsc
