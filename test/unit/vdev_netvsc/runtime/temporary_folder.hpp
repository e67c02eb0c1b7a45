// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cerrno>
#include <filesystem>
#include <stdlib.h>
#include <string>
#include <system_error>

namespace netvsc::test {

/// A folder for one test.
class TemporaryFolder {
public:
    TemporaryFolder() {
        path_ = std::filesystem::temp_directory_path() / "netvsc_test.XXXXXX";
        if (::mkdtemp(path_.data()) == nullptr)
            throw std::filesystem::filesystem_error(path_, {errno, std::generic_category()});
    }
    TemporaryFolder(const TemporaryFolder &) = delete;
    TemporaryFolder &operator=(const TemporaryFolder &) = delete;
    ~TemporaryFolder() { std::filesystem::remove_all(path_); }
    [[nodiscard]] const std::string &path() const { return path_; }

private:
    std::string path_;
};

} // namespace netvsc::test
