// SPDX-License-Identifier: BSD-3-Clause
#include "base/file_descriptor.hpp"
#include "common/namespace_test.hpp"
#include "netlink/xdp_program.hpp"

#include <array>
#include <cstdlib>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace netvsc {
namespace {

// The smallest XDP program: it passes each frame.
FileDescriptor load_program() {
    const std::array<bpf_insn, 2> instructions{{
        {.code = BPF_ALU64 | BPF_MOV | BPF_K,
         .dst_reg = 0,
         .src_reg = 0,
         .off = 0,
         .imm = XDP_PASS},
        {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
    }};
    constexpr char license[] = "GPL";
    bpf_attr wanted{};
    wanted.prog_type = BPF_PROG_TYPE_XDP;
    wanted.insns = reinterpret_cast<std::uintptr_t>(instructions.data());
    wanted.insn_cnt = instructions.size();
    wanted.license = reinterpret_cast<std::uintptr_t>(license);
    return FileDescriptor(
        static_cast<int>(::syscall(SYS_bpf, BPF_PROG_LOAD, &wanted, sizeof wanted)));
}

class XdpProgramTest : public NamespaceTest {
protected:
    XdpProgramTest() : NamespaceTest("ip link add nv0 type veth peer name peer") {}
};

TEST_F(XdpProgramTest, MovesAProgramToAnotherModeAndDetachesIt) {
    const int ifindex = static_cast<int>(::if_nametoindex("nv0"));
    const FileDescriptor program = load_program();
    if (!program.valid())
        GTEST_SKIP() << "no permission to load an XDP program";
    ASSERT_TRUE(attach_xdp_program(ifindex, program, XDP_FLAGS_DRV_MODE));
    auto programs = xdp_programs(ifindex);
    ASSERT_TRUE(programs);
    ASSERT_EQ(programs->size(), 1U);
    EXPECT_EQ(programs->front().mode, XDP_FLAGS_DRV_MODE);
    const XdpProgram native = programs->front();
    const auto moved = move_xdp_program(ifindex, native, XDP_FLAGS_SKB_MODE);
    ASSERT_TRUE(moved) << moved.error().message();
    const XdpProgram generic{.id = native.id, .mode = XDP_FLAGS_SKB_MODE};
    EXPECT_THAT(xdp_programs(ifindex).value(), testing::ElementsAre(generic));
    ASSERT_TRUE(detach_xdp_program(ifindex, generic));
    EXPECT_THAT(xdp_programs(ifindex).value(), testing::IsEmpty());
}

TEST_F(XdpProgramTest, AProgramThatCannotBeMovedStays) {
    const int ifindex = static_cast<int>(::if_nametoindex("nv0"));
    const FileDescriptor program = load_program();
    if (!program.valid())
        GTEST_SKIP() << "no permission to load an XDP program";
    ASSERT_TRUE(attach_xdp_program(ifindex, program, XDP_FLAGS_DRV_MODE));
    const XdpProgram native = xdp_programs(ifindex).value().at(0);
    const auto moved = move_xdp_program(ifindex, native, XDP_FLAGS_HW_MODE);
    ASSERT_FALSE(moved) << "veth has no hardware for it";
    EXPECT_THAT(xdp_programs(ifindex).value(), testing::ElementsAre(native));
}

} // namespace
} // namespace netvsc
