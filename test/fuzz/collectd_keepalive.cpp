// SPDX-License-Identifier: BSD-3-Clause
// The collectd plugin with shared memory that holds anything and changes its size as it likes.
//
// The input is a list of steps: two bytes of size (HostileArea::length_of), one of flags, then the
// content, as far as there is any.
#include "collectd/collector.hpp"
#include "hostile_area.hpp"

#include <cstdint>
#include <string>

using namespace netvsc;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    static const HostileArea area;
    collectd::Config config{
        .keepalive = collectd::KeepaliveConfig{
            .notify = size % 2 == 0, .lcores = collectd::BitMask().set(), .shm_name = area.name()}};
    collectd::Collector collector(std::move(config), "/nowhere");
    while (size >= 3) {
        const std::size_t length = HostileArea::length_of(data[0], data[1]);
        const unsigned flags = data[2];
        data += 3;
        size -= 3;
        if ((flags & 1U) != 0)
            area.remove(); // replaced rather than changed
        const std::size_t used = area.fill(length, data, size, (flags & 2U) != 0 ? 0666 : 0600);
        data += used;
        size -= used;
        const auto report = collector.read();
        for (const auto &notification : report.notifications)
            planted_bug(notification.message.find("DOZING") != std::string::npos);
    }
    area.remove();
    return 0;
}
