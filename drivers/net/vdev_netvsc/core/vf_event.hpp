// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "core/command.hpp"

#include <string>
#include <variant>

namespace netvsc {

// ---- Outcomes of commands, for the port that the command was for.

/// The VF is bound to the kernel driver that vf_bind= names.
struct VfBound {};
/// The VF could not be bound and has its old kernel driver.
struct VfBindFailed {
    std::string reason; ///< for the user
};
/// The application was configuring the port, or has stopped it: the VF was not announced.
struct VfHeldBack {};
struct VfProbed {
    int error = 0; ///< positive errno; 0: success, and the address is in the pipe
};
struct VfChecked {
    bool taken = false; ///< fail-safe owns the VF's port
};
struct VfWithdrawn {
    bool port_remains = false; ///< fail-safe has yet to close the VF's ethdev port
};

// ---- Events of the VF's ethdev port.

struct VfPortClosed {
    bool by_application = false; ///< false: by fail-safe on its own account
};
/// RTE_ETH_EVENT_INTR_RMV, raised by the PMD or by the driver.
struct VfRemovalRaised {};
/// RTE_ETH_EVENT_ERR_RECOVERING.
struct VfRecovering {};
/// RTE_ETH_EVENT_RECOVERY_SUCCESS or _FAILED.
struct VfRecovered {
    bool success = false;
};

// ---- Events of the VF's PCI function.

/// The function was removed, whatever its netdevice shows.
struct VfFunctionRemoved {
    /// Another device has the address by now, and may be the one that is bound.
    bool replaced = false;
};
/// The function has no kernel driver: it is about to be removed, or somebody rebinds it. Matters
/// only for a function that the driver bound; the netdevice shows the end of any other.
struct VfFunctionUnbound {};
/// vfio requests the release of a function that is present, or its registers were unmapped.
/// Matters only for a function that the driver bound. If it is still present a moment later, it is
/// announced again.
struct VfReleaseRequested {};

/// What can happen to a VF.
using VfEvent = std::variant<VfBound, VfBindFailed, VfHeldBack, VfProbed, VfChecked, VfWithdrawn,
                             VfPortClosed, VfRemovalRaised, VfRecovering, VfRecovered,
                             VfFunctionRemoved, VfFunctionUnbound, VfReleaseRequested>;

// ---- Outcomes of commands.

struct PortCreated {
    PortNumber number = 0;
};
struct PortFailed {
    PortNumber number = 0;
    int error = 0; ///< positive errno; EEXIST: something else has the port's name
};
/// ReleaseVf or RestoreDriver is done: any port may take the VF.
struct VfReleased {
    VfId vf;
};
/// What became of a command about a port's VF.
struct VfOutcome {
    PortNumber number = 0;
    VfId vf;
    VfEvent event;
};

using Outcome = std::variant<PortCreated, PortFailed, VfReleased, VfOutcome>;

} // namespace netvsc
