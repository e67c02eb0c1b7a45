// SPDX-License-Identifier: BSD-3-Clause
//
// The cost of one event does not grow with the number of netdevices. The test counts allocations,
// because code that collects netdevices allocates. A time would depend on the machine.

#include "commands.hpp"
#include "core/supervisor.hpp"
#include "netdevices.hpp"

#include <cstdlib>
#include <gtest/gtest.h>
#include <new>

namespace {

std::size_t allocations = 0;

} // namespace

void *operator new(std::size_t size) {
    ++allocations;
    if (void *memory = std::malloc(size))
        return memory;
    throw std::bad_alloc();
}
void operator delete(void *memory) noexcept { std::free(memory); }
void operator delete(void *memory, std::size_t /*size*/) noexcept { std::free(memory); }

namespace netvsc {
namespace {

constexpr int flaps = 1000;

/// A NetVSC with a port, and a VF that is added and removed, among software netdevices with the
/// same MAC address.
class Machine {
public:
    explicit Machine(int software_netdevices) {
        for (int i = 0; i < software_netdevices; ++i)
            (void)tell(test::software("veth" + std::to_string(i), 1000 + i, test::mac(1)));
        (void)tell(test::netvsc("eth1", 2, test::mac(1)));
        auto added = supervisor_.add_instance(0, "net_vdev_netvsc0",
                                              {.interfaces = {"eth1"}, .macs = {test::mac(1)}});
        EXPECT_TRUE(added);
        (void)supervisor_.handle(PortCreated{.number = 0}, {});
    }

    /// Adds and removes the VF `flaps` times. @return the number of allocations
    std::size_t flap() {
        const Link vf = test::vf("eth2", 3, test::mac(1), "0000:03:00.0");
        const std::size_t before = allocations;
        for (int i = 0; i < flaps; ++i) {
            count(tell(vf));
            count(supervisor_.handle(VfOutcome{0, *vf.facts.pci, VfProbed{}}, {}));
            count(supervisor_.link_gone(3));
            count(supervisor_.handle(VfOutcome{0, *vf.facts.pci, VfWithdrawn{}}, {}));
        }
        return allocations - before;
    }
    /// A software netdevice of the many changes its name.
    std::size_t rename(int times) {
        const std::size_t before = allocations;
        for (int i = 0; i < times; ++i)
            count(tell(test::software(i % 2 == 0 ? "a" : "b", 1000, test::mac(1))));
        return allocations - before;
    }

    [[nodiscard]] std::size_t results() const { return results_; }
    [[nodiscard]] const LinkTable &links() const { return supervisor_.links(); }

private:
    void count(const Decision &decision) {
        results_ += decision.traffic.size() + decision.notices.size() + decision.ports.size();
    }
    Decision tell(const Link &link) {
        const bool asks = supervisor_.wants_facts(link.message);
        EXPECT_EQ(asks, !link.message.software && links().find(link.ifindex()) == nullptr);
        return supervisor_.link(link.message, asks ? std::optional(link.facts) : std::nullopt);
    }

    Supervisor supervisor_;
    std::size_t results_ = 0;
};

TEST(SupervisorScale, AFlappingVfMakesNoMoreWorkAmong100000Netdevices) {
    Machine small(10);
    Machine large(100'000);
    EXPECT_EQ(large.links().size(), 100'001U);
    EXPECT_EQ(large.links().with_mac(test::mac(1)).size(), 1U) << "those of software are in it";

    const std::size_t few = small.flap();
    EXPECT_EQ(large.flap(), few);
    EXPECT_GT(few, 0U);
    EXPECT_EQ(small.results(), large.results());
    EXPECT_EQ(large.results(), 7U * flaps)
        << "present: message, report, announce; removed: message, report, withdraw, refresh";

    const std::size_t renamed = small.rename(1000);
    EXPECT_EQ(large.rename(1000), renamed);
    EXPECT_EQ(large.results(), 7U * flaps) << "a rename of no port's netdevice is nothing";
}

} // namespace
} // namespace netvsc
