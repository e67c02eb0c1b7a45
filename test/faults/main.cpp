// SPDX-License-Identifier: BSD-3-Clause
//
// Injects faults into the driver's calls, one at a time. Then checks the process, its resources and
// the driver's state. Runs in the lab (test_faults.py).
//
// usage: faults <EAL arguments> -- [--all-errors] [--each-function] [--depth=N] [--only=TEXT]
//               NETDEVICE VF ARGUMENTS...
//   NETDEVICE  the NetVSC
//   VF         PCI address of its VF, which is present
//   ARGUMENTS  further device arguments: a series of rounds for each
//   --all-errors, --each-function, --only  see Plan
//   --depth    a place is a call with so many of the driver's frames above it (1: the call alone)
// Exit status 0 if all went well, 1 if there were findings, 2 if it could not be tried.
#include "trial.hpp"

#include <cstdlib>
#include <exception>
#include <getopt.h>
#include <iostream>

#include <rte_eal.h>

namespace netvsc::test {
namespace {

int usage() {
    std::cerr << "usage: faults <EAL arguments> -- [--all-errors] [--each-function] [--depth=N] "
                 "[--only=TEXT] NETDEVICE VF ARGUMENTS...\n";
    return 2;
}

int run(int argc, char **argv) {
    std::string prefix = "rte";
    for (int i = 1; i + 1 < argc; ++i) {
        if (std::string_view(argv[i]) == "--file-prefix")
            prefix = argv[i + 1];
    }
    const int eal = rte_eal_init(argc, argv);
    if (eal < 0)
        return 2;
    argc -= eal;
    argv += eal;
    Plan plan;
    std::size_t depth = 1;
    const option known[] = {{"all-errors", no_argument, nullptr, 'a'},
                            {"each-function", no_argument, nullptr, 'e'},
                            {"depth", required_argument, nullptr, 'd'},
                            {"only", required_argument, nullptr, 'o'},
                            {}};
    optind = 1;
    for (int given = 0; (given = ::getopt_long(argc, argv, "", known, nullptr)) != -1;) {
        switch (given) {
        case 'a':
            plan.all_errors = true;
            break;
        case 'e':
            plan.each_function = true;
            break;
        case 'd':
            depth = std::strtoul(optarg, nullptr, 10);
            break;
        case 'o':
            plan.only = optarg;
            break;
        default:
            return usage();
        }
    }
    if (argc - optind < 3 || depth == 0)
        return usage();
    const auto vf = PciAddress::parse(argv[optind + 1]);
    if (!vf)
        return usage();
    plan.series.assign(argv + optind + 2, argv + argc);
    Application application({.netdevice = argv[optind], .vf = *vf, .file_prefix = prefix});
    application.fill_event_ring();
    Injector::install(depth);
    return Trial(application, *vf, std::move(plan)).run() ? 0 : 1;
}

} // namespace
} // namespace netvsc::test

int main(int argc, char **argv) {
    int status = 2;
    try {
        status = netvsc::test::run(argc, argv);
    } catch (const std::exception &error) {
        std::cerr << "faults: " << error.what() << std::endl;
    }
    std::_Exit(status); // the worker still runs
}
