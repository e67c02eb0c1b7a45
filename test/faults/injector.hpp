// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "calls.hpp"

#include <string>
#include <vector>

namespace netvsc::test {

/// A call of the driver's that can fail: by which function, and from where.
struct Place {
    const Call *call = nullptr;
    /// Offsets into the driver of the frames that led to it, the innermost first.
    std::vector<std::size_t> path;

    auto operator<=>(const Place &) const = default;
    /// "open64 at 0x1a2b < 0x3c4d", for addr2line(1)
    [[nodiscard]] std::string to_string() const;
};

/// A call that fails, and how.
struct Fault {
    Place place;
    int error = 0;

    auto operator<=>(const Fault &) const = default;
};

/// Where a place was first called.
struct Sighting {
    Place place;
    unsigned step = 0;        ///< see Injector::set_step()
    std::vector<Fault> after; ///< the faults that led to it, in their order
};

/// Stands between the driver and what it calls: sees each call, and lets some of them fail.
///
/// It changes the driver's import table (and libmnl's and libstdc++'s, which call the kernel on
/// the driver's behalf) in this process's memory, so the driver runs as it was built.
/// x86-64 only. One in a process; all functions may be called from any thread.
class Injector {
public:
    /// @param depth  how many of the driver's frames make a place: 1 is the call alone
    /// Ends the process with a message if the driver is not loaded, or imports a function that
    /// calls.cpp does not know.
    static void install(std::size_t depth);

    /// What is being done from now on: a number for the sightings.
    static void set_step(unsigned step);

    /// The places called so far, in the order in which they were first.
    [[nodiscard]] static std::vector<Sighting> sightings();

    /// The next call from each of these places fails, once. Takes the place of what was armed.
    static void arm(const std::vector<Fault> &faults);
    static void disarm() { arm({}); }
    /// Of what was armed last: how many have come about.
    [[nodiscard]] static std::size_t fired();
};

} // namespace netvsc::test
