// SPDX-License-Identifier: BSD-3-Clause
//
// Holds VFs while Azure services the host of this virtual machine.

#include "base/end_signals.hpp"
#include "netvsc-scheduled-events/agent.hpp"
#include "netvsc-scheduled-events/options.hpp"
#include "tool/run_tool.hpp"

#include <iostream>

namespace netvsc::scheduled {
namespace {

int complain(const std::string &problem) {
    std::cerr << "netvsc-scheduled-events: " << problem << '\n';
    return 1;
}

int run(const Options &options) {
    const EndSignals signals;
    auto metadata = MetadataClient::create(options.url, options.timeout);
    if (!metadata)
        return complain(metadata.error());
    Agent agent(options, std::move(*metadata));
    if (options.once)
        return agent.print_events() ? 0 : 1;
    do
        agent.step();
    while (signals.wait(options.interval));
    agent.end();
    return 0;
}

} // namespace
} // namespace netvsc::scheduled

int main(int count, char **arguments) {
    using namespace netvsc::scheduled;
    return netvsc::run_tool<Options>("netvsc-scheduled-events", count, arguments, run);
}
