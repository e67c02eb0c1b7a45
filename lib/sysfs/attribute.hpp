// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/error.hpp"

#include <string>
#include <string_view>

namespace netvsc {

/// The one line of a sysfs attribute, without its newline.
/// @param folder  an open folder that `path` starts from, or AT_FDCWD
/// @return  the error of the call that failed; EFBIG for more than a page (4096 bytes), which no
///          attribute of the kernel's has (kernel doc, filesystems/sysfs). Never waits for a file
///          that is something else.
[[nodiscard]] Result<std::string> read_attribute(int folder, const std::string &path);

/// Writes `text`, with a newline only where it has one, in one call.
[[nodiscard]] Result<void> write_attribute(const std::string &path, std::string_view text);

} // namespace netvsc
