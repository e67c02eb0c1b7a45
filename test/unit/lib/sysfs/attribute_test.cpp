// SPDX-License-Identifier: BSD-3-Clause
#include "sysfs/attribute.hpp"

#include <cerrno>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

namespace netvsc {
namespace {

// A file of these contents, in memory, by its path.
class File {
public:
    explicit File(const std::string &text) : descriptor_(::memfd_create("attribute_test", 0)) {
        EXPECT_EQ(::write(descriptor_, text.data(), text.size()),
                  static_cast<ssize_t>(text.size()));
    }
    ~File() { ::close(descriptor_); }
    File(const File &) = delete;
    File &operator=(const File &) = delete;

    [[nodiscard]] std::string path() const {
        return "/proc/self/fd/" + std::to_string(descriptor_);
    }

private:
    int descriptor_;
};

Result<std::string> read(const std::string &text) {
    return read_attribute(AT_FDCWD, File(text).path());
}

TEST(AttributeTest, IsReadWithoutItsNewline) {
    EXPECT_EQ(read("0x1414\n"), "0x1414");
    EXPECT_EQ(read("0x1414"), "0x1414");
    EXPECT_EQ(read("\n"), "");
    EXPECT_EQ(read(""), "");
}

TEST(AttributeTest, IsAPageAtTheMost) {
    const std::string page(4095, 'x');
    EXPECT_EQ(read(page + "\n"), page);
    EXPECT_EQ(read(page + "xx").error().number, EFBIG);
}

TEST(AttributeTest, NamesTheUnreadableFile) {
    const auto missing = read_attribute(AT_FDCWD, "/proc/self/no_such_file");
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().number, ENOENT);
    EXPECT_NE(missing.error().message().find("/proc/self/no_such_file"), std::string::npos);
    EXPECT_EQ(read_attribute(AT_FDCWD, "/proc/self").error().number, EISDIR);
}

TEST(AttributeTest, IsWrittenAsGiven) {
    const File file("e1000e\n");
    EXPECT_TRUE(write_attribute(file.path(), "vfio-pci"));
    EXPECT_EQ(read_attribute(AT_FDCWD, file.path()), "vfio-pci");
    EXPECT_EQ(write_attribute("/proc/self", "x").error().number, EISDIR);
}

} // namespace
} // namespace netvsc
