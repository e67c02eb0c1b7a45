// SPDX-License-Identifier: BSD-3-Clause
#include "sysfs/attribute.hpp"

#include "base/file_descriptor.hpp"

#include <array>
#include <fcntl.h>
#include <unistd.h>

namespace netvsc {
namespace {

constexpr std::size_t page = 4096;

} // namespace

Result<std::string> read_attribute(int folder, const std::string &path) {
    const FileDescriptor file(::openat(folder, path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file.valid())
        return system_error("open " + path);
    std::array<char, page + 1> text;
    ssize_t size;
    do {
        size = ::read(file.get(), text.data(), text.size());
    } while (size < 0 && errno == EINTR);
    if (size < 0)
        return system_error("read " + path);
    if (static_cast<std::size_t>(size) > page)
        return failure(EFBIG, "read " + path);
    std::string line(text.data(), static_cast<std::size_t>(size));
    if (!line.empty() && line.back() == '\n')
        line.pop_back();
    return line;
}

Result<void> write_attribute(const std::string &path, std::string_view text) {
    const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!file.valid())
        return system_error("open " + path);
    ssize_t size;
    do {
        size = ::write(file.get(), text.data(), text.size());
    } while (size < 0 && errno == EINTR);
    if (size < 0)
        return system_error("write " + path);
    return {};
}

} // namespace netvsc
