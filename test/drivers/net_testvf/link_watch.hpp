// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/error.hpp"
#include "netdevice.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>

struct mnl_socket;
struct nlmsghdr;
struct rte_intr_handle;

namespace testvf {

/// Listens to rtnetlink, in EAL's interrupt thread, for what happens to one netdevice, and raises
/// the port's ethdev events.
///
/// It may be given up from any thread, the interrupt thread and an event callback of its own
/// included, and never waits for its callback: whoever closes a port may hold a lock which that
/// callback is waiting for (as net_failsafe does). If the callback is running, the interrupt
/// thread deletes the watch afterwards.
class LinkWatch {
public:
    struct GiveUp {
        void operator()(LinkWatch *watch) const noexcept;
    };
    using Pointer = std::unique_ptr<LinkWatch, GiveUp>;

    /// @param netdevice      what to listen for
    /// @param port           whose events to raise
    /// @param raise_removal  whether RTE_ETH_EVENT_INTR_RMV is among them
    [[nodiscard]] static netvsc::Result<Pointer> open(std::shared_ptr<const Netdevice> netdevice,
                                                      std::uint16_t port, bool raise_removal);
    LinkWatch(const LinkWatch &) = delete;
    LinkWatch &operator=(const LinkWatch &) = delete;

    /// Set when the netdevice is removed, and never cleared.
    [[nodiscard]] const std::atomic<bool> &gone() const { return gone_; }
    /// Link changes are reported between start and stop.
    void set_started(bool started) { started_ = started; }

private:
    struct CloseSocket {
        void operator()(mnl_socket *socket) const noexcept;
    };
    struct FreeHandle {
        void operator()(rte_intr_handle *handle) const noexcept;
    };

    LinkWatch(std::shared_ptr<const Netdevice> netdevice, std::uint16_t port, bool raise_removal)
        : netdevice_(std::move(netdevice)), port_(port), raise_removal_(raise_removal) {}
    ~LinkWatch() = default;

    static void on_readable(void *self) noexcept;
    static void on_unregistered(rte_intr_handle *handle, void *self) noexcept;

    /// Has the kernel send the netdevice's state, or that there is no such netdevice.
    [[nodiscard]] netvsc::Result<void> ask() const;
    void read_messages();
    void read_message(const nlmsghdr &message);
    void tell_removal();
    void tell_link();

    std::shared_ptr<const Netdevice> netdevice_;
    const std::uint16_t port_;
    const bool raise_removal_;
    std::unique_ptr<mnl_socket, CloseSocket> socket_;
    std::unique_ptr<rte_intr_handle, FreeHandle> handle_;
    std::atomic<bool> gone_ = false;
    std::atomic<bool> started_ = false;

    std::mutex mutex_;    ///< never held while an event callback runs
    bool closed_ = false; ///< the port is no longer ours to touch

    /// What the messages read at one go amounted to.
    bool saw_removal_ = false;
    bool saw_change_ = false;
    alignas(8) std::array<std::byte, 32768> buffer_;
};

} // namespace testvf
