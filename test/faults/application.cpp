// SPDX-License-Identifier: BSD-3-Clause
#include "application.hpp"

#include "common/wait_for.hpp"
#include "keepalive/keepalive_reader.hpp"

#include <array>
#include <filesystem>
#include <fstream>
#include <net/if.h>
#include <stdexcept>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <thread>
#include <utility>

#include <rte_dev.h>
#include <rte_ethdev.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_pmd_vdev_netvsc.h>

namespace netvsc::test {
namespace {

constexpr const char *instance = "net_vdev_netvsc0";
constexpr const char *area = "/netvsc_faults";
constexpr std::uint16_t descriptors = 256;
constexpr int ring_size = 1024; // EventBus::default_capacity

void write_file(const std::string &path) {
    if (!(std::ofstream(path) << "1" << std::flush))
        throw std::runtime_error(path + " cannot be written to");
}

std::optional<rte_pmd_vdev_netvsc_port_info> info_of(std::optional<std::uint16_t> port) {
    rte_pmd_vdev_netvsc_port_info info{};
    if (!port || rte_pmd_vdev_netvsc_port_info_get(*port, &info) != 0)
        return std::nullopt;
    return info;
}

void set_up(const std::string &netdevice, bool up) {
    const FileDescriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request{};
    netdevice.copy(request.ifr_name, sizeof request.ifr_name - 1);
    if (::ioctl(socket.get(), SIOCGIFFLAGS, &request) != 0)
        throw std::runtime_error("no netdevice " + netdevice);
    request.ifr_flags =
        static_cast<short>(up ? request.ifr_flags | IFF_UP : request.ifr_flags & ~IFF_UP);
    ::ioctl(socket.get(), SIOCSIFFLAGS, &request);
}

} // namespace

Application::Application(Setup setup)
    : setup_(std::move(setup)), worker_(rte_get_next_lcore(-1U, 1, 0)),
      mbufs_(rte_pktmbuf_pool_create("mbufs", 4095, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
                                     static_cast<int>(rte_socket_id()))) {
    if (mbufs_ == nullptr || worker_ == RTE_MAX_LCORE)
        throw std::runtime_error("two lcores and memory for 4095 mbufs are needed");
    rte_eal_remote_launch(work, this, worker_);
    auto telemetry = connect_application(dpdk_runtime_folder(), setup_.file_prefix,
                                         std::chrono::steady_clock::now() + 10s);
    if (!telemetry)
        throw std::runtime_error("telemetry: " + telemetry.error().message());
    telemetry_.emplace(std::move(*telemetry));
}

int Application::work(void *self) {
    auto &application = *static_cast<Application *>(self);
    std::array<rte_mbuf *, 32> packets;
    for (;;) {
        const int port = application.polled_;
        application.polling_ = port;
        if (port < 0) {
            std::this_thread::sleep_for(1ms);
            continue;
        }
        for (std::uint16_t queue = 0; queue < application.queues_; ++queue) {
            const auto count = rte_eth_rx_burst(static_cast<std::uint16_t>(port), queue,
                                                packets.data(), packets.size());
            rte_pktmbuf_free_bulk(packets.data(), count);
        }
        std::this_thread::sleep_for(100us); // the processors are emulated, and few
    }
}

int Application::add_driver(const std::string &arguments, std::chrono::milliseconds keepalive) {
    // AF_XDP takes a channel for each, and the lab's netdevice has one.
    queues_ = arguments.contains("fallback=af_xdp") ? 1 : 2;
    const std::string all = "iface=" + setup_.netdevice +
                            ",hotplug_poll=20,keepalive=" + std::to_string(keepalive.count()) +
                            ",keepalive_shm=" + area + ",keepalive_group=root," + arguments;
    const int result = rte_eal_hotplug_add("vdev", instance, all.c_str());
    added_ = result == 0;
    return result;
}

void Application::remove_driver() {
    hang();
    port_ = -1;
    added_ = false;
    (void)rte_eal_hotplug_remove("vdev", instance);
}

std::optional<std::uint16_t> Application::port() const {
    std::uint16_t port = 0;
    return rte_pmd_vdev_netvsc_ports(&port, 1) > 0 ? std::optional(port) : std::nullopt;
}

bool Application::start_port() {
    const auto found = port();
    if (!found)
        return false;
    const rte_eth_conf configuration{};
    const int socket = rte_eth_dev_socket_id(*found);
    const auto id = static_cast<unsigned>(socket < 0 ? 0 : socket);
    if (rte_eth_dev_configure(*found, queues_, queues_, &configuration) != 0)
        return false;
    for (std::uint16_t queue = 0; queue < queues_; ++queue) {
        if (rte_eth_rx_queue_setup(*found, queue, descriptors, id, nullptr, mbufs_) != 0 ||
            rte_eth_tx_queue_setup(*found, queue, descriptors, id, nullptr) != 0)
            return false;
    }
    if (rte_eth_dev_start(*found) != 0)
        return false;
    port_ = *found;
    resume();
    return true;
}

bool Application::change_port() {
    const auto port = static_cast<std::uint16_t>(port_);
    std::array<rte_ether_addr, 2> groups{{{{0x01, 0, 0x5e, 0, 0, 1}}, {{0x01, 0, 0x5e, 0, 0, 2}}}};
    rte_ether_addr address{};
    std::uint16_t mtu = 0;
    // All of them, whatever becomes of any.
    bool changed = rte_eth_dev_get_mtu(port, &mtu) == 0 && rte_eth_macaddr_get(port, &address) == 0;
    for (const int result :
         {rte_eth_promiscuous_enable(port), rte_eth_promiscuous_disable(port),
          rte_eth_allmulticast_enable(port), rte_eth_allmulticast_disable(port),
          rte_eth_dev_set_mc_addr_list(port, groups.data(), groups.size()),
          rte_eth_dev_set_mc_addr_list(port, nullptr, 0), rte_eth_dev_set_mtu(port, mtu),
          rte_eth_dev_default_mac_addr_set(port, &address)})
        changed &= result == 0;
    return changed;
}

bool Application::vf_attached() const {
    const auto info = info_of(port());
    return info && info->vf_state == RTE_PMD_VDEV_NETVSC_VF_ATTACHED;
}

bool Application::vf_absent() const {
    const auto info = info_of(port());
    return info && info->vf_state == RTE_PMD_VDEV_NETVSC_VF_ABSENT;
}

void Application::bring_vf() const {
    if (!vf_there())
        write_file("/sys/bus/pci/rescan");
}

void Application::take_vf() const {
    if (vf_there())
        write_file("/sys/bus/pci/devices/" + setup_.vf.to_string() + "/remove");
}

bool Application::vf_there() const {
    return std::filesystem::exists("/sys/bus/pci/devices/" + setup_.vf.to_string());
}

void Application::touch_netdevice() const {
    set_up(setup_.netdevice, false);
    set_up(setup_.netdevice, true);
}

void Application::hang() {
    polled_ = -1;
    while (polling_ != -1)
        std::this_thread::sleep_for(1ms);
}

void Application::resume() { polled_ = port_; }

std::optional<LcoreState> Application::worker_state() const {
    const auto reader = KeepaliveReader::open({.name = area, .owner = {}});
    const auto seen = reader ? reader->read() : std::unexpected(reader.error());
    if (!seen || worker_ >= seen->states.size())
        return {};
    return seen->states[worker_];
}

bool Application::worker_alive() const { return worker_state() == LcoreState::alive; }

bool Application::worker_dead() const {
    const auto state = worker_state();
    return state == LcoreState::dead || state == LcoreState::gone;
}

void Application::fill_event_ring() {
    if (add_driver("", 1ms) != 0 || !wait_for([&] { return start_port(); }))
        throw std::runtime_error("the port does not start");
    // Each time the lcore is missing, dead, and alive.
    for (int told = 0; told < ring_size; told += 3) {
        hang();
        (void)wait_for([&] { return worker_dead(); });
        resume();
        (void)wait_for([&] { return worker_alive(); });
    }
    remove_driver();
}

bool Application::ask_telemetry() {
    const std::string id = std::to_string(port().value_or(0));
    bool answered = true;
    for (const std::string &command :
         {std::string("/vdev_netvsc/list"), "/vdev_netvsc/info," + id, "/vdev_netvsc/stats," + id,
          std::string("/vdev_netvsc/events"), std::string("/vdev_netvsc/keepalive")}) {
        const auto answer = telemetry_->query(command, std::chrono::steady_clock::now() + 5s);
        answered &= answer && !answer->is_null();
    }
    return answered;
}

} // namespace netvsc::test
