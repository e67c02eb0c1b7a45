// SPDX-License-Identifier: BSD-3-Clause
#include "recording_devices.hpp"
#include "runtime/port_registry.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace netvsc::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class PortRegistryTest : public testing::Test {
protected:
    void SetUp() override {
        port_ = std::make_shared<RecordingDevices::Port>(devices_);
        registry_.add(7, port_);
    }
    void report(EventType type, std::optional<PciAddress> address = std::nullopt) {
        registry_.report({.type = type, .number = 7, .vf = address}, devices_.time);
    }
    /// The published events in words.
    std::vector<std::string> events() { return std::exchange(events_, {}); }
    PortRecord record() { return registry_.entries().at(7).record; }

    RecordingDevices devices_;
    std::optional<std::string> netdevice_ = "eth1";
    std::vector<std::string> events_;
    PortRegistry registry_{[this](const Event &event) {
                               events_.push_back(std::string(name_of(event.type)) + " " +
                                                 std::to_string(event.port_id) + " " + event.port +
                                                 " " + event.netdevice +
                                                 (event.vf ? " " + event.vf->to_string() : ""));
                           },
                           [this](PortNumber) { return netdevice_; }};
    std::shared_ptr<RecordingDevices::Port> port_;
};

TEST_F(PortRegistryTest, KnowsItsPorts) {
    EXPECT_EQ(registry_.find(7), port_);
    EXPECT_EQ(registry_.find(8), nullptr);
    registry_.remove(7);
    EXPECT_EQ(registry_.find(7), nullptr);
    registry_.remove(7);
    EXPECT_THAT(events(), IsEmpty()) << "its creation was not reported";
}

TEST_F(PortRegistryTest, ReportsAPortAndItsVf) {
    report(EventType::port_added);
    report(EventType::vf_present, pci);
    report(EventType::vf_removed, pci);
    registry_.remove(7);
    EXPECT_THAT(events(), ElementsAre("port_added 5 net_failsafe_vsc7 eth1",
                                      "vf_present 5 net_failsafe_vsc7 eth1 0000:03:00.0",
                                      "vf_removed 5 net_failsafe_vsc7 eth1 0000:03:00.0",
                                      "port_removed 5 net_failsafe_vsc7 eth1"));
}

TEST_F(PortRegistryTest, CountsWhatItReports) {
    report(EventType::port_added);
    report(EventType::vf_present, pci);
    report(EventType::vf_removed, pci);
    report(EventType::vf_present, pci);
    EXPECT_EQ(record().plug_ins, 2U);
    EXPECT_EQ(record().removals, 1U);
    EXPECT_EQ(record().last_vf_change, devices_.time);
    registry_.count(7, &PortRecord::failed_binds);
    registry_.count(8, &PortRecord::failed_binds);
    EXPECT_EQ(record().failed_binds, 1U);
}

TEST_F(PortRegistryTest, DoesNotReportAPortThatWasClosedInBetween) {
    netdevice_.reset();
    report(EventType::port_added);
    netdevice_ = "eth1";
    devices_.state.port_id.reset();
    report(EventType::port_added);
    registry_.report({.type = EventType::port_added, .number = 8, .vf = {}}, devices_.time);
    EXPECT_THAT(events(), IsEmpty());
}

TEST_F(PortRegistryTest, ReportsEachChangeOfTheLinkOnceByTheNetdevicesPresentName) {
    registry_.report_link(7, true, devices_.time);
    EXPECT_THAT(events(), IsEmpty()) << "the port is not reported yet";
    report(EventType::port_added);
    events();
    netdevice_ = "wan";
    registry_.report_link(7, true, devices_.time);
    registry_.report_link(7, true, devices_.time);
    registry_.report_link(7, false, devices_.time);
    EXPECT_THAT(events(), ElementsAre("link_up 5 net_failsafe_vsc7 wan",
                                      "link_down 5 net_failsafe_vsc7 wan"));
}

TEST_F(PortRegistryTest, RefreshesTheLinkOfAStartedPort) {
    registry_.refresh_link(7, devices_.time);
    EXPECT_THAT(devices_.take_calls(), IsEmpty()) << "the port is not reported yet";
    report(EventType::port_added);
    registry_.refresh_link(7, devices_.time);
    EXPECT_THAT(devices_.take_calls(), IsEmpty()) << "the port is not started";
    devices_.state.started = true;
    registry_.refresh_link(7, devices_.time);
    EXPECT_THAT(devices_.take_calls(), ElementsAre("refresh link"));
    EXPECT_EQ(port_->known_up, false);
    registry_.refresh_link(8, devices_.time);
}

TEST_F(PortRegistryTest, ReportsALinkThatChangedWhileThePortWasStopped) {
    report(EventType::port_added);
    registry_.refresh_link(7, devices_.time); // missed
    devices_.state.started = true;
    devices_.state.link_up = true;
    events();
    registry_.refresh_link(7, devices_.time);
    EXPECT_THAT(events(), ElementsAre("link_up 5 net_failsafe_vsc7 eth1"));
    EXPECT_EQ(port_->known_up, true);
}

TEST_F(PortRegistryTest, MeasuresOneAnnouncementForEachNotification) {
    registry_.note_announcement(7, devices_.time);
    registry_.note_notification(
        std::vector<TrafficCommand>{Announce{.number = 7, .vf = {.id = pci}}}, devices_.time);
    registry_.note_announcement(7, devices_.time + 4ms);
    registry_.note_announcement(7, devices_.time + 9ms);
    EXPECT_EQ(record().announcements.last(), 4ms);
    EXPECT_EQ(record().announcements.longest(), 4ms);
}

TEST_F(PortRegistryTest, TheStatusHasTheReportedPortsByPortId) {
    const std::vector<Supervisor::PortView> views{
        {.number = 7, .vf_state = VfState::attached}, {.number = 8}, {.number = 9}};
    EXPECT_THAT(status_of(views, registry_.entries()), IsEmpty());
    report(EventType::port_added);
    registry_.add(8, std::make_shared<RecordingDevices::Port>(devices_));
    devices_.state.port_id = 2;
    registry_.report({.type = EventType::port_added, .number = 8, .vf = {}}, devices_.time);
    const auto all = status_of(views, registry_.entries());
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].name, "net_failsafe_vsc8");
    EXPECT_EQ(all[1].name, "net_failsafe_vsc7");
    EXPECT_EQ(all[1].fallback, Fallback::tap);
    EXPECT_EQ(all[1].path, Path::none) << "the port is not started";
}

TEST_F(PortRegistryTest, TheStatusNamesThePath) {
    report(EventType::port_added);
    devices_.state.started = true;
    const auto path = [&](VfState state) {
        return status_of({{.number = 7, .vf_state = state}}, registry_.entries()).front().path;
    };
    EXPECT_EQ(path(VfState::attached), Path::vf);
    EXPECT_EQ(path(VfState::recovering), Path::vf);
    EXPECT_EQ(path(VfState::announced), Path::none);
    devices_.state.has_fallback = true;
    EXPECT_EQ(path(VfState::announced), Path::fallback);
}

} // namespace
} // namespace netvsc::test
