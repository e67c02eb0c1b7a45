// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "keepalive/keepalive_layout.hpp"
#include "require.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

namespace netvsc {

/// Shared memory that holds what a fuzzer's input says.
class HostileArea {
public:
    HostileArea()
        : name_("/netvsc_fuzz_" + std::to_string(::getpid())), path_(shm_folder + name_) {}
    HostileArea(const HostileArea &) = delete;
    HostileArea &operator=(const HostileArea &) = delete;
    ~HostileArea() { remove(); }

    [[nodiscard]] const std::string &name() const { return name_; }
    void remove() const { ::unlink(path_.c_str()); }

    /// Of two bytes: any size, or, with the highest bit set, one that an area has.
    [[nodiscard]] static std::size_t length_of(std::uint8_t low, std::uint8_t high) {
        if ((high & 0x80U) != 0)
            return KeepaliveLayout(128 + low % 4).size();
        return low | std::size_t{high} << 8U;
    }

    /// @return how much of the content went in
    std::size_t fill(std::size_t length, const std::uint8_t *content, std::size_t size,
                     mode_t mode = 0600) const {
        const int file = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        require(file >= 0 && ::ftruncate(file, static_cast<off_t>(length)) == 0);
        const std::size_t used = std::min(size, length);
        require(::pwrite(file, content, used, 0) == static_cast<ssize_t>(used));
        (void)::fchmod(file, mode);
        ::close(file);
        return used;
    }

private:
    const std::string name_;
    const std::string path_;
};

} // namespace netvsc
