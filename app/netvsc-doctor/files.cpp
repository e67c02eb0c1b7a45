// SPDX-License-Identifier: BSD-3-Clause
#include "netvsc-doctor/files.hpp"

#include <fstream>
#include <system_error>
#include <unistd.h>

namespace netvsc::doctor {

bool Files::exists(const std::string &name) const {
    return ::access(path(name).c_str(), F_OK) == 0;
}

bool Files::usable(const std::string &name) const {
    return ::access(path(name).c_str(), R_OK | W_OK) == 0;
}

std::vector<std::string> Files::lines(const std::string &name) const {
    std::vector<std::string> all;
    std::ifstream file(path(name));
    for (std::string line; std::getline(file, line);)
        all.push_back(std::move(line));
    return all;
}

std::string Files::text(const std::string &name) const {
    std::string line;
    std::ifstream file(path(name));
    std::getline(file, line);
    return line;
}

std::set<std::string> Files::names(const std::string &folder) const {
    std::set<std::string> all;
    std::error_code error;
    for (std::filesystem::directory_iterator entry(path(folder), error), end;
         !error && entry != end; entry.increment(error))
        all.insert(entry->path().filename());
    return all;
}

} // namespace netvsc::doctor
