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
inline constexpr auto give_one_back = "give back 0000:03:00.0";

inline Vf vf(const PciAddress &pci, int ifindex = 3) {
    return {.ifindex = ifindex, .id = pci, .devargs = pci.to_string()};
}

/// Each call returns the commands that follow as text; messages are gathered.
class VfMachineTest : public testing::Test {
protected:
    using Texts = std::vector<std::string>;

    explicit VfMachineTest(std::string bind = "") : machine_(of_a_port(std::move(bind))) {}

    /// The machine of a port that has been made.
    static VfMachine of_a_port(std::string bind) {
        VfMachine machine(0, std::move(bind), poll);
        Commands none;
        machine.introduce(none);
        return machine;
    }

    Texts want(const std::optional<Vf> &wanted) {
        return told([&](Commands &c) { machine_.want(wanted, c); });
    }
    Texts removed(const PciAddress &pci, bool another_is_there = false) {
        return told([&](Commands &c) { machine_.pci_removed(pci, another_is_there, c); });
    }
    Texts dismiss() {
        return told([&](Commands &c) { machine_.dismiss(c); });
    }
    Texts bind_failed(const PciAddress &pci) {
        return told([&](Commands &c) { machine_.bind_failed(pci, "no such driver", now_, c); });
    }
    Texts probed(const PciAddress &pci, int error = 0) {
        return told([&](Commands &c) { machine_.probed(pci, error, now_, c); });
    }
    Texts checked(const PciAddress &pci, bool taken) {
        return told([&](Commands &c) { machine_.checked(pci, taken, c); });
    }
    Texts withdrawn(const PciAddress &pci, bool remains = false) {
        return told([&](Commands &c) { machine_.withdrawn(pci, remains, now_, c); });
    }
    Texts port_gone(const PciAddress &pci, bool by_application = false) {
        return told([&](Commands &c) { machine_.port_gone(pci, by_application, now_, c); });
    }
    Texts recovering(const PciAddress &pci) {
        return told([&](Commands &c) { machine_.recovering(pci, c); });
    }
    Texts recovered(const PciAddress &pci, bool success) {
        return told([&](Commands &c) { machine_.recovered(pci, success, now_, c); });
    }
    Texts release_requested(const PciAddress &pci) {
        return told([&](Commands &c) { machine_.release_requested(pci, now_, c); });
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
        const auto early =
            told([&](Commands &c) { machine_.elapsed(*machine_.deadline() - 1us, c); });
        EXPECT_THAT(early, IsEmpty()) << "too early";
        now_ = *machine_.deadline();
        return told([&](Commands &c) { machine_.elapsed(now_, c); });
    }
    Texts messages() { return std::exchange(messages_, {}); }

    // ---- Where scenarios begin.

    void to_announced() {
        want(vf(one));
        if (!machine_.bind().empty())
            machine_.bound(one);
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
            recovering(one);
        if (wanted == VfState::gone)
            want(std::nullopt);
        ASSERT_EQ(state(), wanted);
        messages_.clear();
    }

    template <typename Call> Texts told(Call call) {
        Commands commands;
        call(commands);
        Texts result;
        for (const Command &command : commands)
            (std::holds_alternative<Message>(command)  ? messages_
             : std::holds_alternative<Report>(command) ? events_
                                                       : result)
                .push_back(test::text_of(command));
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
