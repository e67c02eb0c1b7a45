// SPDX-License-Identifier: BSD-3-Clause
#include "recording_devices.hpp"
#include "runtime/vf_binder.hpp"
#include "vdev_netvsc/core/commands.hpp"

#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace netvsc::test {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class VfBinderTest : public testing::Test {
protected:
    VfBinderTest() {
        fs::create_directories(function());
        is_bound_to("vfio-pci");
    }
    [[nodiscard]] fs::path function() const {
        return folder_.path() / "bus/pci/devices" / pci.to_string();
    }
    /// In sysfs, as the journal checks it.
    void is_bound_to(const std::string &driver) const {
        std::ofstream(function() / "driver_override") << driver << '\n';
        fs::remove(function() / "driver");
        fs::create_symlink("../../../drivers/" + driver, function() / "driver");
    }
    [[nodiscard]] bool is_recorded() const {
        return fs::exists(folder_.path() / "journal" / pci.to_string());
    }
    std::vector<std::string> texts() {
        std::vector<std::string> all;
        for (const Notice &notice : std::exchange(decision_.notices, {}))
            all.push_back(text_of(notice));
        return all;
    }

    TemporaryFolder folder_;
    RecordingDevices devices_;
    BindingJournal journal_{folder_.path() / "journal", folder_.path()};
    VfBinder binder_{devices_, journal_};
    Decision decision_;
};

TEST_F(VfBinderTest, RecordsABindUntilTheDriverIsRestored) {
    EXPECT_FALSE(binder_.bind(pci, "vfio-pci", decision_));
    EXPECT_THAT(devices_.take_calls(), ElementsAre("remove VF", "bind vfio-pci"));
    EXPECT_TRUE(is_recorded());
    binder_.restore(pci, decision_);
    EXPECT_THAT(devices_.take_calls(), ElementsAre("restore"));
    EXPECT_FALSE(is_recorded());
    EXPECT_THAT(texts(), IsEmpty());
}

TEST_F(VfBinderTest, LeavesThePortOfAVfThatHasTheDriverAlready) {
    devices_.driver = "vfio-pci";
    EXPECT_FALSE(binder_.bind(pci, "vfio-pci", decision_));
    EXPECT_THAT(devices_.take_calls(), ElementsAre("bind vfio-pci"));
}

TEST_F(VfBinderTest, DoesNotRecordAFailedBind) {
    devices_.bind_problem = "no such driver";
    EXPECT_EQ(binder_.bind(pci, "vfio-pci", decision_), "no such driver");
    EXPECT_FALSE(is_recorded());
}

TEST_F(VfBinderTest, WarnsOfABindThatCannotBeRecorded) {
    std::ofstream(folder_.path() / "journal") << "no folder";
    EXPECT_FALSE(binder_.bind(pci, "vfio-pci", decision_));
    EXPECT_THAT(texts(), ElementsAre(HasSubstr("warning: VF 0000:03:00.0: bind not recorded")));
}

TEST_F(VfBinderTest, ForgetsAFunctionThatIsRemoved) {
    (void)binder_.bind(pci, "vfio-pci", decision_);
    binder_.forget_removed(pci);
    EXPECT_TRUE(is_recorded()) << "another device has the address";
    devices_.function_exists = false;
    binder_.forget_removed(pci);
    EXPECT_FALSE(is_recorded());
}

TEST_F(VfBinderTest, DoesNotRestoreAFunctionThatIsRemoved) {
    (void)binder_.bind(pci, "vfio-pci", decision_);
    devices_.take_calls();
    devices_.function_exists = false;
    binder_.restore(pci, decision_);
    EXPECT_THAT(devices_.take_calls(), IsEmpty());
    EXPECT_FALSE(is_recorded());
}

TEST_F(VfBinderTest, RestoresLaterWhatItCouldNotRestore) {
    (void)binder_.bind(pci, "vfio-pci", decision_);
    devices_.restore_error = EIO;
    binder_.restore(pci, decision_);
    EXPECT_THAT(texts(), ElementsAre(HasSubstr("kernel driver not restored")));
    devices_.restore_error = 0;
    devices_.take_calls();
    decision_ = binder_.restore_abandoned();
    EXPECT_THAT(devices_.take_calls(), ElementsAre("remove VF", "restore"));
    EXPECT_THAT(texts(), ElementsAre(HasSubstr("notice: VF 0000:03:00.0: left bound")));
    EXPECT_TRUE(binder_.restore_abandoned().empty());
}

TEST_F(VfBinderTest, LeavesAFunctionThatTheApplicationUses) {
    using enum Devices::VfPortUse;
    for (const auto use : {started, owned}) {
        (void)binder_.bind(pci, "vfio-pci", decision_);
        journal_.release(pci);
        devices_.take_calls();
        devices_.use = use;
        EXPECT_TRUE(binder_.restore_abandoned().empty());
        EXPECT_THAT(devices_.take_calls(), IsEmpty());
        journal_.erase(pci);
    }
}

} // namespace
} // namespace netvsc::test
