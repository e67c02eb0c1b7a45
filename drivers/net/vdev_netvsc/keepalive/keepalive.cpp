// SPDX-License-Identifier: BSD-3-Clause
#include "keepalive/keepalive.hpp"

#include "base/parse_number.hpp"
#include "dpdk/clock.hpp"
#include "dpdk/events.hpp"
#include "dpdk/guarded.hpp"
#include "dpdk/log.hpp"
#include "dpdk/rx_callback.hpp"
#include "failsafe/failsafe_port.hpp"

#include <array>
#include <cstring>
#include <grp.h>

#include <ethdev_driver.h>
#include <rte_alarm.h>
#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_keepalive.h>
#include <rte_launch.h>
#include <rte_lcore.h>

namespace netvsc {
namespace {

using namespace std::chrono_literals;
using Level = Message::Level;

// Readers know the size of the area by this number.
constexpr unsigned area_lcores = RTE_KEEPALIVE_MAXCORES;

std::optional<gid_t> find_group(const std::string &name) {
    if (const auto number = parse_number<gid_t>(name))
        return number;
    std::array<char, 16384> buffer;
    group entry{};
    group *found = nullptr;
    if (::getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 ||
        found == nullptr)
        return std::nullopt;
    return found->gr_gid;
}

// A worker lcore to which EAL has given no function. EAL does not know what the main lcore does,
// nor what threads do that the application has registered as lcores.
bool is_idle(unsigned lcore) {
    return rte_eal_lcore_role(lcore) == ROLE_RTE && lcore != rte_get_main_lcore() &&
           rte_eal_get_lcore_state(lcore) == WAIT;
}

std::string name_of_port(std::uint16_t port) {
    std::array<char, RTE_ETH_NAME_MAX_LEN> name{};
    return rte_eth_dev_get_name_by_port(port, name.data()) == 0 ? name.data() : "";
}

RTE_FINI(vdev_netvsc_keepalive_end) { keepalive().end(); }

} // namespace

Keepalive &keepalive() {
    static auto *keepalive = new Keepalive;
    return *keepalive;
}

std::expected<void, std::string> Keepalive::join(const std::string &instance,
                                                 const Settings &settings) {
    const MutexLock lock(mutex_);
    if (!instances_.empty() && settings != settings_)
        return std::unexpected("keepalive is one for the process, and " + *instances_.begin() +
                               " has other values for keepalive, keepalive_shm or "
                               "keepalive_group");
    std::optional<gid_t> group;
    if (!settings.group.empty())
        group = find_group(settings.group);
    if (!settings.group.empty() && !group)
        return std::unexpected("argument 'keepalive_group=" + settings.group +
                               "': expected a group's name or number");
    if (instances_.insert(instance).second && instances_.size() == 1) {
        settings_ = settings;
        group_ = group;
        watch_ = {};
        queue_events_ = {};
        for (auto &[id, watched] : queues_)
            watched.mark->lcore.store(0, std::memory_order_relaxed);
        create_area_locked();
        arm_locked();
    }
    return {};
}

void Keepalive::create_area_locked() {
    area_.reset();
    auto area =
        KeepaliveArea::create({.name = settings_.shm, .lcores = area_lcores, .group = group_});
    if (area)
        area_.emplace(std::move(*area));
    else
        log(Level::error, "lcores are watched, but other programs cannot read their states: " +
                              area.error().message());
}

void Keepalive::leave(const std::string &instance) {
    const MutexLock lock(mutex_);
    if (instances_.erase(instance) == 0 || !instances_.empty())
        return;
    for (std::uint16_t port = 0; port < RTE_MAX_ETHPORTS; ++port)
        remove_callbacks_locked(port);
    area_.reset();
}

void Keepalive::end() {
    const MutexLock lock(mutex_);
    instances_.clear();
    area_.reset();
}

void Keepalive::port_closed(std::uint16_t port) {
    const MutexLock lock(mutex_);
    closing_.insert(port);
    queue_events_.forget(port);
}

Keepalive::Status Keepalive::status() {
    const MutexLock lock(mutex_);
    if (instances_.empty())
        return {};
    return {.settings = settings_, .lcores = watch_.lcores()};
}

// The whole cost for a burst. LCORE_ID_ANY, the id of threads that are no lcores, becomes 0.
std::uint16_t Keepalive::on_burst(std::uint16_t /*port*/, std::uint16_t /*queue*/,
                                  rte_mbuf ** /*packets*/, std::uint16_t count,
                                  std::uint16_t /*maximum*/, void *mark) noexcept {
    static_assert(LCORE_ID_ANY + 1U == 0);
    static_cast<Mark *>(mark)->lcore.store(rte_lcore_id() + 1, std::memory_order_relaxed);
    return count;
}

void Keepalive::on_alarm(void *self) noexcept {
    auto &keepalive = *static_cast<Keepalive *>(self);
    guarded("keepalive", [&] {
        for (const std::uint16_t port : keepalive.period_over())
            raise_queue_state(port);
    });
    const MutexLock lock(keepalive.mutex_);
    keepalive.armed_ = false;
    keepalive.arm_locked();
}

// The alarm is never cancelled: rte_eal_alarm_cancel() could wait for the interrupt thread.
void Keepalive::arm_locked() {
    if (armed_ || instances_.empty())
        return;
    const auto microseconds = std::chrono::microseconds(settings_.period).count();
    const int result = rte_eal_alarm_set(static_cast<std::uint64_t>(microseconds), on_alarm, this);
    armed_ = result == 0;
    if (!armed_)
        log(Level::error, "rte_eal_alarm_set: error " + std::to_string(result) +
                              "; lcores are not watched until something else happens");
}

void Keepalive::retry_alarm() {
    const MutexLock lock(mutex_);
    arm_locked();
}

std::vector<std::uint16_t> Keepalive::period_over() {
    const MutexLock lock(mutex_);
    if (instances_.empty())
        return {};
    const Moment now{.time = netvsc::now(), .cycles = rte_rdtsc()};
    const auto changes = watch_.period_over(read_marks_locked(), is_idle, now);
    report_locked(changes, now);
    return add_queue_events_locked(changes, now);
}

std::vector<QueuePolls> Keepalive::read_marks_locked() {
    std::array<std::uint16_t, RTE_MAX_ETHPORTS> started{}; // Rx queues of each started port
    for (std::uint16_t port = 0; port < RTE_MAX_ETHPORTS; ++port) {
        if (closing_.contains(port) || rte_eth_dev_is_valid_port(port) == 0)
            continue;
        const rte_eth_dev_data &data = *rte_eth_devices[port].data;
        if (!FailsafePort::number_of(data.name)) {
            remove_callbacks_locked(port);
        } else if (data.dev_started != 0) {
            started[port] = data.nb_rx_queues;
            for (std::uint16_t queue = 0; queue < started[port]; ++queue)
                add_callback_locked(port, queue);
        }
    }
    closing_.clear();
    std::vector<QueuePolls> polls;
    for (auto &[id, watched] : queues_) {
        const auto [port, queue] = id;
        // Clears the marks of stopped ports too: they are out of date when the port starts again.
        const std::uint32_t mark = watched.mark->lcore.exchange(0, std::memory_order_relaxed);
        if (queue < started[port])
            polls.push_back({.port = port,
                             .queue = queue,
                             .lcore = mark == 0 ? std::nullopt : std::optional(mark - 1)});
    }
    return polls;
}

// ethdev keeps callbacks when the application stops a port and configures it again.
void Keepalive::add_callback_locked(std::uint16_t port, std::uint16_t queue) {
    Watched &watched = queues_[{port, queue}];
    if (watched.callback != nullptr)
        return;
    watched.callback = rte_eth_add_rx_callback(port, queue, on_burst, watched.mark.get());
    if (watched.callback == nullptr)
        log(Level::error,
            name_of_port(port) + ": Rx queue " + std::to_string(queue) +
                " is not watched: rte_eth_add_rx_callback: " + rte_strerror(rte_errno));
}

void Keepalive::report_locked(const std::vector<LcoreChange> &changes, const Moment &now) {
    const bool lost = area_ && !area_->intact();
    if (lost)
        log(Level::warning, "shared memory " + settings_.shm +
                                " was truncated or removed by another process; creating it again");
    // If the area could not be created, each change of a state retries.
    if (lost || (!area_ && !changes.empty())) {
        create_area_locked();
        if (area_) {
            for (const auto &[number, lcore] : watch_.lcores())
                area_->set(number, lcore.state, lcore.last_seen.cycles);
        }
    }
    if (area_) {
        for (const auto &[number, lcore] : watch_.lcores()) {
            if (lcore.last_seen.time == now.time)
                area_->set(number, lcore.state, lcore.last_seen.cycles);
        }
    }
    for (const LcoreChange &change : changes) {
        const auto &lcore = watch_.lcores().at(change.lcore);
        if (area_)
            area_->set(change.lcore, change.to, lcore.last_seen.cycles);
        const std::string name = "lcore " + std::to_string(change.lcore);
        const auto publish_event = [&](EventType type) {
            publish({.type = type,
                     .port_id = change.port,
                     .port = name_of_port(change.port),
                     .netdevice = {},
                     .vf = {},
                     .lcore = static_cast<int>(change.lcore)});
        };
        if (change.to == LcoreState::missing) {
            publish_event(EventType::lcore_missing);
        } else if (change.to == LcoreState::dead) {
            if (area_)
                area_->post_death();
            publish_event(EventType::lcore_dead);
            log(Level::warning, name + " is dead: it has not polled its Rx queues for " +
                                    std::to_string(2 * settings_.period.count()) + " ms");
        } else if (change.to == LcoreState::alive && change.from != LcoreState::unused) {
            publish_event(EventType::lcore_alive);
            if (change.from != LcoreState::missing)
                log(Level::notice, name + " polls again");
        }
    }
}

// ethdev removes callbacks only from configured queues. A port that is being closed has none, but
// its callbacks stay in ethdev: the next port with the same number gets them. So this function
// keeps a callback that it cannot remove. A later period removes it, or uses it for a new port of
// this driver.
void Keepalive::remove_callbacks_locked(std::uint16_t port) {
    for (auto &[id, watched] : queues_) {
        if (id.first == port && watched.callback != nullptr &&
            remove_rx_callback(port, id.second, watched.callback))
            watched.callback = nullptr;
    }
}

} // namespace netvsc
