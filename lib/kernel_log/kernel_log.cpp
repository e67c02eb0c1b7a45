// SPDX-License-Identifier: BSD-3-Clause
#include "kernel_log/kernel_log.hpp"

#include <array>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

namespace netvsc {
namespace {

constexpr int records_per_read = 64;
constexpr std::size_t record_size = 8192; // CONSOLE_EXT_LOG_MAX in Linux's printk

} // namespace

Result<KernelLog> KernelLog::open(const char *path) {
    auto file = FileDescriptor::open(path, O_RDONLY | O_NONBLOCK);
    if (!file)
        return std::unexpected(std::move(file.error()));
    if (::lseek(file->get(), 0, SEEK_END) < 0)
        return system_error(std::string("seek ") + path);
    return KernelLog(std::move(*file));
}

Result<void> KernelLog::read(const std::function<void(std::string_view)> &sink) const {
    std::array<char, record_size> buffer;
    for (int i = 0; i < records_per_read; ++i) {
        const auto size = file_.read(buffer, "kernel log");
        if (!size && size.error().number == EPIPE)
            continue;
        if (!size && size.error().number == EAGAIN)
            return {};
        if (!size)
            return std::unexpected(size.error());
        if (*size == 0)
            return {};
        sink(text_of_record({buffer.data(), *size}));
    }
    return {};
}

std::string_view text_of_record(std::string_view record) {
    const std::size_t start = record.find(';');
    if (start == record.npos)
        return {};
    record.remove_prefix(start + 1);
    return record.substr(0, record.find('\n'));
}

} // namespace netvsc
