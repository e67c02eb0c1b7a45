// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "commands.hpp"
#include "common/message_matcher.hpp"
#include "core/supervisor.hpp"
#include "netdevices.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <ranges>
#include <sstream>

namespace netvsc {

using namespace std::chrono_literals;
using test::ethernet;
using test::ipv4;
using test::is_message;
using test::mac;
using test::software;
using test::vf;
using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::UnorderedElementsAre;

using Level = Message::Level;

inline constexpr auto pci1 = "0000:03:00.0";
inline constexpr auto pci2 = "0000:04:00.0";

// Not `using`: within namespace netvsc the name would mean the namespace.
inline Link netvsc_link(std::string name, int ifindex, MacAddress address) {
    return test::netvsc(std::move(name), ifindex, address);
}

/// Passes inputs to a Supervisor, in the words of a scenario. Each call returns the resulting
/// commands as text (see commands.hpp). Messages and reports are gathered.
class SupervisorTest : public testing::Test {
protected:
    using Texts = std::vector<std::string>;

    // ---- The user.

    /// @param arguments  as on the command line: "iface=eth1,force=1"
    Texts instance(InstanceId id, const std::string &arguments) {
        auto commands = try_instance(id, arguments);
        EXPECT_TRUE(commands) << commands.error();
        return commands ? texts(std::move(*commands)) : Texts{};
    }
    std::expected<Decision, std::string> try_instance(InstanceId id, const std::string &arguments) {
        std::vector<KeyValue> pairs;
        std::istringstream all(arguments);
        for (std::string one; std::getline(all, one, ',');)
            pairs.push_back(
                {.key = one.substr(0, one.find('=')), .value = one.substr(one.find('=') + 1)});
        auto parsed = Arguments::parse(pairs);
        EXPECT_TRUE(parsed) << parsed.error();
        return supervisor_.add_instance(id, "net_vdev_netvsc" + std::to_string(id),
                                        std::move(*parsed));
    }
    Texts remove_instance(InstanceId id) { return texts(supervisor_.remove_instance(id)); }

    // ---- The kernel.

    Texts link(const Link &link) { return texts(supervisor_.link(link.message, link.facts)); }
    Texts gone(int ifindex) { return texts(supervisor_.link_gone(ifindex)); }
    Texts routed(int ifindex, bool routed = true) {
        return texts(supervisor_.address({.address = ipv4(ifindex), .gone = !routed}, now_));
    }

    // ---- Outcomes of commands.

    Texts outcome(const Outcome &outcome) { return texts(supervisor_.handle(outcome, now_)); }
    Texts created(PortNumber number) { return outcome(PortCreated{.number = number}); }
    Texts failed(PortNumber number, int error) {
        return outcome(PortFailed{.number = number, .error = error});
    }
    /// An event of the VF that a command for this port has caused.
    Texts outcome(PortNumber number, const VfId &vf, const VfEvent &event) {
        return outcome(VfOutcome{.number = number, .vf = vf, .event = event});
    }
    Texts probed(PortNumber number, const char *pci, int error = 0) {
        return outcome(number, id(pci), VfProbed{.error = error});
    }
    Texts checked(PortNumber number, const char *pci, bool taken) {
        return outcome(number, id(pci), VfChecked{.taken = taken});
    }
    Texts bind_failed(PortNumber number, const char *pci) {
        return outcome(number, id(pci), VfBindFailed{.reason = "no such driver"});
    }
    Texts bound(PortNumber number, const char *pci) { return outcome(number, id(pci), VfBound{}); }

    // ---- Events of ports and VFs.

    Texts closed(PortNumber number) { return texts(supervisor_.port_gone(number)); }
    Texts event(const char *pci, const VfEvent &event) { return this->event(id(pci), event); }
    Texts event(const VfId &vf, const VfEvent &event) {
        return texts(supervisor_.vf_event(vf, event, now_));
    }
    Texts pci_removed(const char *pci, bool replaced = false) {
        return event(pci, VfFunctionRemoved{.replaced = replaced});
    }
    Texts vf_closed(const char *pci, bool by_application = false) {
        return event(pci, VfPortClosed{.by_application = by_application});
    }
    [[nodiscard]] static VfId id(const char *pci) { return PciAddress::parse(pci).value(); }

    // ---- Time.

    /// Lets time pass to when the supervisor wants to be called.
    Texts elapse() {
        const auto deadline = supervisor_.deadline();
        EXPECT_TRUE(deadline) << "nothing is pending";
        if (!deadline)
            return {};
        EXPECT_THAT(texts(supervisor_.elapsed(*deadline - 1us)), IsEmpty()) << "too early";
        now_ = *deadline;
        return texts(supervisor_.elapsed(now_));
    }
    [[nodiscard]] std::chrono::milliseconds delay() const {
        const auto deadline = supervisor_.deadline();
        return deadline ? std::chrono::duration_cast<std::chrono::milliseconds>(*deadline - now_)
                        : -1ms;
    }
    [[nodiscard]] bool idle() const { return !supervisor_.deadline(); }

    // ---- Where many scenarios begin.

    /// Instance 0, iface=eth1, with port 0 over NetVSC eth1, ifindex 2, MAC 1.
    void eth1_attached() {
        EXPECT_THAT(link(netvsc_link("eth1", 2, mac(1))), IsEmpty());
        EXPECT_THAT(instance(0, "iface=eth1"), ElementsAre("create 0 eth1"));
        EXPECT_THAT(created(0), IsEmpty());
        messages_.clear();
    }
    /// And VF eth2, ifindex 3, taken by fail-safe.
    void eth1_attached_with_vf() {
        eth1_attached();
        link(vf("eth2", 3, mac(1), pci1));
        probed(0, pci1);
        elapse();
        EXPECT_THAT(checked(0, pci1, true), IsEmpty());
        EXPECT_EQ(port(0).vf_state, VfState::attached);
        messages_.clear();
    }

    /// Port 0 over eth1 with vf_bind=vfio-pci, and its VF bound: the VF's netdevice is removed.
    void eth1_with_bound_vf() {
        link(netvsc_link("eth1", 2, mac(1)));
        instance(0, "iface=eth1,vf_bind=vfio-pci");
        created(0);
        link(vf("eth2", 3, mac(1), pci1));
        bound(0, pci1);
        gone(3);
    }

    [[nodiscard]] Supervisor::PortView port(PortNumber number) const {
        for (const auto &view : supervisor_.ports()) {
            if (view.number == number)
                return view;
        }
        ADD_FAILURE() << "no port " << number;
        return {};
    }
    [[nodiscard]] std::size_t ports() const { return supervisor_.ports().size(); }

    /// The messages since the last call.
    std::vector<Message> messages() { return std::exchange(messages_, {}); }

    // Leaves out RefreshLink. Executes Withdraw, ReleaseVf and RestoreDriver at once.
    Texts texts(Decision decision) {
        for (Notice &notice : decision.notices) {
            if (auto *message = std::get_if<Message>(&notice))
                messages_.push_back(std::move(*message));
            else
                events_.push_back(test::text_of(notice));
        }
        Texts result;
        for (const PortCommand &command : decision.ports) {
            result.push_back(test::text_of(command));
            if (const auto *release = std::get_if<ReleaseVf>(&command))
                append(result, outcome(VfReleased{release->vf}));
        }
        for (const TrafficCommand &command : decision.traffic) {
            if (!std::holds_alternative<RefreshLink>(command))
                result.push_back(test::text_of(command));
            if (const auto *withdraw = std::get_if<Withdraw>(&command))
                append(result, outcome(withdraw->number, withdraw->vf,
                                       VfWithdrawn{.port_remains = vf_port_remains_}));
            if (const auto *restore = std::get_if<RestoreDriver>(&command); restore && restores_)
                append(result, outcome(VfReleased{restore->vf}));
        }
        return result;
    }
    static void append(Texts &texts, Texts more) {
        std::ranges::move(more, std::back_inserter(texts));
    }

    Supervisor supervisor_;
    TimePoint now_{1h};
    std::vector<Message> messages_;
    Texts events_;
    bool vf_port_remains_ = false;
    bool restores_ = true; ///< RestoreDriver is executed at once
};

} // namespace netvsc
