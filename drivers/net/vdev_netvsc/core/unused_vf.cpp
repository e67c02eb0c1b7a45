// SPDX-License-Identifier: BSD-3-Clause
#include "core/unused_vf.hpp"

#include <algorithm>

namespace netvsc {
namespace {

std::string in_words(VfUnused reason) {
    std::string words(name_of(reason));
    std::ranges::replace(words, '_', ' ');
    return words;
}

} // namespace

std::string_view name_of(VfUnused reason) {
    switch (reason) {
    case VfUnused::no:
        return "";
    case VfUnused::attaching:
        return "attaching";
    case VfUnused::bind_failed:
        return "bind_failed";
    case VfUnused::probe_failed:
        return "probe_failed";
    case VfUnused::detached:
        return "detached";
    case VfUnused::application:
        return "application";
    case VfUnused::held:
        return "held";
    case VfUnused::no_carrier:
        return "no_carrier";
    case VfUnused::has_address:
        return "has_address";
    }
    return "unknown";
}

void UnusedVf::observe(const Cause &cause, TimePoint now) {
    cause_.reason = cause.reason;
    if (cause.reason != VfUnused::no) {
        cause_.vf = cause.vf;
        if (!since_)
            since_ = now;
    } else if (!reported_) {
        since_.reset();
    }
}

std::optional<TimePoint> UnusedVf::deadline() const {
    if (!since_)
        return std::nullopt;
    if (!reported_)
        return *since_ + patience;
    return cause_.reason == VfUnused::no ? since_ : std::nullopt;
}

void UnusedVf::elapsed(TimePoint now, PortNumber port, Decision &decision) {
    if (const auto due = deadline(); !due || now < *due)
        return;
    const std::string subject =
        port_name(port) + ": VF " + (cause_.vf ? cause_.vf->to_string() : "");
    if (!reported_) {
        reported_ = true;
        decision.log(Message::Level::warning,
                     subject + " unused for " + std::to_string(patience.count()) + " s (" +
                         in_words(cause_.reason) + "); the fallback carries the packets");
        decision.report(EventType::vf_unused, port, cause_.vf, cause_.reason);
        return;
    }
    reported_ = false;
    since_.reset();
    decision.log(Message::Level::notice, subject + " no longer unused");
    decision.report(EventType::vf_unused_end, port, cause_.vf);
}

} // namespace netvsc
