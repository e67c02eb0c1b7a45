// SPDX-License-Identifier: BSD-3-Clause
//
// Reports dead lcores. Reads the shared memory that net_vdev_netvsc (keepalive=), l2fwd-keepalive
// or DPDK's example of the same name writes. This program is not a DPDK process.

#include "base/end_signals.hpp"
#include "ka-agent/agent.hpp"
#include "ka-agent/options.hpp"
#include "tool/run_tool.hpp"

#include <iostream>
#include <utility>

namespace netvsc {
namespace {

int run(Options options) {
    auto signals = EndSignals().descriptor();
    if (!signals) {
        std::cerr << "ka-agent: " << signals.error().message() << '\n';
        return 2;
    }
    return Agent(std::move(options), std::move(*signals)).run();
}

} // namespace
} // namespace netvsc

int main(int count, char **arguments) {
    using namespace netvsc;
    return run_tool<Options>("ka-agent", count, arguments, run, 2);
}
