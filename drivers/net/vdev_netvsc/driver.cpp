// SPDX-License-Identifier: BSD-3-Clause
#include "driver.hpp"

#include "devargs.hpp"
#include "log.hpp"
#include "vf_port.hpp"

#include <exception>
#include <iterator>
#include <new>
#include <ranges>
#include <type_traits>
#include <utility>

#include <bus_vdev_driver.h>
#include <ethdev_driver.h>
#include <rte_alarm.h>

namespace netvsc {
namespace {

using namespace std::chrono_literals;
using Level = Message::Level;

constexpr auto first_listing_timeout = 5s;
constexpr auto dump_retry_delay = 1s;

TimePoint now() { return std::chrono::steady_clock::now(); }

void append(Commands &commands, Commands more) {
    std::ranges::move(more, std::back_inserter(commands));
}

// Those whose effect fail-safe, or a VF's driver, sees from the interrupt thread.
bool is_for_interrupt_thread(const Command &command) {
    return std::holds_alternative<Announce>(command) || std::holds_alternative<Withdraw>(command) ||
           std::holds_alternative<CheckVf>(command) ||
           std::holds_alternative<ReportRemoval>(command);
}

// Withdraw is not: the VF has to be let go of whoever has the port's number by then.
bool is_only_for_port(const Command &command, PortNumber number) {
    const auto *announce = std::get_if<Announce>(&command);
    const auto *check = std::get_if<CheckVf>(&command);
    const auto *removal = std::get_if<ReportRemoval>(&command);
    return (announce != nullptr && announce->number == number) ||
           (check != nullptr && check->number == number) ||
           (removal != nullptr && removal->number == number);
}

template <typename... Cases> struct Overloaded : Cases... {
    using Cases::operator()...;
};

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
    Commands commands;
    {
        const std::lock_guard lock(mutex_);
        if (auto started = start(); !started) {
            log(Level::error, name + ": cannot follow netdevices: " + started.error().message());
            return -started.error().number;
        }
        const InstanceId id = next_instance_++;
        auto added = supervisor_.add_instance(id, name, std::move(*arguments));
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

int Driver::remove(const rte_vdev_device &device) {
    Commands commands;
    {
        const std::lock_guard lock(mutex_);
        const auto instance = instances_.find(rte_vdev_device_name(&device));
        if (instance == instances_.end())
            return 0;
        commands = supervisor_.remove_instance(instance->second);
        instances_.erase(instance);
        stop_if_unused();
    }
    carry_out(std::move(commands), &device);
    return 0;
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
    if (auto listed = monitor->read_until_listed(sink, first_listing_timeout); !listed)
        return listed;
    auto source = InterruptSource::watch(monitor->fd(), monitor, [this] { on_netlink(); });
    if (!source)
        return std::unexpected(std::move(source.error()));
    for (const auto event : {RTE_ETH_EVENT_INTR_RMV, RTE_ETH_EVENT_DESTROY}) {
        if (const int result =
                rte_eth_dev_callback_register(RTE_ETH_ALL, event, on_ethdev_event, this);
            result != 0)
            return failure(-result, "rte_eth_dev_callback_register");
    }
    netlink_ = std::move(*source);
    monitor_ = std::move(monitor);
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
}

// ---- What EAL calls.

Commands Driver::take(const NetlinkEvent &event) {
    return std::visit(
        Overloaded{
            [this](const LinkMessage &message) {
                std::optional<DeviceFacts> facts;
                if (supervisor_.wants_facts(message)) {
                    if (auto found = Sysfs().netdevice(message.name, message.ifindex))
                        facts = *found;
                }
                return supervisor_.link(message, facts);
            },
            [this](const LinkGone &gone) { return supervisor_.link_gone(gone.ifindex); },
            [this](const AddressMessage &message) {
                supervisor_.address(message);
                return Commands{};
            },
            [this](DumpBegin) {
                supervisor_.begin_listing();
                return Commands{};
            },
            [this](DumpDone) { return supervisor_.end_listing(); },
        },
        event);
}

void Driver::on_netlink() {
    try {
        Commands commands;
        {
            const std::lock_guard lock(mutex_);
            if (!monitor_)
                return;
            const auto done =
                monitor_->read([&](const NetlinkEvent &event) { append(commands, take(event)); });
            if (!done) {
                log(Level::warning, "netdevices could not be listed: " + done.error().message() +
                                        "; trying again in 1 s");
                dump_retry_ = now() + dump_retry_delay;
            }
        }
        carry_out(std::move(commands));
        pump();
    } catch (const std::exception &error) {
        log(Level::error, std::string("netlink: ") + error.what());
    }
}

void Driver::on_alarm(void *self) noexcept {
    auto &driver = *static_cast<Driver *>(self);
    try {
        {
            const std::lock_guard lock(driver.mutex_);
            driver.alarm_.reset();
        }
        driver.pump();
    } catch (const std::exception &error) {
        log(Level::error, std::string("alarm: ") + error.what());
    }
}

int Driver::on_ethdev_event(std::uint16_t port, rte_eth_event_type event, void *self,
                            void * /*result*/) noexcept {
    try {
        auto &driver = *static_cast<Driver *>(self);
        if (event == RTE_ETH_EVENT_DESTROY)
            driver.on_port_closed(rte_eth_devices[port]);
        else if (event == RTE_ETH_EVENT_INTR_RMV)
            driver.on_port_removal(rte_eth_devices[port]);
    } catch (const std::exception &error) {
        log(Level::error, std::string("ethdev event: ") + error.what());
    }
    return 0;
}

void Driver::on_port_closed(const rte_eth_dev &device) {
    Commands commands;
    {
        const std::lock_guard lock(mutex_);
        if (const auto number = FailsafePort::number_of(device.data->name)) {
            commands = supervisor_.port_gone(*number);
            // fail-safe has let go of the pipe. Once the mutex is free another port may have
            // the number: nothing that was meant for this one may be left to reach it.
            ports_.erase(*number);
            std::erase_if(queue_,
                          [&](const Command &queued) { return is_only_for_port(queued, *number); });
        } else if (const auto pci = pci_of(device)) {
            leaving_.erase(*pci);
            commands = supervisor_.vf_port_gone(*pci, now());
        }
    }
    carry_out(std::move(commands));
}

void Driver::on_port_removal(const rte_eth_dev &device) {
    const auto pci = pci_of(device);
    if (!pci)
        return;
    std::shared_ptr<FailsafePort> above;
    {
        const std::lock_guard lock(mutex_);
        const auto number = supervisor_.port_with_vf(*pci);
        if (!number)
            return;
        leaving_.insert(*pci);
        if (const auto found = ports_.find(*number); found != ports_.end())
            above = found->second;
        // For when fail-safe, which is told after us, has turned to the slow path.
        stale_links_.insert(*number);
    }
    if (above)
        above->use_safe_bursts();
    arm();
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
                                   [this](const ReleasePort &release) {
                                       release_port(release);
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
                               [this](const Withdraw &withdrawn) {
                                   withdraw(withdrawn);
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
    refresh_links();
    arm();
}

void Driver::refresh_links() {
    std::set<PortNumber> numbers;
    {
        const std::lock_guard lock(mutex_);
        numbers.swap(stale_links_);
    }
    for (const PortNumber number : numbers) {
        if (const auto stale = port(number))
            stale->refresh_link();
    }
}

// Sets EAL's alarm for the earliest thing to be done in the interrupt thread. Alarms are never
// cancelled: that could wait for the interrupt thread. One too many finds nothing to do.
void Driver::arm() {
    std::chrono::microseconds delay{};
    {
        const std::lock_guard lock(mutex_);
        const TimePoint at = now();
        std::optional<TimePoint> due = supervisor_.deadline();
        if (dump_retry_ && (!due || *dump_retry_ < *due))
            due = dump_retry_;
        if (!queue_.empty() || !stale_links_.empty())
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

Commands Driver::create_port(const CreatePort &command) {
    const auto failed = [&](const Error &error) {
        log(error.number == EEXIST ? Level::info : Level::error, error.message());
        const std::lock_guard lock(mutex_);
        ports_.erase(command.number);
        return supervisor_.port_failed(command.number, error.number, now());
    };
    auto opened = FailsafePort::open(command.number);
    if (!opened)
        return failed(opened.error());
    const auto created = std::make_shared<FailsafePort>(std::move(*opened));
    {
        const std::lock_guard lock(mutex_);
        ports_[command.number] = created;
    }
    Commands commands;
    if (command.vf) {
        // Before fail-safe is there, so that the application sees the port with both paths'
        // capabilities from the start.
        int error = probe_vf(*command.vf, true); // as fail-safe's link is when it is made
        if (error == 0) {
            if (auto announced = created->announce(command.vf->devargs); !announced)
                error = announced.error().number;
        }
        const std::lock_guard lock(mutex_);
        append(commands, supervisor_.vf_probed(command.number, command.vf->pci, error, now()));
    }
    if (auto made = created->create(command.netdevice, command.hotplug_poll); !made) {
        append(commands, failed(made.error()));
        return commands;
    }
    const std::lock_guard lock(mutex_);
    append(commands, supervisor_.port_created(command.number));
    return commands;
}

// The address goes into the pipe first: fail-safe cannot read it before this returns, for it does
// so in this very thread, and it is taken back if the probe fails. Thus fail-safe never tries to
// probe by itself: where that fails it would stay with the address for ever, trying at each poll.
Commands Driver::announce(const Announce &command) {
    const auto to = port(command.number);
    if (!to)
        return {};
    int error = 0;
    if (auto announced = to->announce(command.vf.devargs); !announced) {
        log(Level::error, announced.error().message());
        error = announced.error().number;
    } else {
        error = probe_vf(command.vf, to->link_up());
        if (error != 0)
            to->withdraw();
    }
    const std::lock_guard lock(mutex_);
    return supervisor_.vf_probed(command.number, command.vf.pci, error, now());
}

int Driver::probe_vf(const Vf &vf, bool failsafe_link_up) {
    if (const int error = VfPort::probe(vf.devargs); error != 0)
        return error;
    const auto port = VfPort::find(vf.pci);
    if (!port)
        return ENODEV;
    port->adapt(failsafe_link_up);
    return 0;
}

void Driver::withdraw(const Withdraw &command) {
    const auto from = port(command.number);
    if (from)
        from->withdraw();
    const auto vf = VfPort::find(command.pci);
    if (!vf)
        return;
    if (!vf->owned()) {
        VfPort::remove(command.pci);
        return;
    }
    {
        const std::lock_guard lock(mutex_);
        if (!leaving_.insert(command.pci).second)
            return;
    }
    if (from)
        from->use_safe_bursts();
    vf->raise_removal();
}

Commands Driver::check_vf(const CheckVf &command) {
    const auto vf = VfPort::find(command.pci);
    const bool taken = vf && vf->owned();
    const std::lock_guard lock(mutex_);
    return supervisor_.vf_checked(command.number, command.pci, taken);
}

void Driver::release_port(const ReleasePort &command) {
    if (!command.vf)
        return;
    if (const auto vf = VfPort::find(*command.vf); vf && !vf->owned())
        VfPort::remove(*command.vf);
}

// leaving: the driver's own device, if EAL is just removing that. rte_eal_cleanup() walks the
// vdev bus's list with the device behind the current one in hand: that one must not be freed
// here. Closing its port does all that matters; the empty device is left to the walk, or, if
// this was no cleanup after all, to the next probe.
void Driver::close_port(PortNumber number, const rte_vdev_device *leaving) {
    if (auto closed = close_failsafe_port(number); !closed) {
        log(Level::error, closed.error().message());
        return;
    }
    const std::string name = FailsafePort::device_name(number);
    const rte_vdev_device *next = leaving != nullptr ? TAILQ_NEXT(leaving, next) : nullptr;
    if (next != nullptr && rte_vdev_device_name(next) == name) {
        const std::lock_guard lock(mutex_);
        leftovers_.insert(number);
        return;
    }
    remove_failsafe_device(number);
}

void Driver::remove_leftovers() {
    std::set<PortNumber> leftovers;
    {
        const std::lock_guard lock(mutex_);
        leftovers.swap(leftovers_);
    }
    for (const PortNumber number : leftovers)
        remove_failsafe_device(number);
}

void Driver::report_removal(PortNumber number) {
    std::uint16_t port = 0;
    if (rte_eth_dev_get_port_by_name(FailsafePort::device_name(number).c_str(), &port) == 0)
        rte_eth_dev_callback_process(&rte_eth_devices[port], RTE_ETH_EVENT_INTR_RMV, nullptr);
}

std::shared_ptr<FailsafePort> Driver::port(PortNumber number) {
    const std::lock_guard lock(mutex_);
    const auto found = ports_.find(number);
    return found == ports_.end() ? nullptr : found->second;
}

} // namespace netvsc
