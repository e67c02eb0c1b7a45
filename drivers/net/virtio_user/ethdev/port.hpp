// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/mutex.hpp"
#include "common/eal/interrupt_source.hpp"
#include "device/arguments.hpp"
#include "device/control_channel.hpp"
#include "device/device.hpp"
#include "ethdev/memory_table.hpp"
#include "ethdev/queue.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <ethdev_driver.h>
#include <rte_memory.h>

namespace netvsc::virtio {

/// One ethdev port over a virtio-user device.
///
/// Threads: ethdev's calls come from the application, the link's events from EAL's interrupt
/// thread, memory events from any thread. Lock order: EAL's memory lock, then mutex_. No lock is
/// held while the application's callbacks run, and none while queue memory is made or freed.
///
/// More than 15 public methods: ethdev's operations.
class Port : public std::enable_shared_from_this<Port> {
public:
    static constexpr std::uint16_t max_frame = 9728; ///< bytes, with the Ethernet header
    static constexpr std::uint16_t max_addresses = 64;

    /// @param ethdev  not yet usable: gets its address
    [[nodiscard]] static Result<std::shared_ptr<Port>> make(rte_eth_dev &ethdev,
                                                            const Arguments &arguments);
    Port(rte_eth_dev &ethdev, const Arguments &arguments, Device device);
    ~Port();

    // ethdev's operations. Each returns 0 or a negative errno.
    int configure();
    int start();
    int stop();
    void close();
    int setup_receive(std::uint16_t index, std::uint16_t descriptors, int numa_node,
                      const rte_eth_rxconf &conf, rte_mempool &pool);
    int setup_send(std::uint16_t index, std::uint16_t descriptors, int numa_node,
                   const rte_eth_txconf &conf);
    void release_receive(std::uint16_t index);
    void release_send(std::uint16_t index);
    int info(rte_eth_dev_info &info);
    /// Sends a command by the control queue. @param needed  the feature that it belongs to
    int command(std::uint64_t needed, std::span<const std::byte> command);
    int set_link(bool up);
    int update_link();
    int set_mtu(std::uint16_t mtu) const;

    // The queues: valid until they are released.
    [[nodiscard]] const std::vector<std::unique_ptr<Queue>> &receive_queues() const {
        return receive_;
    }
    [[nodiscard]] const std::vector<std::unique_ptr<Queue>> &send_queues() const { return send_; }
    [[nodiscard]] const QueueKind &kind() const { return kind_; }
    [[nodiscard]] const Arguments &arguments() const { return arguments_; }

private:
    [[nodiscard]] QueueOptions queue_options(const char *direction, std::uint16_t index,
                                             std::uint16_t descriptors, int numa_node,
                                             unsigned ring);
    [[nodiscard]] Result<void> begin();
    void set_queue_states(std::uint8_t state);
    void place(std::vector<std::unique_ptr<Queue>> &queues, std::uint16_t index,
               std::unique_ptr<Queue> queue);
    template <typename Function>
    void for_each_queue_locked(Function function) NETVSC_REQUIRES(mutex_) {
        for (const auto *queues : {&receive_, &send_}) {
            for (const auto &queue : *queues) {
                if (queue)
                    function(*queue);
            }
        }
    }
    [[nodiscard]] std::uint64_t wanted_features_locked() const NETVSC_REQUIRES(mutex_);

    // port_link.cpp: the peer arrives and leaves.
    void begin_watching();
    void handle_event();
    void end_watching();
    void handle_memory_event(const FreedMemory &freed);
    void check_peer_locked() NETVSC_REQUIRES(mutex_);
    void try_to_connect_locked() NETVSC_REQUIRES(mutex_);
    [[nodiscard]] Result<void> bring_up_locked() NETVSC_REQUIRES(mutex_);
    [[nodiscard]] const Queue *faulty_queue_locked() const NETVSC_REQUIRES(mutex_);
    void lose_peer_locked(const std::string &reason) NETVSC_REQUIRES(mutex_);
    void close_gates_locked() NETVSC_REQUIRES(mutex_);
    void watch_locked() NETVSC_REQUIRES(mutex_);
    /// handle_event() in EAL's interrupt thread. Any thread.
    void call_later(std::chrono::microseconds delay);
    /// @return whether the link has changed: the caller then calls announce_link() unlocked
    [[nodiscard]] bool publish_link_locked() NETVSC_REQUIRES(mutex_);
    void announce_link(bool changed);
    void log_once_locked(const std::string &text) NETVSC_REQUIRES(mutex_);
    static void on_alarm(void *port);
    static void on_memory_event(rte_mem_event type, const void *address, std::size_t size,
                                void *port);

    rte_eth_dev &ethdev_;
    const Arguments arguments_;
    const std::string name_;
    QueueKind kind_;
    std::vector<std::unique_ptr<Queue>> receive_;
    std::vector<std::unique_ptr<Queue>> send_;

    Mutex mutex_;
    Device device_ NETVSC_GUARDED_BY(mutex_);
    std::unique_ptr<ControlChannel> control_ NETVSC_GUARDED_BY(mutex_);
    InterruptSource watch_ NETVSC_GUARDED_BY(mutex_);
    bool watches_memory_ = false;
    bool started_ NETVSC_GUARDED_BY(mutex_) = false;
    bool wanted_up_ NETVSC_GUARDED_BY(mutex_) = true; ///< by rte_eth_dev_set_link_up(), _down()
    bool closed_ NETVSC_GUARDED_BY(mutex_) = false;
    std::uint16_t pairs_ NETVSC_GUARDED_BY(mutex_) = 1; ///< that the application has configured
    std::string last_log_ NETVSC_GUARDED_BY(mutex_);
};

/// A port that was made on an ethdev.
[[nodiscard]] Port &port_of(const rte_eth_dev &ethdev);

/// ethdev's operations of all ports.
extern const eth_dev_ops port_operations;

} // namespace netvsc::virtio
