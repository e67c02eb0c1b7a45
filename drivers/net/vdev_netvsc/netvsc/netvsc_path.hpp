// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/mutex.hpp"
#include "base/recovery_journal.hpp"
#include "core/arguments.hpp"
#include "netvsc/saved_netdevice.hpp"
#include "netvsc/vmbus_nic.hpp"

#include <expected>
#include <functional>
#include <map>
#include <string>

namespace netvsc {

/// The instances with path=netvsc: takes a NIC from hv_netvsc, gives it to net_netvsc, and restores
/// its netdevice. Records each NIC in the journal: if this process is killed, a later one restores
/// the netdevice. Not in EAL's interrupt thread: the calls wait for the kernel's drivers.
class NetvscPath {
public:
    /// The process's. Never destroyed.
    [[nodiscard]] static NetvscPath &get();

    /// The instance is one of these, and the application has started its port.
    [[nodiscard]] bool started(const std::string &instance) NETVSC_EXCLUDES(mutex_);

    /// @param arguments  name one netdevice, see Arguments::parse()
    /// @param user_of    the port of this application that uses a netdevice of this name; empty:
    ///                   none
    /// @return an error message for the user; the netdevice is as before then
    [[nodiscard]] std::expected<void, std::string>
    add(const std::string &instance, const Arguments &arguments,
        const std::function<std::string(const std::string &)> &user_of) NETVSC_EXCLUDES(mutex_);
    /// Closes the port and restores the netdevice. Does nothing if @p instance is none of these.
    void remove(const std::string &instance) NETVSC_EXCLUDES(mutex_);
    /// Restores the netdevices of processes that have ended.
    void restore_abandoned() NETVSC_EXCLUDES(mutex_);

private:
    struct Taken {
        VmbusNic nic;
        SavedNetdevice saved;
    };

    [[nodiscard]] std::expected<void, std::string> take(const std::string &instance,
                                                        const Taken &taken);
    void restore(const std::string &who, const Taken &taken);
    [[nodiscard]] std::expected<Taken, std::string>
    choose(const Arguments &arguments,
           const std::function<std::string(const std::string &)> &user_of) NETVSC_REQUIRES(mutex_);
    [[nodiscard]] std::string owner_of(const Arguments &arguments) NETVSC_REQUIRES(mutex_);

    RecoveryJournal journal_;
    Mutex mutex_;
    std::map<std::string, Taken> instances_ NETVSC_GUARDED_BY(mutex_);
};

} // namespace netvsc
