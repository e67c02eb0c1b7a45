// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "core/command.hpp"
#include "core/vf_unused.hpp"

#include <optional>

namespace netvsc {

/// For how long a port has used its fallback although a VF of it exists, and whether applications
/// were notified. Pure, like the Supervisor that owns it.
class UnusedVf {
public:
    /// A port with an unused VF for this long raises EventType::vf_unused. A switch ends earlier
    /// on a VM that works: mlx5's probe takes about a second.
    static constexpr std::chrono::seconds patience{10};

    struct Cause {
        VfUnused reason = VfUnused::no;
        std::optional<PciAddress> vf; ///< with any other reason than `no`
        bool operator==(const Cause &) const = default;
    };

    /// The present cause.
    void observe(const Cause &cause, TimePoint now);
    /// When elapsed() has an event to report; nullopt: nothing is pending.
    [[nodiscard]] std::optional<TimePoint> deadline() const;
    void elapsed(TimePoint now, PortNumber port, Decision &decision);

    [[nodiscard]] VfUnused reason() const { return cause_.reason; }
    /// Since when the VF is unused; nullopt: it is used, or no VF exists.
    [[nodiscard]] std::optional<TimePoint> since() const {
        return cause_.reason != VfUnused::no ? since_ : std::nullopt;
    }

private:
    Cause cause_; ///< with the last VF, if the reason is `no`
    std::optional<TimePoint> since_;
    bool reported_ = false; ///< vf_unused, and its end is to be reported
};

} // namespace netvsc
