// SPDX-License-Identifier: BSD-3-Clause
//
// The peer arrives, leaves and needs the memory table again.

#include "ethdev/held.hpp"
#include "ethdev/log.hpp"
#include "ethdev/port.hpp"
#include "ring/control_command.hpp"

#include <fcntl.h>
#include <utility>

#include <rte_alarm.h>
#include <rte_errno.h>
#include <rte_ethdev.h>

namespace netvsc::virtio {
namespace {

constexpr std::chrono::milliseconds retry_delay{20};     ///< while nobody listens
constexpr std::chrono::milliseconds refusal_delay{1000}; ///< after a peer that cannot be used

} // namespace

void Port::begin_watching() {
    // With --legacy-mem and --no-huge the memory does not change.
    watches_memory_ =
        rte_mem_event_callback_register(name_.c_str(), &Port::on_memory_event, this) == 0;
    if (!watches_memory_ && rte_errno != ENOTSUP)
        log(LogLevel::warning, name_ +
                                   ": memory that is added while the port runs is not shared: " +
                                   rte_strerror(rte_errno));
    const MutexLock lock(mutex_);
    watch_locked();
}

void Port::end_watching() {
    if (std::exchange(watches_memory_, false))
        rte_mem_event_callback_unregister(name_.c_str(), this);
}

// EAL's interrupt thread may still watch the descriptor when the device closes its own. So EAL
// gets one of the port's.
void Port::watch_locked() {
    watch_.reset();
    const int fd = device_.interrupt_fd();
    if (fd < 0) {
        if (!device_.connected())
            call_later(retry_delay);
        return;
    }
    auto copy = std::make_shared<FileDescriptor>(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
    const int watched = copy->get();
    auto source = InterruptSource::watch(watched, std::move(copy), [port = weak_from_this()] {
        guarded("link event", [&] {
            if (const auto alive = port.lock())
                alive->handle_event();
        });
    });
    if (source)
        watch_ = std::move(*source);
    else
        log(LogLevel::error, name_ + ": link events are lost: " + source.error().message());
}

// The alarm is not cancelled: it finds no port if that is closed.
void Port::call_later(std::chrono::microseconds delay) {
    auto port = std::make_unique<std::weak_ptr<Port>>(weak_from_this());
    if (rte_eal_alarm_set(static_cast<std::uint64_t>(delay.count()), on_alarm, port.get()) == 0)
        (void)port.release();
    else
        log(LogLevel::error, name_ + ": cannot set an alarm; does not reconnect");
}

void Port::on_alarm(void *weak_port) {
    const std::unique_ptr<std::weak_ptr<Port>> port(static_cast<std::weak_ptr<Port> *>(weak_port));
    guarded("alarm", [&] {
        if (const auto alive = port->lock())
            alive->handle_event();
    });
}

// In EAL's interrupt thread.
void Port::handle_event() {
    bool changed = false;
    {
        const Held held(mutex_);
        if (closed_)
            return;
        check_peer_locked();
        changed = publish_link_locked();
    }
    announce_link(changed);
}

const Queue *Port::faulty_queue_locked() const {
    for (const auto *queues : {&receive_, &send_}) {
        for (const auto &queue : *queues) {
            if (queue && queue->faulty())
                return queue.get();
        }
    }
    return nullptr;
}

void Port::check_peer_locked() {
    if (const Queue *faulty = device_.started() ? faulty_queue_locked() : nullptr) {
        close_gates_locked();
        lose_peer_locked("the back end violates the protocol at " + faulty->options().name + ": " +
                         std::string(describe(faulty->fault())));
    } else if (device_.peer_is_gone()) {
        lose_peer_locked("the back end has closed the connection");
    }
    if (!device_.connected())
        try_to_connect_locked();
}

void Port::try_to_connect_locked() {
    const auto connected = device_.connect();
    if (!connected || !*connected) {
        // Until somebody listens there is nothing to report.
        const bool nobody = connected || connected.error().number == ECONNREFUSED ||
                            connected.error().number == ENOENT;
        if (!nobody)
            log_once_locked(connected.error().message());
        if (device_.interrupt_fd() < 0)
            call_later(nobody ? retry_delay : refusal_delay);
        return;
    }
    log(LogLevel::notice, name_ + ": connected to " + arguments_.path);
    if (started_) {
        if (auto up = bring_up_locked(); !up) {
            log_once_locked("cannot start: " + up.error().message());
            if (device_.interrupt_fd() < 0) {
                call_later(refusal_delay);
                return;
            }
        }
    }
    watch_locked();
}

void Port::log_once_locked(const std::string &text) {
    if (std::exchange(last_log_, text) != text)
        log(LogLevel::warning, name_ + ": " + arguments_.path + ": " + text);
}

// The rings are empty whenever a back end begins.
Result<void> Port::bring_up_locked() {
    std::vector<Ring> rings(2U * device_.pairs());
    const auto prepare = [&](Queue &queue, std::size_t ring) {
        queue.reset();
        queue.refill();
        rings[ring] = queue.layout();
    };
    for (std::size_t i = 0; i < receive_.size(); ++i) {
        if (receive_[i])
            prepare(*receive_[i], 2 * i);
    }
    for (std::size_t i = 0; i < send_.size(); ++i) {
        if (send_[i])
            prepare(*send_[i], 2 * i + 1);
    }
    auto table = memory_table();
    if (!table)
        return std::unexpected(table.error());
    if (auto started = device_.start(*table, rings, 1); !started)
        return started;
    if (pairs_ > 1) {
        if (auto enabled = control_->execute(set_queue_pairs_command(pairs_)); !enabled) {
            device_.disconnect();
            return enabled;
        }
    }
    if (wanted_up_)
        for_each_queue_locked([](Queue &queue) { queue.gate.open(); });
    last_log_.clear();
    if (logs(LogLevel::debug)) {
        const auto status = device_.status();
        log(LogLevel::debug,
            name_ + ": status " + (status ? describe_status(*status) : status.error().message()));
    }
    return {};
}

void Port::close_gates_locked() {
    for_each_queue_locked([](Queue &queue) { queue.gate.close(); });
}

void Port::lose_peer_locked(const std::string &reason) {
    log(LogLevel::notice, name_ + ": " + reason + "; the link is down");
    close_gates_locked();
    device_.disconnect();
    watch_locked();
}

bool Port::publish_link_locked() {
    rte_eth_link link{};
    link.link_speed = arguments_.speed;
    link.link_duplex = RTE_ETH_LINK_FULL_DUPLEX;
    link.link_autoneg = RTE_ETH_LINK_FIXED;
    link.link_status = started_ && wanted_up_ && device_.started() && device_.link_up()
                           ? RTE_ETH_LINK_UP
                           : RTE_ETH_LINK_DOWN;
    return rte_eth_linkstatus_set(&ethdev_, &link) == 0;
}

void Port::announce_link(bool changed) {
    if (changed && ethdev_.data->dev_conf.intr_conf.lsc != 0)
        rte_eth_dev_callback_process(&ethdev_, RTE_ETH_EVENT_INTR_LSC, nullptr);
}

void Port::on_memory_event(rte_mem_event type, const void *address, std::size_t size, void *port) {
    guarded("memory event", [&] {
        static_cast<Port *>(port)->handle_memory_event(
            type == RTE_MEM_EVENT_FREE ? FreedMemory{.address = address, .size = size}
                                       : FreedMemory{});
    });
}

// The thread that changes the memory holds EAL's memory lock.
void Port::handle_memory_event(const FreedMemory &freed) {
    const MutexLock lock(mutex_);
    if (!device_.started())
        return;
    Result<void> replaced;
    if (const auto table = memory_table(freed))
        replaced = device_.replace_memory(*table);
    else
        replaced = std::unexpected(table.error());
    if (!replaced)
        lose_peer_locked("memory table: " + replaced.error().message());
}

} // namespace netvsc::virtio
