// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/error.hpp"
#include "base/file_descriptor.hpp"

#include <functional>
#include <optional>
#include <string_view>

namespace netvsc {

/// Reads the kernel's log (/dev/kmsg); move-only. One thread at a time.
class KernelLog {
public:
    /// Starts after the last record. Needs CAP_SYSLOG if kernel.dmesg_restrict is 1.
    /// @param path  /dev/kmsg, or a file with records of the same form
    [[nodiscard]] static Result<KernelLog> open(const char *path = "/dev/kmsg");

    /// Readable when read() has something to read. Owned by this object.
    [[nodiscard]] int fd() const { return file_.get(); }

    /// Passes the text of each new record to @p sink, without waiting. Reads a bounded number of
    /// records; poll(2) reports the rest again. Records that the kernel has overwritten are
    /// skipped.
    [[nodiscard]] Result<void> read(const std::function<void(std::string_view)> &sink) const;

private:
    explicit KernelLog(FileDescriptor file) : file_(std::move(file)) {}

    FileDescriptor file_;
};

/// The text of one record as /dev/kmsg returns it: "<numbers>;<text>\n[ <key>=<value>\n]..."
/// (Documentation/ABI/testing/dev-kmsg in Linux). Empty for a malformed record.
[[nodiscard]] std::string_view text_of_record(std::string_view record);

} // namespace netvsc
