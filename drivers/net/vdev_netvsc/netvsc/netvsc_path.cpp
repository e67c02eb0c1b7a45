// SPDX-License-Identifier: BSD-3-Clause
#include "netvsc/netvsc_path.hpp"

#include "core/link.hpp"
#include "dpdk/log.hpp"
#include "netvsc/prerequisites.hpp"
#include "netvsc/vmbus_port.hpp"
#include "sysfs/attribute.hpp"

#include <algorithm>
#include <fcntl.h>
#include <filesystem>
#include <optional>
#include <utility>

#include <rte_eal.h>

namespace netvsc {
namespace {

using Level = Message::Level;

constexpr std::string_view entry_prefix = "netvsc-";

std::string entry_name(const VmbusNic &nic) { return std::string(entry_prefix) + nic.guid(); }

bool has_mac(const std::string &netdevice, const MacAddress &mac) {
    const auto text = read_attribute(AT_FDCWD, "/sys/class/net/" + netdevice + "/address");
    return text && MacAddress::parse(*text) == mac;
}

// The netdevice that the arguments name. A VF has its NetVSC's address, so a NIC of the VMBus wins.
std::optional<std::string> find_netdevice(const Arguments &arguments) {
    std::error_code error;
    if (!arguments.interfaces.empty()) {
        const std::string &name = arguments.interfaces.front();
        return std::filesystem::exists("/sys/class/net/" + name, error) ? std::optional(name)
                                                                        : std::nullopt;
    }
    std::optional<std::string> found;
    for (const auto &entry : std::filesystem::directory_iterator("/sys/class/net", error)) {
        const std::string name = entry.path().filename().string();
        if (has_mac(name, arguments.macs.front()) && (!found || VmbusNic::of_netdevice(name)))
            found = name;
    }
    return found;
}

std::string argument_of(const Arguments &arguments) {
    return arguments.interfaces.empty() ? "mac=" + arguments.macs.front().to_string()
                                        : "iface=" + arguments.interfaces.front();
}

} // namespace

NetvscPath &NetvscPath::get() {
    static auto *path = new NetvscPath;
    return *path;
}

bool NetvscPath::started(const std::string &instance) {
    const MutexLock lock(mutex_);
    const auto found = instances_.find(instance);
    return found != instances_.end() && VmbusPort::started(found->second.nic.guid());
}

// The instance that has taken the NIC, whose netdevice does not exist now.
std::string NetvscPath::owner_of(const Arguments &arguments) {
    const auto same = [&](const auto &entry) {
        const SavedNetdevice &saved = entry.second.saved;
        return std::ranges::find(arguments.interfaces, saved.name) != arguments.interfaces.end() ||
               std::ranges::find(arguments.macs, saved.mac) != arguments.macs.end();
    };
    const auto owner = std::ranges::find_if(instances_, same);
    return owner != instances_.end() ? owner->first : "";
}

std::expected<NetvscPath::Taken, std::string>
NetvscPath::choose(const Arguments &arguments,
                   const std::function<std::string(const std::string &)> &user_of) {
    const std::string argument = argument_of(arguments);
    const auto refused = [&](const std::string &reason) {
        return std::unexpected("path=netvsc," + argument + ": " + reason);
    };
    PathFacts facts{.vmbus = VmbusPort::supported(),
                    .hugepages = rte_eal_has_hugepages() != 0,
                    .physical_addresses = rte_eal_iova_mode() == RTE_IOVA_PA,
                    .uio_driver = VmbusNic::uio_driver_loaded(),
                    .kernel_driver = "",
                    .used_by = owner_of(arguments)};
    const auto name = find_netdevice(arguments);
    if (!name && facts.used_by.empty())
        return refused("no such netdevice: expected one of hv_netvsc that exists");
    const auto nic = name ? VmbusNic::of_netdevice(*name) : std::nullopt;
    if (nic)
        facts.kernel_driver = nic->kernel_driver();
    if (name && facts.used_by.empty())
        facts.used_by = user_of(*name);
    if (const auto missing = missing_for_path(facts))
        return refused(*missing);
    auto saved = nic->save();
    if (!saved)
        return refused(saved.error().message());
    if (!safe_in_devargs(saved->name))
        return refused(unsafe_in_devargs(saved->name));
    return Taken{.nic = *nic, .saved = std::move(*saved)};
}

std::expected<void, std::string> NetvscPath::take(const std::string &instance, const Taken &taken) {
    // Without the record, a killed process would cost the machine its netdevice.
    if (const auto noted = journal_.record(entry_name(taken.nic), taken.saved.to_string()); !noted)
        return std::unexpected(noted.error().message());
    auto done = taken.nic.take();
    if (done)
        done = VmbusPort::probe(taken.nic.guid());
    if (done)
        return {};
    restore(instance, taken);
    return std::unexpected(taken.saved.name + ": " + done.error().message());
}

std::expected<void, std::string>
NetvscPath::add(const std::string &instance, const Arguments &arguments,
                const std::function<std::string(const std::string &)> &user_of) {
    const MutexLock lock(mutex_);
    auto chosen = choose(arguments, user_of);
    if (!chosen)
        return std::unexpected(std::move(chosen.error()));
    if (!chosen->saved.addresses.empty())
        log(Level::warning, instance + ": " + chosen->saved.name + " has the IP address " +
                                text_of(chosen->saved.addresses.front()) +
                                "; the machine is not reachable by it until the instance ends");
    if (auto taken = take(instance, *chosen); !taken)
        return taken;
    log(Level::notice, instance + ": path netvsc: " + chosen->saved.name + " is port " +
                           chosen->nic.guid() +
                           " of net_netvsc; its netdevice returns when the "
                           "instance ends");
    instances_.emplace(instance, std::move(*chosen));
    return {};
}

void NetvscPath::restore(const std::string &who, const Taken &taken) {
    VmbusPort::close(taken.nic.guid());
    if (taken.nic.exists()) {
        if (const auto restored = taken.nic.restore(taken.saved); !restored) {
            log(Level::error, who + ": " + taken.saved.name + " not restored: " +
                                  restored.error().message() + "; the next instance retries");
            journal_.release(entry_name(taken.nic));
            return;
        }
        log(Level::notice, who + ": " + taken.saved.name + " restored to hv_netvsc");
    }
    journal_.erase(entry_name(taken.nic));
}

void NetvscPath::remove(const std::string &instance) {
    const MutexLock lock(mutex_);
    const auto found = instances_.find(instance);
    if (found == instances_.end())
        return;
    restore(instance, found->second);
    instances_.erase(found);
}

// EAL probes what is bound to uio_hv_generic at its start. Closes that port first.
void NetvscPath::restore_abandoned() {
    const MutexLock lock(mutex_);
    for (const std::string &name : journal_.names()) {
        const auto text = name.starts_with(entry_prefix) ? journal_.claim(name) : std::nullopt;
        if (!text)
            continue;
        const VmbusNic nic(name.substr(entry_prefix.size()));
        const auto saved = SavedNetdevice::parse(*text);
        if (!saved || !nic.exists())
            journal_.erase(name);
        else if (VmbusPort::started(nic.guid()))
            journal_.release(name); // the application uses it as it is
        else
            restore("left by a process that ended", {.nic = nic, .saved = *saved});
    }
}

} // namespace netvsc
