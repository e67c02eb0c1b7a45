// SPDX-License-Identifier: BSD-3-Clause
#include "driver.hpp"

#include "devargs.hpp"
#include "device_events.hpp"
#include "keepalive.hpp"
#include "log.hpp"
#include "pci_driver.hpp"
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
#include <rte_interrupts.h>

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
           std::holds_alternative<GiveBack>(command) || std::holds_alternative<CheckVf>(command) ||
           std::holds_alternative<RefreshLink>(command) ||
           std::holds_alternative<ReportRemoval>(command);
}

// Withdraw is not: the VF has to be let go of whoever has the port's number by then.
bool is_only_for_port(const Command &command, PortNumber number) {
    const auto *announce = std::get_if<Announce>(&command);
    const auto *check = std::get_if<CheckVf>(&command);
    const auto *refresh = std::get_if<RefreshLink>(&command);
    const auto *removal = std::get_if<ReportRemoval>(&command);
    return (announce != nullptr && announce->number == number) ||
           (check != nullptr && check->number == number) ||
           (refresh != nullptr && refresh->number == number) ||
           (removal != nullptr && removal->number == number);
}

void give_back_device(const PciAddress &pci) {
    const PciDriver device(pci);
    if (!device.exists())
        return;
    if (auto given = device.give_back(); !given)
        log(Level::error, "VF not given back to its kernel driver: " + given.error().message());
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
    keepalive().leave(rte_vdev_device_name(&device));
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
    for (const auto event : {RTE_ETH_EVENT_INTR_LSC, RTE_ETH_EVENT_INTR_RMV, RTE_ETH_EVENT_DESTROY,
                             RTE_ETH_EVENT_ERR_RECOVERING, RTE_ETH_EVENT_RECOVERY_SUCCESS,
                             RTE_ETH_EVENT_RECOVERY_FAILED}) {
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
            [this](const AddressMessage &message) { return supervisor_.address(message); },
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
        const TimePoint began = now();
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
        note_notification(commands, began);
        carry_out(std::move(commands));
        pump();
    } catch (const std::exception &error) {
        log(Level::error, std::string("netlink: ") + error.what());
    }
}

void Driver::on_uevents() {
    try {
        Commands commands;
        std::vector<PciEvent> events;
        std::vector<PciAddress> lost_vfs;
        {
            const std::lock_guard lock(mutex_);
            if (!uevents_)
                return;
            const auto lost = uevents_->read([&](const Uevent &event) {
                if (const auto about_pci = pci_event_of(event))
                    events.push_back(*about_pci);
            });
            if (!lost)
                log(Level::warning, lost.error().message());
            for (const PciEvent &event : events) {
                const PciDriver device(event.address);
                if (event.kind != PciEvent::Kind::added && !device.current() &&
                    supervisor_.port_with_vf(event.address))
                    lost_vfs.push_back(event.address);
                if (event.kind == PciEvent::Kind::removed)
                    append(commands, supervisor_.pci_removed(event.address, device.exists()));
                else if (event.kind == PciEvent::Kind::unbound && !device.current())
                    append(commands, supervisor_.pci_unbound(event.address));
            }
            if (lost && *lost) {
                for (const PciAddress &vf : supervisor_.vfs()) {
                    if (!PciDriver(vf).exists())
                        append(commands, supervisor_.pci_removed(vf, false));
                }
            }
        }
        for (const PciAddress &vf : lost_vfs)
            replace_registers(vf);
        carry_out(std::move(commands));
        pump();
        for (const PciEvent &event : events)
            relay_.hand_on(event, now());
        arm();
    } catch (const std::exception &error) {
        log(Level::error, std::string("uevent: ") + error.what());
    }
}

void Driver::on_device_event(const char *device, rte_dev_event_type event, void *self) noexcept {
    try {
        const auto pci = PciAddress::parse(device != nullptr ? device : "");
        auto &driver = *static_cast<Driver *>(self);
        if (!pci || event != RTE_DEV_EVENT_REMOVE || !driver.relay_.heard_removal(*pci))
            return;
        Commands commands;
        {
            const std::lock_guard lock(driver.mutex_);
            commands = driver.supervisor_.pci_removed(*pci, false);
        }
        driver.carry_out(std::move(commands));
    } catch (const std::exception &error) {
        log(Level::error, std::string("device event: ") + error.what());
    }
}

void Driver::on_alarm(void *self) noexcept {
    auto &driver = *static_cast<Driver *>(self);
    try {
        {
            const std::lock_guard lock(driver.mutex_);
            driver.alarm_.reset();
        }
        driver.relay_.elapsed(now());
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
        else if (event == RTE_ETH_EVENT_INTR_LSC)
            driver.on_link_event(rte_eth_devices[port]);
        else if (event == RTE_ETH_EVENT_INTR_RMV)
            driver.on_port_removal(rte_eth_devices[port]);
        else
            driver.on_recovery(rte_eth_devices[port], event);
    } catch (const std::exception &error) {
        log(Level::error, std::string("ethdev event: ") + error.what());
    }
    return 0;
}

void Driver::on_port_closed(const rte_eth_dev &device) {
    keepalive().port_closed(device.data->port_id);
    Commands commands;
    const auto number = FailsafePort::number_of(device.data->name);
    if (number)
        report_closed(*number);
    {
        const std::lock_guard lock(mutex_);
        if (number) {
            commands = supervisor_.port_gone(*number);
            // fail-safe has let go of the pipe. Once the mutex is free another port may have
            // the number: nothing that was meant for this one may be left to reach it.
            ports_.erase(*number);
            std::erase_if(queue_,
                          [&](const Command &queued) { return is_only_for_port(queued, *number); });
        } else if (const auto vf = vf_of(device)) {
            leaving_.erase(device.data->port_id);
            // fail-safe lets go of a VF in the interrupt thread.
            commands = supervisor_.vf_port_gone(*vf, rte_thread_is_intr() == 0, now());
        }
    }
    carry_out(std::move(commands));
}

void Driver::on_port_removal(const rte_eth_dev &device) {
    const auto vf = vf_of(device);
    if (!vf)
        return;
    std::shared_ptr<FailsafePort> above;
    {
        const std::lock_guard lock(mutex_);
        const auto number = supervisor_.port_with_vf(*vf);
        if (!number)
            return;
        leaving_.insert(device.data->port_id);
        if (const auto found = ports_.find(*number); found != ports_.end())
            above = found->second;
        // For when fail-safe, which is told after us, has turned to the slow path.
        queue_.emplace_back(RefreshLink{.number = *number});
    }
    if (above)
        above->use_safe_bursts();
    arm();
}

void Driver::on_recovery(const rte_eth_dev &device, rte_eth_event_type event) {
    const auto vf = vf_of(device);
    if (!vf)
        return;
    Commands commands;
    {
        const std::lock_guard lock(mutex_);
        commands = event == RTE_ETH_EVENT_ERR_RECOVERING
                       ? supervisor_.vf_recovering(*vf)
                       : supervisor_.vf_recovered(*vf, event == RTE_ETH_EVENT_RECOVERY_SUCCESS);
    }
    carry_out(std::move(commands));
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

Commands Driver::create_port(const CreatePort &command) {
    const auto failed = [&](const Error &error) {
        log(error.number == EEXIST ? Level::info : Level::error, error.message());
        const std::lock_guard lock(mutex_);
        ports_.erase(command.number);
        records_.erase(command.number);
        return supervisor_.port_failed(command.number, error.number, now());
    };
    auto opened = FailsafePort::open(command.number);
    if (!opened)
        return failed(opened.error());
    const auto created = std::make_shared<FailsafePort>(std::move(*opened));
    {
        const std::lock_guard lock(mutex_);
        ports_[command.number] = created;
        records_[command.number] = {};
    }
    Commands commands;
    if (command.vf) {
        // Before fail-safe is there, so that the application sees the port with both paths'
        // capabilities from the start.
        // fail-safe's link is up when it is made.
        append(commands, prepare_vf(*created, command.number, *command.vf, command.bind, true));
    }
    if (auto made = created->create(command.netdevice, command.hotplug_poll); !made) {
        append(commands, failed(made.error()));
        return commands;
    }
    const std::lock_guard lock(mutex_);
    append(commands, supervisor_.port_created(command.number));
    return commands;
}

Commands Driver::announce(const Announce &command) {
    const auto to = port(command.number);
    if (!to)
        return {};
    if (command.only_if_started && !to->started()) {
        const std::lock_guard lock(mutex_);
        supervisor_.vf_held_back(command.number, command.vf.id, now());
        return {};
    }
    return prepare_vf(*to, command.number, command.vf, command.bind, to->link_up());
}

// The address goes into the pipe first: fail-safe cannot read it before this returns, for it does
// so in this very thread (or is not there yet), and it is taken back if the probe fails. Thus
// fail-safe never tries to probe by itself: where that fails it would stay with the address for
// ever, trying at each poll.
Commands Driver::prepare_vf(const FailsafePort &to, PortNumber number, const Vf &vf,
                            const std::string &bind, bool failsafe_link_up) {
    if (!bind.empty()) {
        // EAL may have probed it at its start, by way of the driver it has still.
        if (const auto early = VfPort::find(vf.id);
            early && !early->owned() && PciDriver(vf.id.pci).current() != bind)
            early->remove();
        const auto refused = bind_vf(vf.id.pci, bind);
        if (refused)
            count(number, &PortRecord::failed_binds);
        const std::lock_guard lock(mutex_);
        if (refused)
            return supervisor_.vf_bind_failed(number, vf.id, *refused, now());
        if (auto let_go = supervisor_.vf_bound(number, vf.id); !let_go.empty())
            return let_go;
    }
    int error = 0;
    if (auto announced = to.announce(vf.devargs); !announced) {
        log(Level::error, announced.error().message());
        error = announced.error().number;
    } else {
        note_announcement(number);
        error = VfPort::probe(vf.devargs);
        const auto probed = error == 0 ? VfPort::find(vf.id) : std::nullopt;
        if (probed) {
            probed->adapt(failsafe_link_up);
        } else {
            error = error != 0 ? error : ENODEV;
            to.withdraw();
        }
    }
    if (error != 0)
        count(number, &PortRecord::failed_probes);
    const std::lock_guard lock(mutex_);
    return supervisor_.vf_probed(number, vf.id, error, now());
}

Commands Driver::withdraw(const Withdraw &command) {
    const auto from = port(command.number);
    if (from)
        from->withdraw();
    const auto vf = VfPort::find(command.vf);
    bool remains = false;
    if (vf && vf->owned()) {
        remains = true;
        bool raised = false;
        {
            // Once for this withdrawal; if it has to be repeated, nobody heard it.
            const std::lock_guard lock(mutex_);
            raised = leaving_.erase(vf->id()) != 0;
        }
        if (!raised) {
            if (from)
                from->use_safe_bursts();
            vf->raise_removal();
        }
    } else if (vf) {
        vf->remove();
    }
    const std::lock_guard lock(mutex_);
    return supervisor_.vf_withdrawn(command.number, command.vf, remains, now());
}

Commands Driver::give_back(const GiveBack &command) {
    give_back_device(command.vf.pci);
    const std::lock_guard lock(mutex_);
    return supervisor_.vf_released(command.vf);
}

Commands Driver::check_vf(const CheckVf &command) {
    const auto vf = VfPort::find(command.vf);
    const bool taken = vf && vf->owned();
    const std::lock_guard lock(mutex_);
    return supervisor_.vf_checked(command.number, command.vf, taken);
}

Commands Driver::release_vf(const ReleaseVf &command) {
    if (const auto vf = VfPort::find(command.vf); vf && !vf->owned())
        vf->remove();
    if (command.give_back)
        give_back_device(command.vf.pci);
    const std::lock_guard lock(mutex_);
    return supervisor_.vf_released(command.vf);
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
