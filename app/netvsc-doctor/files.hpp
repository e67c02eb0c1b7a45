// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace netvsc::doctor {

/// Reads sysfs, proc, /dev and others. Paths begin with '/'. A file that does not exist or cannot
/// be read is empty.
class Files {
public:
    /// @param root  the folder that stands for /; empty for the machine's own
    explicit Files(std::string root) : root_(std::move(root)) {}

    [[nodiscard]] std::filesystem::path path(const std::string &name) const { return root_ + name; }
    [[nodiscard]] bool exists(const std::string &name) const;
    /// This user can read and write it.
    [[nodiscard]] bool usable(const std::string &name) const;
    [[nodiscard]] std::vector<std::string> lines(const std::string &name) const;
    /// The first line.
    [[nodiscard]] std::string text(const std::string &name) const;
    /// The names in a folder.
    [[nodiscard]] std::set<std::string> names(const std::string &folder) const;

private:
    std::string root_;
};

} // namespace netvsc::doctor
