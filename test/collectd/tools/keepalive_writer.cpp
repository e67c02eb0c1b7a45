// SPDX-License-Identifier: BSD-3-Clause
// A keepalive area as an application writes it, for tests of its readers.
// usage: keepalive_writer NAME LCORES
// Reads lines "<lcore> <state's value>" from standard input, answering each "ok" when it has been
// written; the area goes when standard input ends.
#include "keepalive/keepalive_area.hpp"

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>

int main(int argc, char **argv) {
    using namespace netvsc;
    if (argc != 3) {
        std::cerr << "usage: keepalive_writer NAME LCORES\n";
        return 2;
    }
    auto area = KeepaliveArea::create(
        {.name = argv[1], .lcores = static_cast<unsigned>(std::strtoul(argv[2], nullptr, 10))});
    if (!area) {
        std::cerr << "keepalive_writer: " << area.error().message() << '\n';
        return 1;
    }
    std::cout << "ready" << std::endl;
    unsigned lcore = 0;
    unsigned state = 0;
    while (std::cin >> lcore >> state) {
        const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
        area->set(lcore, static_cast<LcoreState>(state), static_cast<std::uint64_t>(now));
        std::cout << "ok" << std::endl;
    }
    return 0;
}
