// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/error.hpp"

#include <string>
#include <string_view>

namespace netvsc {

/// Reads a sysfs attribute, without its last newline. Never blocks, even if the file is a FIFO.
/// @param folder  descriptor of the folder that @p path is relative to, or AT_FDCWD
/// @return the error of the call that failed; failure(EFBIG) for more than a page (4096 bytes),
///         which is the limit of an attribute (Documentation/filesystems/sysfs.rst)
[[nodiscard]] Result<std::string> read_attribute(int folder, const std::string &path);

/// Writes @p text to a sysfs attribute in one write(2), as it is: adds no newline. Blocks until the
/// kernel has carried out what the attribute asks for.
[[nodiscard]] Result<void> write_attribute(const std::string &path, std::string_view text);

} // namespace netvsc
