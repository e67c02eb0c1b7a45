// SPDX-License-Identifier: BSD-3-Clause
//
// LinkMonitor against the kernel, in a network namespace of its own.

#include "common/namespace_test.hpp"
#include "netlink/link_monitor.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <map>
#include <net/if.h>
#include <net/if_arp.h>
#include <poll.h>
#include <sched.h>
#include <set>
#include <string>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace netvsc {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::IsEmpty;
using testing::Key;
using testing::Not;

// Enough for any machine; only a failing test takes that long.
constexpr auto timeout = 20s;

/// The state that a reader of the events derives from the dumps and the later notifications.
class State {
public:
    void take(const NetlinkEvent &event) {
        if (const auto *link = std::get_if<LinkMessage>(&event)) {
            links[link->ifindex] = *link;
            named_.insert(link->ifindex);
        } else if (const auto *gone = std::get_if<LinkGone>(&event)) {
            links.erase(gone->ifindex);
            std::erase_if(addresses,
                          [&](const auto &address) { return address.ifindex == gone->ifindex; });
        } else if (const auto *message = std::get_if<AddressMessage>(&event)) {
            if (message->gone) {
                addresses.erase(message->address);
            } else {
                addresses.insert(message->address);
                named_addresses_.insert(message->address);
            }
        } else if (std::holds_alternative<DumpBegin>(event)) {
            named_.clear();
            named_addresses_.clear();
            EXPECT_TRUE(!listing_ || may_begin_anew) << "a listing begun within another";
            listing_ = true;
        } else if (std::holds_alternative<DumpDone>(event)) {
            EXPECT_TRUE(listing_) << "a listing ended that had not begun";
            listing_ = false;
            ++listings;
            std::erase_if(links,
                          [this](const auto &known) { return !named_.contains(known.first); });
            std::erase_if(addresses, [this](const auto &address) {
                return !named_addresses_.contains(address);
            });
        }
    }

    [[nodiscard]] const LinkMessage *find(const std::string &name) const {
        const auto found =
            std::ranges::find(links, name, [](const auto &link) { return link.second.name; });
        return found == links.end() ? nullptr : &found->second;
    }

    std::map<int, LinkMessage> links;
    std::set<InterfaceAddress> addresses;
    int listings = 0;
    bool may_begin_anew = false; ///< after lost notifications a listing is repeated

private:
    bool listing_ = false;
    std::set<int> named_;
    std::set<InterfaceAddress> named_addresses_;
};

class LinkMonitorTest : public NamespaceTest {
protected:
    LinkMonitorTest()
        : NamespaceTest("ip link add probe type veth peer name probe2 && ip link delete probe") {}

    static void ip(const std::string &arguments) {
        ASSERT_EQ(std::system(("ip " + arguments).c_str()), 0) << "ip " << arguments;
    }
    static void ip_batch(const std::string &lines) {
        FILE *batch = ::popen("ip -batch -", "w");
        ASSERT_NE(batch, nullptr);
        ASSERT_EQ(std::fwrite(lines.data(), 1, lines.size(), batch), lines.size());
        ASSERT_EQ(::pclose(batch), 0) << lines;
    }

    void open(int receive_buffer = LinkMonitor::default_receive_buffer) {
        auto opened = LinkMonitor::open(receive_buffer);
        ASSERT_TRUE(opened) << opened.error().message();
        monitor_.emplace(std::move(*opened));
    }
    void open_and_list(int receive_buffer = LinkMonitor::default_receive_buffer) {
        open(receive_buffer);
        const auto listed = monitor_->read_until_dumped(sink_, timeout);
        ASSERT_TRUE(listed) << listed.error().message();
    }

    [[nodiscard]] bool readable(std::chrono::milliseconds wait) const {
        pollfd waited{.fd = monitor_->fd(), .events = POLLIN, .revents = 0};
        return ::poll(&waited, 1, static_cast<int>(wait.count())) == 1;
    }
    void read() {
        const auto done = monitor_->read(sink_);
        ASSERT_TRUE(done) << done.error().message();
    }
    /// Reads until no message and no dump is pending.
    void read_all() {
        const auto end = std::chrono::steady_clock::now() + timeout;
        while (monitor_->dumping() || readable(0ms)) {
            ASSERT_LT(std::chrono::steady_clock::now(), end) << "there is no end to it";
            if (readable(100ms)) {
                ASSERT_NO_FATAL_FAILURE(read());
            }
        }
    }
    /// The kernel sends notifications within the system call that makes the change. Those of
    /// carriers arrive later.
    template <typename Condition> [[nodiscard]] bool read_until(Condition condition) {
        const auto end = std::chrono::steady_clock::now() + timeout;
        while (!condition() && std::chrono::steady_clock::now() < end) {
            if (readable(100ms) && !monitor_->read(sink_))
                return false;
        }
        return condition();
    }

    State state_;
    LinkMonitor::Sink sink_ = [this](const NetlinkEvent &event) { state_.take(event); };
    std::optional<LinkMonitor> monitor_;
};

/// The same from a monitor of its own.
State fresh_listing() {
    State state;
    auto monitor = LinkMonitor::open();
    EXPECT_TRUE(monitor);
    const auto listed =
        monitor->read_until_dumped([&](const NetlinkEvent &event) { state.take(event); }, timeout);
    EXPECT_TRUE(listed);
    return state;
}

// Leaves out values that the kernel changes a little later (carrier, link-local addresses).
std::map<int, std::string> names(const State &state) {
    std::map<int, std::string> result;
    for (const auto &[ifindex, link] : state.links)
        result[ifindex] = link.name + " " + (link.mac ? link.mac->to_string() : "-");
    return result;
}

// The output of ip(8). It shows errors that all code of this project has in common.
std::map<int, std::string> names_by_ip() {
    FILE *output = ::popen("ip -o link", "r");
    EXPECT_NE(output, nullptr);
    std::map<int, std::string> result;
    std::array<char, 4096> line;
    while (std::fgets(line.data(), line.size(), output) != nullptr) {
        // "2: veth1@veth2: <...> ...\    link/ether 02:00:00:00:00:01 brd ..."
        int ifindex = 0;
        std::array<char, 64> name;
        std::array<char, 64> address;
        const char *link = std::strstr(line.data(), " link/");
        if (std::sscanf(line.data(), "%d: %63[^:@]", &ifindex, name.data()) == 2 &&
            link != nullptr && std::sscanf(link, " link/%*s %63s", address.data()) == 1)
            result[ifindex] = std::string(name.data()) + " " + address.data();
        else
            ADD_FAILURE() << line.data();
    }
    EXPECT_EQ(::pclose(output), 0);
    return result;
}

TEST_F(LinkMonitorTest, ListsNetdevicesWithTheirAddresses) {
    ip("link add veth1 address 02:00:00:00:00:01 type veth peer name veth2");
    ip("address add 192.0.2.1/24 dev veth1");
    open();
    EXPECT_TRUE(monitor_->dumping());
    ASSERT_TRUE(monitor_->read_until_dumped(sink_, timeout));
    EXPECT_FALSE(monitor_->dumping());
    EXPECT_EQ(state_.listings, 1);
    EXPECT_EQ(monitor_->counters().dumps, 1U);
    EXPECT_EQ(monitor_->counters().dropped, 0U);

    EXPECT_EQ(names(state_), names_by_ip());
    const LinkMessage *veth = state_.find("veth1");
    ASSERT_NE(veth, nullptr);
    EXPECT_EQ(veth->type, ARPHRD_ETHER);
    EXPECT_EQ(veth->mac, MacAddress::parse("02:00:00:00:00:01"));
    EXPECT_TRUE(veth->software);
    EXPECT_FALSE(veth->carrier);
    const LinkMessage *loopback = state_.find("lo");
    ASSERT_NE(loopback, nullptr);
    EXPECT_EQ(loopback->type, ARPHRD_LOOPBACK);
    EXPECT_FALSE(loopback->software);

    const InterfaceAddress address{.ifindex = veth->ifindex,
                                   .family = AF_INET,
                                   .prefix_length = 24,
                                   .address = {192, 0, 2, 1}};
    EXPECT_THAT(state_.addresses, Contains(address));
}

TEST_F(LinkMonitorTest, FollowsANetdeviceFromItsMakingToItsEnd) {
    open_and_list();
    ip("link add veth1 type veth peer name veth2");
    read_all();
    ASSERT_NE(state_.find("veth1"), nullptr);
    const int ifindex = state_.find("veth1")->ifindex;

    ip("link set veth1 address 02:00:00:00:00:05");
    read_all();
    EXPECT_EQ(state_.links.at(ifindex).mac, MacAddress::parse("02:00:00:00:00:05"));

    ip("link set veth1 name 'a,b=(c)'");
    read_all();
    EXPECT_EQ(state_.links.at(ifindex).name, "a,b=(c)");

    ip("link set 'a,b=(c)' up");
    ip("link set veth2 up");
    EXPECT_TRUE(read_until([&] { return state_.links.at(ifindex).carrier; }));
    ip("link set veth2 down");
    EXPECT_TRUE(read_until([&] { return !state_.links.at(ifindex).carrier; }));

    ip("link delete veth2");
    read_all();
    EXPECT_THAT(state_.links, Not(Contains(Key(ifindex))));
    EXPECT_EQ(state_.listings, 1) << "all that without another listing";
    EXPECT_EQ(monitor_->counters().overruns, 0U);
    EXPECT_EQ(monitor_->counters().dropped, 0U);
}

TEST_F(LinkMonitorTest, FollowsAddresses) {
    ip("link add veth1 type veth peer name veth2");
    ip("link set veth1 addrgenmode none");
    open_and_list();
    EXPECT_THAT(state_.addresses, IsEmpty());
    ip("address add 192.0.2.1 peer 192.0.2.9/32 dev veth1");
    ip("-6 address add 2001:db8::1/64 dev veth1 nodad");
    // The kernel reports an IPv6 address from a worker thread.
    EXPECT_TRUE(read_until([this] { return state_.addresses.size() == 2; }));
    const int ifindex = state_.find("veth1")->ifindex;
    InterfaceAddress ipv4{
        .ifindex = ifindex, .family = AF_INET, .prefix_length = 32, .address = {192, 0, 2, 1}};
    EXPECT_THAT(state_.addresses, Contains(ipv4));
    EXPECT_EQ(state_.addresses.size(), 2U);
    ip("address delete 192.0.2.1 peer 192.0.2.9/32 dev veth1");
    ip("-6 address delete 2001:db8::1/64 dev veth1");
    EXPECT_TRUE(read_until([this] { return state_.addresses.empty(); }));
}

/// A process in another network namespace, which ends with it.
class OtherNamespace {
public:
    OtherNamespace() {
        int ends[2];
        if (::pipe(ends) != 0)
            return;
        process_ = ::fork();
        if (process_ == 0) {
            const char done = ::unshare(CLONE_NEWNET) == 0 ? 1 : 0;
            ::_exit(::write(ends[1], &done, 1) == 1 ? ::pause() : 1);
        }
        ::close(ends[1]);
        char done = 0;
        ready_ = ::read(ends[0], &done, 1) == 1 && done == 1;
        ::close(ends[0]);
    }
    OtherNamespace(const OtherNamespace &) = delete;
    OtherNamespace &operator=(const OtherNamespace &) = delete;
    ~OtherNamespace() {
        if (process_ > 0) {
            ::kill(process_, SIGKILL);
            ::waitpid(process_, nullptr, 0);
        }
    }
    [[nodiscard]] bool ready() const { return ready_; }
    [[nodiscard]] std::string process() const { return std::to_string(process_); }

private:
    pid_t process_ = -1;
    bool ready_ = false;
};

// The kernel reports a netdevice that moves to another network namespace as removed.
TEST_F(LinkMonitorTest, ANetdeviceThatMovesAwayIsRemoved) {
    const OtherNamespace other;
    ASSERT_TRUE(other.ready());
    ip("link add veth1 type veth peer name veth2");
    open_and_list();
    const int ifindex = state_.find("veth1")->ifindex;
    ip("link set veth1 netns " + other.process());
    read_all();
    EXPECT_THAT(state_.links, Not(Contains(Key(ifindex))));
    EXPECT_NE(state_.find("veth2"), nullptr);
}

TEST_F(LinkMonitorTest, ABridgePortDoesNotVanishWhenItLeavesTheBridge) {
    if (std::system("ip link add br0 type bridge 2>/dev/null") != 0)
        GTEST_SKIP() << "no bridge in this kernel";
    ip("link add veth1 type veth peer name veth2");
    open_and_list();
    ip("link set veth1 master br0");
    ip("link set veth1 nomaster");
    read_all();
    EXPECT_NE(state_.find("veth1"), nullptr);
    EXPECT_EQ(monitor_->counters().dropped, 0U);
}

TEST_F(LinkMonitorTest, ARequestWaitsForItsGate) {
    auto monitor = LinkMonitor::open();
    ASSERT_TRUE(monitor);
    const auto ignore = [](const NetlinkEvent & /*event*/) {};
    ASSERT_TRUE(monitor->read_until_dumped(ignore, timeout));
    bool open = false;
    monitor->set_gate([&] { return open; });
    ASSERT_TRUE(monitor->request_dump());
    EXPECT_TRUE(monitor->pending());
    ASSERT_TRUE(monitor->read(ignore));
    EXPECT_TRUE(monitor->pending());
    open = true;
    ASSERT_TRUE(monitor->read(ignore));
    EXPECT_FALSE(monitor->pending());
    ASSERT_TRUE(monitor->read_until_dumped(ignore, timeout));
    EXPECT_EQ(monitor->counters().dumps, 2U);
}

TEST_F(LinkMonitorTest, ReadsWithoutWaiting) {
    open_and_list();
    EXPECT_FALSE(readable(0ms));
    const auto messages = monitor_->counters().messages;
    read();
    EXPECT_EQ(monitor_->counters().messages, messages);
}

TEST_F(LinkMonitorTest, ADumpRequestedDuringAnotherFollowsIt) {
    open();
    state_.may_begin_anew = true;
    ASSERT_TRUE(monitor_->request_dump());
    read_all();
    // The one under way is given up or completed; either way one begun after the request is.
    EXPECT_GE(monitor_->counters().dumps, 1U);
    EXPECT_EQ(names(state_), names_by_ip());
    const auto dumps = monitor_->counters().dumps;
    ASSERT_TRUE(monitor_->request_dump());
    read_all();
    EXPECT_EQ(monitor_->counters().dumps, dumps + 1);
}

// ---- Lost notifications.

class LostNotifications : public LinkMonitorTest, public testing::WithParamInterface<int> {
protected:
    /// Adds, renames, changes and deletes more netdevices than any buffer here holds. Some stay.
    void flood(int round) {
        std::string lines;
        for (int i = 0; i < 120; ++i) {
            const std::string id = std::to_string(round) + "." + std::to_string(i);
            const std::string name = "v" + id;
            lines += "link add " + name + " type veth peer name p" + id + "\n";
            lines += "link set " + name + " address 02:00:00:00:" + std::to_string(10 + round) +
                     ":" + std::to_string(10 + i % 80) + "\n";
            if (i % 2 == 0)
                lines += "link set " + name + " name r" + id + "\n";
            if (i % 8 == 0)
                lines += "link delete p" + id + "\n";
            else
                lines += "address add 192.0.2." + std::to_string(i + 1) + "/24 dev p" + id + "\n";
        }
        // The flood also deletes netdevices that existed before it.
        lines += "link delete old" + std::to_string(round) + "\n";
        ip_batch(lines);
    }
};

TEST_P(LostNotifications, EndInTheStateOfAFreshListing) {
    for (int round = 0; round < 2; ++round)
        ip("link add old" + std::to_string(round) + " type veth peer name oldp" +
           std::to_string(round));
    open_and_list(GetParam());
    state_.may_begin_anew = true;
    for (int round = 0; round < 2; ++round) {
        const auto overruns = monitor_->counters().overruns;
        flood(round);
        read_all();
        EXPECT_GT(monitor_->counters().overruns, overruns) << "nothing was lost: no test";
        EXPECT_EQ(names(state_), names_by_ip()) << "round " << round;
        const State fresh = fresh_listing();
        EXPECT_EQ(names(state_), names(fresh)) << "round " << round;
        EXPECT_EQ(state_.addresses, fresh.addresses) << "round " << round;
    }
    EXPECT_GE(state_.listings, 3);
}

// During the flood, notifications are lost in dumps too.
TEST_P(LostNotifications, EndInTheStateOfAFreshListingWhenReadMeanwhile) {
    open_and_list(GetParam());
    ip("link add old0 type veth peer name oldp0");
    state_.may_begin_anew = true;
    std::thread other([this] { flood(0); }); // threads begin in the namespace of their maker
    std::atomic<bool> done = false;
    std::thread watcher([&] {
        other.join();
        done = true;
    });
    while (!done) {
        if (readable(1ms))
            read();
    }
    watcher.join();
    read_all();
    EXPECT_EQ(names(state_), names_by_ip());
    const State fresh = fresh_listing();
    EXPECT_EQ(state_.addresses, fresh.addresses);
}

// After a lost notification the kernel sends no more until the reader has read all earlier ones. It
// does not report the further losses. A dump from before that is then out of date.
TEST_P(LostNotifications, EndInTheStateOfAFreshListingWhenMoreAreLostAfterTheListing) {
    ip("link add restless type veth peer name peer");
    open_and_list(GetParam());
    state_.may_begin_anew = true;
    std::string changes;
    for (int i = 0; i < 1000; ++i)
        changes += "link set restless mtu " + std::to_string(1000 + i) + "\n";
    ip_batch(changes);
    read();
    EXPECT_GT(monitor_->counters().overruns, 0U) << "nothing was lost: no test";
    ip("link add late type veth peer name latep");
    read_all();
    EXPECT_EQ(names(state_), names_by_ip());
}

// From the smallest buffer of Linux, which has room for one or two notifications, to a buffer that
// holds more than one read() takes.
INSTANTIATE_TEST_SUITE_P(ReceiveBuffer, LostNotifications, testing::Values(1, 16 << 10, 256 << 10),
                         testing::PrintToStringParamName());

// ---- Messages that are not from the kernel.

TEST_F(LinkMonitorTest, AForeignDatagramIsCountedAndDropped) {
    open_and_list();
    sockaddr_nl self{};
    socklen_t length = sizeof self;
    ASSERT_EQ(::getsockname(monitor_->fd(), reinterpret_cast<sockaddr *>(&self), &length), 0);

    const int sender = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    ASSERT_GE(sender, 0);
    struct {
        nlmsghdr header;
        ifinfomsg link;
        rtattr name;
        char text[8];
    } forged{};
    forged.header.nlmsg_len = sizeof forged;
    forged.header.nlmsg_type = RTM_NEWLINK;
    forged.link.ifi_index = 99;
    forged.name.rta_len = sizeof forged.name + sizeof forged.text;
    forged.name.rta_type = IFLA_IFNAME;
    std::strcpy(forged.text, "forged0");
    const auto sent = ::sendto(sender, &forged, sizeof forged, 0,
                               reinterpret_cast<const sockaddr *>(&self), sizeof self);
    const bool forbidden = sent < 0 && errno == EPERM;
    ::close(sender);
    if (forbidden)
        GTEST_SKIP() << "may not send to another's netlink socket";
    ASSERT_EQ(sent, static_cast<ssize_t>(sizeof forged));

    ASSERT_TRUE(readable(timeout));
    read();
    EXPECT_EQ(monitor_->counters().dropped, 1U);
    EXPECT_THAT(state_.links, Not(Contains(Key(99))));
    EXPECT_EQ(state_.listings, 1);
}

} // namespace
} // namespace netvsc
