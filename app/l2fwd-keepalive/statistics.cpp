// SPDX-License-Identifier: BSD-3-Clause
#include "l2fwd-keepalive/statistics.hpp"

#include <iomanip>
#include <sstream>

namespace netvsc {
namespace {

void line(std::ostream &out, const std::string &what, std::uint64_t number) {
    out << std::left << std::setw(24) << what + ':' << std::right << std::setw(20) << number
        << '\n';
}

} // namespace

std::string statistics(std::span<const std::unique_ptr<Path>> paths,
                       std::span<const std::unique_ptr<Worker>> workers) {
    std::ostringstream out;
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
    std::uint64_t dropped = 0;
    out << "\nPort statistics ============================\n";
    for (const auto &path : paths) {
        out << "Statistics for port " << path->from << '\n';
        for (const auto &other : paths) {
            if (other->to != path->from)
                continue;
            line(out, "  Packets sent", other->sent.get());
            line(out, "  Packets dropped", other->dropped.get());
        }
        line(out, "  Packets received", path->received.get());
        sent += path->sent.get();
        received += path->received.get();
        dropped += path->dropped.get();
    }
    out << "Aggregate statistics\n";
    line(out, "  Packets sent", sent);
    line(out, "  Packets dropped", dropped);
    line(out, "  Packets received", received);
    for (const auto &worker : workers)
        line(out, "Restarts of lcore " + std::to_string(worker->lcore()), worker->restarts());
    out << "============================================\n";
    return out.str();
}

} // namespace netvsc
