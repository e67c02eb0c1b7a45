// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/mutex.hpp"
#include "core/vf_event.hpp"
#include "runtime/port_registry.hpp"
#include "runtime/vf_binder.hpp"

#include <functional>
#include <set>

namespace netvsc {

/// Executes the core's commands. Each execution returns what the core decides next.
///
/// Traffic commands: in EAL's interrupt thread, one at a time. Port commands: any thread. The
/// caller holds no lock that fail-safe, ethdev or the vdev bus might need.
class CommandExecutor {
public:
    /// Passes an outcome to the core. @return the core's decision
    using Answer = std::function<Decision(const Outcome &)>;

    /// All references must outlive this object.
    CommandExecutor(Devices &devices, PortRegistry &registry, VfBinder &binder, Answer answer)
        : devices_(devices), registry_(registry), binder_(binder), answer_(std::move(answer)) {}

    [[nodiscard]] Decision execute(const TrafficCommand &command);
    /// @param being_removed  the driver's own device, if the vdev bus is removing that
    [[nodiscard]] Decision execute(const PortCommand &command,
                                   const rte_vdev_device *being_removed = nullptr);
    /// Removes devices that an earlier command had to leave on the vdev bus.
    [[nodiscard]] Decision remove_leftovers();

private:
    [[nodiscard]] Decision run(const Announce &command);
    [[nodiscard]] Decision run(const Withdraw &command);
    [[nodiscard]] Decision run(const RestoreDriver &command);
    [[nodiscard]] Decision run(const CheckVf &command);
    [[nodiscard]] Decision run(const RefreshLink &command);
    [[nodiscard]] Decision run(const RaisePortEvent &command);

    [[nodiscard]] Decision run(const CreatePort &command, const rte_vdev_device *being_removed);
    [[nodiscard]] Decision run(const DestroyPort &command, const rte_vdev_device *being_removed);
    [[nodiscard]] Decision run(const ReleaseVf &command, const rte_vdev_device *being_removed);

    [[nodiscard]] Decision prepare_vf(PortDevice &port, PortNumber number, const Vf &vf,
                                      const std::string &bind, bool link_up);
    [[nodiscard]] Decision port_failed(PortNumber number, const Error &error);
    void add_leftover(PortNumber number);

    Devices &devices_;
    PortRegistry &registry_;
    VfBinder &binder_;
    const Answer answer_;
    Mutex leftovers_mutex_; ///< a leaf
    std::set<PortNumber> leftovers_ NETVSC_GUARDED_BY(leftovers_mutex_);
};

} // namespace netvsc
