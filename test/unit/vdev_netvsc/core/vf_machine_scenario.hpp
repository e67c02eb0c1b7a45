// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "commands.hpp"
#include "core/vf_machine.hpp"

#include <cerrno>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <utility>

namespace netvsc {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

inline const PciAddress one = PciAddress::parse("0000:03:00.0").value();
inline const PciAddress other = PciAddress::parse("0000:04:00.0").value();
inline constexpr auto poll = 20ms;
inline constexpr auto announce_one = "announce 0 0000:03:00.0";
inline constexpr auto bind_one = "announce 0 0000:03:00.0 bind vfio-pci";
inline constexpr auto withdraw_one = "withdraw 0 0000:03:00.0";
inline constexpr auto check_one = "check 0 0000:03:00.0";
inline constexpr auto refresh = "refresh link of 0";
inline constexpr auto restore_one = "restore 0000:03:00.0";

inline Vf vf(const PciAddress &pci, int ifindex = 3) {
    return {.ifindex = ifindex, .id = pci, .devargs = pci.to_string()};
}

/// Each call returns the resulting commands as text. Messages and reports are gathered.
class VfMachineTest : public testing::Test {
protected:
    using Texts = std::vector<std::string>;

    explicit VfMachineTest(std::string bind = "") : machine_(of_a_port(std::move(bind))) {}

    /// The machine of a port that was created.
    static VfMachine of_a_port(std::string bind) {
        VfMachine machine(0, std::move(bind), poll);
        Decision none;
        machine.introduce(none);
        return machine;
    }

    Texts want(const std::optional<Vf> &wanted) {
        return texts([&](Decision &decision) { machine_.want(wanted, decision); });
    }
    Texts dismiss() {
        return texts([&](Decision &decision) { machine_.dismiss(decision); });
    }
    Texts elapsed(TimePoint now) {
        return texts([&](Decision &decision) { machine_.elapsed(now, decision); });
    }
    Texts handle(const PciAddress &pci, const VfEvent &event) {
        return texts([&](Decision &decision) { machine_.handle(pci, event, now_, decision); });
    }

    // ---- Short forms of handle().

    Texts removed(const PciAddress &pci, bool replaced = false) {
        return handle(pci, VfFunctionRemoved{.replaced = replaced});
    }
    Texts bind_failed(const PciAddress &pci) {
        return handle(pci, VfBindFailed{.reason = "no such driver"});
    }
    Texts probed(const PciAddress &pci, int error = 0) {
        return handle(pci, VfProbed{.error = error});
    }
    Texts checked(const PciAddress &pci, bool taken) {
        return handle(pci, VfChecked{.taken = taken});
    }
    Texts withdrawn(const PciAddress &pci, bool remains = false) {
        return handle(pci, VfWithdrawn{.port_remains = remains});
    }
    Texts port_closed(const PciAddress &pci, bool by_application = false) {
        return handle(pci, VfPortClosed{.by_application = by_application});
    }
    Texts recovered(const PciAddress &pci, bool success) {
        return handle(pci, VfRecovered{.success = success});
    }

    [[nodiscard]] VfState state() const { return machine_.state(); }
    [[nodiscard]] bool idle() const { return !machine_.deadline(); }
    [[nodiscard]] std::chrono::milliseconds delay() const {
        return machine_.deadline() ? std::chrono::duration_cast<std::chrono::milliseconds>(
                                         *machine_.deadline() - now_)
                                   : -1ms;
    }
    /// Lets time pass to the deadline.
    Texts elapse() {
        if (idle()) {
            ADD_FAILURE() << "nothing is pending";
            return {};
        }
        EXPECT_THAT(elapsed(*machine_.deadline() - 1us), IsEmpty()) << "too early";
        now_ = *machine_.deadline();
        return elapsed(now_);
    }
    Texts messages() { return std::exchange(messages_, {}); }

    // ---- Where scenarios begin.

    void to_announced() {
        want(vf(one));
        if (!machine_.bind().empty())
            handle(one, VfBound{});
        probed(one);
        EXPECT_EQ(state(), VfState::announced);
        messages_.clear();
    }
    void to_attached() {
        to_announced();
        elapse();
        checked(one, true);
        EXPECT_EQ(state(), VfState::attached);
        messages_.clear();
    }
    void to(VfState wanted) {
        machine_ = of_a_port(machine_.bind());
        if (wanted == VfState::present)
            want(vf(one));
        if (wanted == VfState::announced)
            to_announced();
        if (wanted == VfState::faulted) {
            want(vf(one));
            probed(one, ENODEV);
        }
        if (wanted == VfState::attached || wanted == VfState::recovering || wanted == VfState::gone)
            to_attached();
        if (wanted == VfState::recovering)
            handle(one, VfRecovering{});
        if (wanted == VfState::gone)
            want(std::nullopt);
        ASSERT_EQ(state(), wanted);
        messages_.clear();
    }

    template <typename Call> Texts texts(Call call) {
        Decision decision;
        call(decision);
        for (const Notice &notice : decision.notices)
            (std::holds_alternative<Message>(notice) ? messages_ : events_)
                .push_back(test::text_of(notice));
        EXPECT_THAT(decision.ports, IsEmpty());
        Texts result;
        for (const TrafficCommand &command : decision.traffic)
            result.push_back(test::text_of(command));
        return result;
    }

    VfMachine machine_;
    TimePoint now_{1h};
    Texts messages_;
    Texts events_;
};

class BoundVfMachineTest : public VfMachineTest {
protected:
    BoundVfMachineTest() : VfMachineTest("vfio-pci") {}
};

inline constexpr VfState with_vf[] = {VfState::present, VfState::announced, VfState::attached,
                                      VfState::faulted, VfState::recovering};

} // namespace netvsc
