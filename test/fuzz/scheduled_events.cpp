// SPDX-License-Identifier: BSD-3-Clause
// netvsc-scheduled-events with answers that do not come from Azure.
//
// The input: one or more answers, each up to a NUL byte.
#include "netvsc-scheduled-events/document.hpp"
#include "netvsc-scheduled-events/schedule.hpp"
#include "require.hpp"

#include <algorithm>
#include <cstdint>
#include <string_view>

using namespace netvsc;
using namespace netvsc::scheduled;

namespace {

bool is_printable(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    std::string_view rest(reinterpret_cast<const char *>(data), size);
    const Policy policy{.machine = "vm1"};
    Schedule schedule(policy);
    Time now(std::chrono::seconds(1'649'716'000)); // 18 s before the seeds' event
    while (!rest.empty()) {
        const auto answer = rest.substr(0, rest.find('\0'));
        rest.remove_prefix(std::min(rest.size(), answer.size() + 1));
        auto document = parse_document(answer);
        if (!document) {
            require(!document.error().empty() && is_printable(document.error()));
            continue;
        }
        planted_bug(document->incarnation % 2 == 1 && !document->events.empty());
        for (const Event &event : document->events)
            require(is_printable(text_of(event)));
        schedule.update(std::move(document->events));
        // From two hours before: an event that is held now is held for at most policy.longest.
        for (int step = 0; step < 4; ++step, now += policy.longest) {
            const Event *held = schedule.holding(now);
            require(held == nullptr || (schedule.concerns(*held) && schedule.lists(held->id)));
            const bool same = held != nullptr && schedule.holding(now + policy.longest) == held;
            require(!same);
        }
    }
    return 0;
}
