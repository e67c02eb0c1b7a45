// SPDX-License-Identifier: BSD-3-Clause
// The collectd plugin with shared memory that holds anything and changes its size as it likes.
//
// The input is a list of steps: two bytes of size (its low bits those of areas near RTE_MAX_LCORE's
// if the highest bit is set), one of flags, then the content, as far as there is any.
#include "collector.hpp"
#include "keepalive_layout.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

using namespace netvsc;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    static const std::string name = "/netvsc_fuzz_" + std::to_string(::getpid());
    static const std::string path = shm_folder + name;
    collectd::Config config{
        .keepalive = collectd::KeepaliveConfig{
            .notify = size % 2 == 0, .lcores = collectd::BitMask().set(), .shm_name = name}};
    collectd::Collector collector(std::move(config), "/nowhere");
    while (size >= 3) {
        std::size_t length = data[0] | (data[1] & 0x7fU) << 8U;
        if ((data[1] & 0x80U) != 0)
            length = KeepaliveLayout(128 + data[0] % 4).size();
        const unsigned flags = data[2];
        data += 3;
        size -= 3;
        if ((flags & 1U) != 0)
            ::unlink(path.c_str()); // replaced rather than changed
        const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (file < 0 || ::ftruncate(file, static_cast<off_t>(length)) != 0)
            std::abort();
        const std::size_t content = std::min(size, length);
        if (::pwrite(file, data, content, 0) != static_cast<ssize_t>(content))
            std::abort();
        (void)::fchmod(file, (flags & 2U) != 0 ? 0666 : 0600);
        ::close(file);
        data += content;
        size -= content;
        (void)collector.read();
    }
    ::unlink(path.c_str());
    return 0;
}
