// SPDX-License-Identifier: BSD-3-Clause
//
// PciBinder on a folder that looks like sysfs, whose kernel binds nothing: what is refused, and
// what the journal keeps. The lab shows that it really binds and restores
// (test/vm/test_pci_bind.py).

#include "common/temporary_folder.hpp"
#include "sysfs/pci_binder.hpp"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

namespace netvsc {
namespace {

namespace fs = std::filesystem;

class PciBinderTest : public testing::Test {
protected:
    PciBinderTest() {
        fs::create_directories(device());
        for (const char *driver : {"e1000e", "vfio-pci"})
            fs::create_directories(pci() / "drivers" / driver);
        for (const auto &file : {pci() / "drivers/e1000e/unbind", pci() / "drivers_probe"})
            std::ofstream(file) << "";
        std::ofstream(device() / "driver_override") << "(null)\n";
        is_bound_to("e1000e");
    }
    fs::path pci() const { return folder_.path() / "sys/bus/pci"; }
    fs::path device() const { return pci() / "devices" / name; }
    fs::path journal() const { return folder_.path() / "journal"; }
    void is_bound_to(const std::string &driver) const {
        fs::remove(device() / "driver");
        fs::create_symlink("../../drivers/" + driver, device() / "driver");
    }
    int error_of_bind(const std::string &driver) {
        const auto bound = binder_.bind(address, driver);
        return bound ? 0 : bound.error().number;
    }
    int error_of_restore() {
        const auto restored = binder_.restore(address);
        return restored ? 0 : restored.error().number;
    }

    static constexpr PciAddress address{.bus = 2};
    static constexpr const char *name = "0000:02:00.0";

    test::TemporaryFolder folder_;
    PciBinder binder_{journal(), folder_.path() / "sys"};
};

TEST_F(PciBinderTest, RefusesAFunctionThatDoesNotExist) {
    fs::remove_all(device());
    EXPECT_EQ(error_of_bind("vfio-pci"), ENXIO);
    EXPECT_FALSE(fs::exists(journal()));
}

TEST_F(PciBinderTest, DoesNothingIfTheFunctionIsBoundToIt) {
    EXPECT_EQ(error_of_bind("e1000e"), 0);
    EXPECT_FALSE(fs::exists(journal()));
    EXPECT_EQ(error_of_restore(), ENOENT);
}

TEST_F(PciBinderTest, AFailedBindLeavesNoRecord) {
    EXPECT_EQ(error_of_bind("uio_pci_generic"), ENOENT);
    EXPECT_EQ(error_of_bind("vfio-pci"), ENODEV);
    EXPECT_EQ(error_of_bind("../x"), EINVAL);
    EXPECT_FALSE(fs::exists(journal() / name));
    EXPECT_EQ(error_of_restore(), ENOENT);
}

TEST_F(PciBinderTest, LeavesAloneWhatAnotherProcessHasBound) {
    BindingJournal other(journal(), folder_.path() / "sys");
    ASSERT_TRUE(other.record(address, "vfio-pci"));
    EXPECT_EQ(error_of_bind("vfio-pci"), EBUSY);
    EXPECT_TRUE(fs::exists(journal() / name));
    std::ostringstream override_text;
    override_text << std::ifstream(device() / "driver_override").rdbuf();
    EXPECT_EQ(override_text.str(), "(null)\n");
}

TEST_F(PciBinderTest, RestoresOnlyWhatItHasBound) { EXPECT_EQ(error_of_restore(), ENOENT); }

} // namespace
} // namespace netvsc
