// SPDX-License-Identifier: BSD-3-Clause
#include "sysfs/attribute.hpp"

#include "base/file_descriptor.hpp"

#include <array>
#include <fcntl.h>

namespace netvsc {
namespace {

constexpr std::size_t page = 4096;

} // namespace

Result<std::string> read_attribute(int folder, const std::string &path) {
    const auto file = FileDescriptor::open_at(folder, path, O_RDONLY | O_NONBLOCK);
    if (!file)
        return std::unexpected(file.error());
    std::array<char, page + 1> text;
    const auto size = file->read(text, path);
    if (!size)
        return std::unexpected(size.error());
    if (*size > page)
        return failure(EFBIG, "read " + path);
    std::string line(text.data(), *size);
    if (!line.empty() && line.back() == '\n')
        line.pop_back();
    return line;
}

Result<void> write_attribute(const std::string &path, std::string_view text) {
    const auto file = FileDescriptor::open(path, O_WRONLY);
    if (!file)
        return std::unexpected(file.error());
    const auto written = file->write(text, path);
    return written ? Result<void>{} : std::unexpected(written.error());
}

} // namespace netvsc
