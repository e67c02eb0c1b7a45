// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cerrno>
#include <filesystem>
#include <stdlib.h>
#include <string>
#include <system_error>

namespace netvsc::test {

/// A folder for one test. Removed with its contents.
class TemporaryFolder {
public:
    TemporaryFolder() {
        std::string pattern = std::filesystem::temp_directory_path() / "netvsc_test.XXXXXX";
        if (::mkdtemp(pattern.data()) == nullptr)
            throw std::filesystem::filesystem_error(pattern, {errno, std::generic_category()});
        path_ = pattern;
    }
    TemporaryFolder(const TemporaryFolder &) = delete;
    TemporaryFolder &operator=(const TemporaryFolder &) = delete;
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    [[nodiscard]] const std::filesystem::path &path() const { return path_; }

private:
    std::filesystem::path path_;
};

} // namespace netvsc::test
