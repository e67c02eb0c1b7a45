// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/driver.hpp"

#include "base/overloaded.hpp"
#include "dpdk/clock.hpp"
#include "dpdk/devargs.hpp"
#include "dpdk/log.hpp"
#include "fallback/af_xdp/xdp_note.hpp"
#include "keepalive/keepalive.hpp"
#include "vf/device_events.hpp"

#include <iterator>
#include <utility>

#include <bus_vdev_driver.h>
#include <ethdev_driver.h>
#include <rte_alarm.h>
#include <rte_interrupts.h>

namespace netvsc {
namespace {

using namespace std::chrono_literals;
using Level = Message::Level;

constexpr auto first_listing_timeout = 5s;

// Those whose effect fail-safe, or a VF's driver, sees from the interrupt thread.
bool is_for_interrupt_thread(const Command &command) {
    return std::holds_alternative<Announce>(command) || std::holds_alternative<Withdraw>(command) ||
           std::holds_alternative<GiveBack>(command) || std::holds_alternative<CheckVf>(command) ||
           std::holds_alternative<RefreshLink>(command) ||
           std::holds_alternative<ReportRemoval>(command);
}

} // namespace

Driver &Driver::get() {
    static auto *driver = new Driver;
    return *driver;
}

// ---- Instances.

int Driver::probe(const rte_vdev_device &device) {
    const std::string name = rte_vdev_device_name(&device);
    auto arguments = parse_devargs(rte_vdev_device_args(&device));
    if (!arguments) {
        log(Level::error, name + ": " + arguments.error() + "; nothing is attached");
        return -EINVAL;
    }
    remove_leftovers();
    if (!arguments->ignore) {
        give_back_abandoned();
        put_right_xdp();
    }
    if (!arguments->vf_bind.empty())
        survive_lost_registers();
    const bool watched = !arguments->ignore && arguments->keepalive.count() > 0;
    if (watched) {
        const auto joined = keepalive().join(name, {.period = arguments->keepalive,
                                                    .shm = arguments->keepalive_shm,
                                                    .group = arguments->keepalive_group});
        if (!joined) {
            log(Level::error, name + ": " + joined.error() + "; nothing is attached");
            return -EINVAL;
        }
    }
    const int result = add_instance(name, std::move(*arguments));
    if (result != 0)
        keepalive().leave(name);
    return result;
}

int Driver::add_instance(const std::string &name, Arguments arguments) {
    Commands commands;
    {
        const std::lock_guard lock(mutex_);
        if (auto started = start(); !started) {
            log(Level::error, name + ": cannot follow netdevices: " + started.error().message());
            return -started.error().number;
        }
        const InstanceId id = next_instance_++;
        auto added = supervisor_.add_instance(id, name, std::move(arguments));
        if (!added) {
            log(Level::error, name + ": " + added.error() + "; nothing is attached");
            stop_if_unused();
            return -EINVAL;
        }
        instances_[name] = id;
        commands = std::move(*added);
    }
    carry_out(std::move(commands));
    return 0;
}

void Driver::remove(const std::string &name, const rte_vdev_device *leaving) {
    Commands commands;
    {
        const std::lock_guard lock(mutex_);
        const auto instance = instances_.find(name);
        if (instance == instances_.end())
            return;
        commands = supervisor_.remove_instance(instance->second);
        instances_.erase(instance);
        stop_if_unused();
    }
    carry_out(std::move(commands), leaving);
    keepalive().leave(name);
}

// Called with the mutex held.
Result<void> Driver::start() {
    if (monitor_)
        return {};
    auto opened = LinkMonitor::open();
    if (!opened)
        return std::unexpected(std::move(opened.error()));
    auto monitor = std::make_shared<LinkMonitor>(std::move(*opened));
    // There is no instance yet, and so nothing that could follow from these.
    const auto sink = [this](const NetlinkEvent &event) { (void)take(event); };
    if (auto listed = monitor->read_until_dumped(sink, first_listing_timeout); !listed)
        return listed;
    auto source = InterruptSource::watch(monitor->fd(), monitor, [this] { on_netlink(); });
    if (!source)
        return std::unexpected(std::move(source.error()));
    auto uevents = UeventMonitor::open();
    if (!uevents)
        return std::unexpected(std::move(uevents.error()));
    auto uevent_monitor = std::make_shared<UeventMonitor>(std::move(*uevents));
    auto uevent_source =
        InterruptSource::watch(uevent_monitor->fd(), uevent_monitor, [this] { on_uevents(); });
    if (!uevent_source)
        return std::unexpected(std::move(uevent_source.error()));
    // vfio's request to let go of a device comes this way.
    if (const int result = rte_dev_event_callback_register(nullptr, on_device_event, this);
        result != 0 && result != -EEXIST)
        return failure(-result, "rte_dev_event_callback_register");
    for (const auto event : {RTE_ETH_EVENT_INTR_LSC, RTE_ETH_EVENT_INTR_RMV, RTE_ETH_EVENT_NEW,
                             RTE_ETH_EVENT_DESTROY, RTE_ETH_EVENT_ERR_RECOVERING,
                             RTE_ETH_EVENT_RECOVERY_SUCCESS, RTE_ETH_EVENT_RECOVERY_FAILED}) {
        if (const int result =
                rte_eth_dev_callback_register(RTE_ETH_ALL, event, on_ethdev_event, this);
            result != 0)
            return failure(-result, "rte_eth_dev_callback_register");
    }
    netlink_ = std::move(*source);
    monitor_ = std::move(monitor);
    uevent_source_ = std::move(*uevent_source);
    uevents_ = std::move(uevent_monitor);
    return {};
}

// Called with the mutex held. The ethdev callbacks stay: they cost nothing while nothing happens,
// and ports whose instance is gone end through them.
void Driver::stop_if_unused() {
    if (supervisor_.has_instances())
        return;
    netlink_.reset();
    monitor_.reset();
    dump_retry_.reset();
    uevent_source_.reset();
    uevents_.reset();
    functions_.forget();
}

// ---- Commands.

void Driver::carry_out(Commands commands, const rte_vdev_device *leaving) {
    std::deque<Command> todo(std::make_move_iterator(commands.begin()),
                             std::make_move_iterator(commands.end()));
    while (!todo.empty()) {
        const Command command = std::move(todo.front());
        todo.pop_front();
        if (is_for_interrupt_thread(command)) {
            const std::lock_guard lock(mutex_);
            queue_.push_back(command);
            continue;
        }
        auto more = std::visit(Overloaded{
                                   [this](const CreatePort &create) { return create_port(create); },
                                   [&](const DestroyPort &destroy) {
                                       close_port(destroy.number, leaving);
                                       return Commands{};
                                   },
                                   [this](const ReleaseVf &release) { return release_vf(release); },
                                   [this](const Report &told) {
                                       report(told);
                                       return Commands{};
                                   },
                                   [](const Message &message) {
                                       log(message.level, message.text);
                                       return Commands{};
                                   },
                                   [](const auto & /*queued above*/) { return Commands{}; },
                               },
                               command);
        std::ranges::move(more, std::back_inserter(todo));
    }
    arm();
}

void Driver::pump() {
    for (;;) {
        std::optional<Command> command;
        Commands commands;
        {
            const std::lock_guard lock(mutex_);
            if (!queue_.empty()) {
                command = std::move(queue_.front());
                queue_.pop_front();
            } else {
                commands = supervisor_.elapsed(now());
                if (dump_retry_ && *dump_retry_ <= now() && monitor_) {
                    dump_retry_.reset();
                    if (!monitor_->request_dump())
                        dump_retry_ = now() + dump_retry_delay;
                }
            }
        }
        if (!command && commands.empty())
            break;
        if (command)
            commands =
                std::visit(Overloaded{
                               [this](const Announce &announced) { return announce(announced); },
                               [this](const CheckVf &check) { return check_vf(check); },
                               [this](const Withdraw &withdrawn) { return withdraw(withdrawn); },
                               [this](const GiveBack &returned) { return give_back(returned); },
                               [this](const RefreshLink &refresh) {
                                   refresh_link(refresh.number);
                                   return Commands{};
                               },
                               [](const ReportRemoval &report) {
                                   report_removal(report.number);
                                   return Commands{};
                               },
                               [](const auto & /*never queued*/) { return Commands{}; },
                           },
                           *command);
        carry_out(std::move(commands));
    }
    arm();
    keepalive().go_on();
}

// Sets EAL's alarm for the earliest thing to be done in the interrupt thread. Alarms are never
// cancelled: that could wait for the interrupt thread. One too many finds nothing to do.
void Driver::arm() {
    std::chrono::microseconds delay{};
    {
        const std::lock_guard lock(mutex_);
        const TimePoint at = now();
        std::optional<TimePoint> due = supervisor_.deadline();
        for (const auto &other : {dump_retry_, relay_.deadline()}) {
            if (other && (!due || *other < *due))
                due = other;
        }
        if (!queue_.empty())
            due = at;
        if (!due || (alarm_ && *alarm_ <= *due))
            return;
        alarm_ = due;
        delay = std::max(std::chrono::ceil<std::chrono::microseconds>(*due - at),
                         std::chrono::microseconds(1));
    }
    const auto microseconds = static_cast<std::uint64_t>(delay.count());
    if (const int result = rte_eal_alarm_set(microseconds, on_alarm, this); result != 0) {
        const std::lock_guard lock(mutex_);
        alarm_.reset();
        log(Level::error, "rte_eal_alarm_set: error " + std::to_string(result));
    }
}

} // namespace netvsc
