// SPDX-License-Identifier: BSD-3-Clause
//
// Reports dead lcores. Reads the shared memory that net_vdev_netvsc (keepalive=), l2fwd-keepalive
// or DPDK's example of the same name writes. This program is not a DPDK process.

#include "ka-agent/agent.hpp"
#include "ka-agent/options.hpp"

#include <csignal>
#include <exception>
#include <iostream>
#include <sys/signalfd.h>

int main(int count, char **arguments) {
    try {
        auto options = netvsc::Options::parse({arguments + 1, arguments + count});
        if (!options) {
            std::cerr << "ka-agent: " << options.error() << '\n' << netvsc::Options::usage;
            return 2;
        }
        if (options->help) {
            std::cout << netvsc::Options::usage;
            return 0;
        }
        sigset_t ends;
        sigemptyset(&ends);
        sigaddset(&ends, SIGINT);
        sigaddset(&ends, SIGTERM);
        sigaddset(&ends, SIGHUP);
        // NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread
        sigprocmask(SIG_BLOCK, &ends, nullptr);
        netvsc::FileDescriptor signals(signalfd(-1, &ends, SFD_CLOEXEC));
        if (!signals.valid()) {
            std::cerr << "ka-agent: " << netvsc::system_error("signalfd").error().message() << '\n';
            return 2;
        }
        return netvsc::Agent(std::move(*options), std::move(signals)).run();
    } catch (const std::exception &error) {
        std::cerr << "ka-agent: " << error.what() << '\n';
        return 2;
    }
}
