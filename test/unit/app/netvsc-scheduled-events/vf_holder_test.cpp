// SPDX-License-Identifier: BSD-3-Clause
#include "common/fake_application.hpp"
#include "common/temporary_folder.hpp"
#include "netvsc-scheduled-events/vf_holder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <memory>
#include <mutex>
#include <optional>

namespace netvsc::scheduled {
namespace {

using nlohmann::json;
using test::FakeApplication;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// An application with two ports. Somebody holds port 1.
class Application {
public:
    explicit Application(const std::filesystem::path &folder)
        : server_(
              folder / "dpdk_telemetry.v2",
              FakeApplication::answering([this](const auto &command) { return answer(command); })) {
    }

    // The commands that change something, since the last call.
    std::vector<std::string> requests() {
        const std::scoped_lock lock(mutex_);
        return std::exchange(requests_, {});
    }
    void close_ports() {
        const std::scoped_lock lock(mutex_);
        held_.clear();
    }

private:
    std::string answer(const std::string &command) {
        const std::scoped_lock lock(mutex_);
        const auto comma = std::min(command.find(','), command.size());
        const std::string name = command.substr(0, comma);
        json value;
        if (name == "/vdev_netvsc/list") {
            value = json::array();
            for (const auto &[port, held] : held_)
                value.push_back(port);
        } else if (const auto port = held_.find(std::atoi(command.c_str() + comma + 1));
                   port != held_.end()) {
            if (name != "/vdev_netvsc/info") {
                requests_.push_back(command);
                port->second = name == "/vdev_netvsc/hold";
            }
            value = {{"port_id", port->first}, {"vf_held", int{port->second}}};
        } else if (name != "/vdev_netvsc/info") {
            requests_.push_back(command);
        }
        return json{{name, value}}.dump();
    }

    std::mutex mutex_;
    std::map<int, bool> held_{{0, false}, {1, true}};
    std::vector<std::string> requests_;
    FakeApplication server_;
};

class VfHolderTest : public testing::Test {
protected:
    std::unique_ptr<Application> application(const std::string &prefix) {
        return std::make_unique<Application>(folder_.path() / prefix);
    }
    test::TemporaryFolder folder_;
    VfHolder holder_{folder_.path(), ""};
};

TEST_F(VfHolderTest, WithoutApplications) {
    EXPECT_THAT(holder_.hold().done, IsEmpty());
    EXPECT_THAT(holder_.hold().problems, IsEmpty());
    EXPECT_THAT(holder_.release().done, IsEmpty());
}

TEST_F(VfHolderTest, HoldsAndReleasesOnce) {
    const auto one = application("one");
    EXPECT_THAT(holder_.hold().done, ElementsAre("holds the VF of port 0 of --file-prefix one"));
    EXPECT_THAT(one->requests(), ElementsAre("/vdev_netvsc/hold,0"));
    EXPECT_THAT(holder_.hold().done, IsEmpty());
    EXPECT_THAT(one->requests(), IsEmpty());
    EXPECT_THAT(holder_.release().done,
                ElementsAre("releases the VF of port 0 of --file-prefix one"));
    // Not port 1, which somebody else has held.
    EXPECT_THAT(one->requests(), ElementsAre("/vdev_netvsc/release,0"));
    EXPECT_THAT(holder_.release().done, IsEmpty());
    EXPECT_THAT(one->requests(), IsEmpty());
}

TEST_F(VfHolderTest, HoldsInApplicationsThatStartLater) {
    const auto one = application("one");
    EXPECT_THAT(holder_.hold().done, ElementsAre(HasSubstr("one")));
    const auto two = application("two");
    EXPECT_THAT(holder_.hold().done, ElementsAre(HasSubstr("two")));
    EXPECT_THAT(holder_.release().done, ElementsAre(HasSubstr("one"), HasSubstr("two")));
}

TEST_F(VfHolderTest, OnePrefixOnly) {
    const auto one = application("one");
    const auto two = application("two");
    VfHolder holder(folder_.path(), "two");
    EXPECT_THAT(holder.hold().done, ElementsAre(HasSubstr("two")));
    EXPECT_THAT(one->requests(), IsEmpty());
}

TEST_F(VfHolderTest, ForgetsWhatHasEnded) {
    auto one = application("one");
    EXPECT_THAT(holder_.hold().done, ElementsAre(HasSubstr("one")));
    one.reset();
    EXPECT_THAT(holder_.release().problems, IsEmpty());
    one = application("one");
    EXPECT_THAT(holder_.release().done, IsEmpty());
    EXPECT_THAT(one->requests(), IsEmpty());
}

TEST_F(VfHolderTest, ForgetsAPortThatWasClosed) {
    const auto one = application("one");
    EXPECT_THAT(holder_.hold().done, ElementsAre(HasSubstr("port 0")));
    one->close_ports();
    EXPECT_THAT(holder_.release().problems, ElementsAre(HasSubstr("no port with this number")));
    EXPECT_THAT(holder_.release().problems, IsEmpty());
}

TEST_F(VfHolderTest, RepeatsTheReleaseOfAnApplicationThatDidNotAnswer) {
    auto one = application("one");
    EXPECT_THAT(holder_.hold().done, ElementsAre(HasSubstr("one")));
    one.reset();
    {
        const FakeApplication deaf(folder_.path() / "one" / "dpdk_telemetry.v2",
                                   [](const auto &client) { client.close(); });
        EXPECT_THAT(holder_.hold().problems, ElementsAre(HasSubstr("dpdk_telemetry.v2")));
        const auto outcome = holder_.release();
        EXPECT_THAT(outcome.done, IsEmpty());
        EXPECT_THAT(outcome.problems, ElementsAre(HasSubstr("dpdk_telemetry.v2")));
    }
    one = application("one");
    EXPECT_THAT(holder_.release().done, ElementsAre(HasSubstr("one")));
}

} // namespace
} // namespace netvsc::scheduled
