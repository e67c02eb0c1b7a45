// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/driver.hpp"

#include "base/overloaded.hpp"
#include "core/link.hpp"
#include "dpdk/devargs.hpp"
#include "dpdk/events.hpp"
#include "dpdk/guarded.hpp"
#include "dpdk/log.hpp"
#include "fallback/af_xdp/xdp_journal.hpp"
#include "keepalive/keepalive.hpp"
#include "netvsc/netvsc_path.hpp"
#include "runtime/dpdk_devices.hpp"
#include "vf/device_events.hpp"

#include <algorithm>
#include <utility>

#include <bus_vdev_driver.h>

namespace netvsc {

using Level = Message::Level;

Driver &Driver::get() {
    static auto *driver = new Driver(dpdk_devices());
    return *driver;
}

Driver::Driver(Devices &devices)
    : devices_(devices), binder_(devices, journal_),
      registry_([](Event event) { publish(std::move(event)); },
                [this](PortNumber number) -> std::optional<std::string> {
                    const MutexLock lock(mutex_);
                    const auto view = supervisor_.port(number);
                    return view ? std::optional(view->netdevice) : std::nullopt;
                }),
      executor_(devices, registry_, binder_,
                [this](const Outcome &outcome) { return answer(outcome); }),
      sources_(*this) {}

Decision Driver::answer(const Outcome &outcome) {
    const MutexLock lock(mutex_);
    return supervisor_.handle(outcome, devices_.now());
}

// ---- Instances.

int Driver::probe(const rte_vdev_device &device) {
    const std::string name = rte_vdev_device_name(&device);
    const char *text = rte_vdev_device_args(&device);
    log(Level::debug, name + ": arguments '" + printable(text != nullptr ? text : "") + "'");
    auto arguments = parse_devargs(text);
    if (!arguments) {
        log(Level::error, name + ": " + arguments.error() + "; nothing is attached");
        return -EINVAL;
    }
    carry_out(executor_.remove_leftovers());
    if (!arguments->ignore) {
        carry_out(binder_.restore_abandoned());
        undo_xdp_changes();
        NetvscPath::get().restore_abandoned();
    }
    if (!arguments->ignore && arguments->path == NicPath::netvsc)
        return add_to_netvsc(name, *arguments);
    if (!arguments->vf_bind.empty()) {
        handle_sigbus();
        // hv_netvsc requests the path only for a VF's netdevice, which a bound VF has not
        // (netvsc_vf_changed() in netvsc_drv.c).
        log(Level::warning, name + ": vf_bind=" + arguments->vf_bind +
                                ": the host's data path stays synthetic while the VF is bound; "
                                "the fallback receives the frames, and the VF only sends");
    }
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

int Driver::add_to_netvsc(const std::string &name, const Arguments &arguments) {
    const auto user_of = [this](const std::string &netdevice) {
        for (const PortStatus &port : status()) {
            if (port.view.netdevice == netdevice)
                return port.name;
        }
        return std::string();
    };
    const auto added = NetvscPath::get().add(name, arguments, user_of);
    if (!added)
        log(Level::error, name + ": " + added.error() + "; nothing is attached");
    return added ? 0 : -EINVAL;
}

int Driver::add_instance(const std::string &name, Arguments arguments) {
    Decision decision;
    {
        const MutexLock instances(instances_mutex_);
        // There is no instance yet, so nothing follows from the first listing.
        const auto sink = [this](const NetlinkEvent &event) {
            const MutexLock lock(mutex_);
            (void)take_locked(event);
        };
        if (const auto started = sources_.start(sink); !started) {
            log(Level::error, name + ": cannot follow netdevices: " + started.error().message() +
                                  "; nothing is attached");
            return -started.error().number;
        }
        const InstanceId id = next_instance_++;
        auto added = [&] {
            const MutexLock lock(mutex_);
            return supervisor_.add_instance(id, name, std::move(arguments));
        }();
        if (!added) {
            log(Level::error, name + ": " + added.error() + "; nothing is attached");
            if (instances_.empty())
                sources_.stop();
            return -EINVAL;
        }
        instances_[name] = id;
        decision = std::move(*added);
    }
    carry_out(std::move(decision));
    return 0;
}

void Driver::remove(const std::string &name, const rte_vdev_device *being_removed) {
    NetvscPath::get().remove(name);
    Decision decision;
    {
        const MutexLock instances(instances_mutex_);
        const auto instance = instances_.find(name);
        if (instance == instances_.end())
            return;
        const bool last = instances_.size() == 1;
        if (last)
            sources_.stop();
        const MutexLock lock(mutex_);
        decision = supervisor_.remove_instance(instance->second);
        instances_.erase(instance);
        if (last)
            functions_.forget();
    }
    carry_out(std::move(decision), being_removed);
    keepalive().leave(name);
}

// ---- Decisions.

void Driver::carry_out(Decision decision, const rte_vdev_device *being_removed) {
    while (!decision.empty()) {
        {
            const MutexLock lock(mutex_);
            queue_.push(std::move(decision.traffic));
            supervisor_.note_unused_vfs(devices_.now());
        }
        for (const Notice &notice : decision.notices)
            notify(notice);
        Decision next;
        for (const PortCommand &command : decision.ports)
            next.append(executor_.execute(command, being_removed));
        decision = std::move(next);
    }
    arm();
}

void Driver::run(Decision decision) {
    if (!decision.traffic.empty()) { // before a probe, which may take seconds
        const MutexLock lock(mutex_);
        supervisor_.note_unused_vfs(devices_.now());
    }
    for (;;) {
        run_traffic(decision);
        if (decision.empty()) {
            const TimePoint now = devices_.now();
            sources_.elapsed(now);
            const MutexLock lock(mutex_);
            supervisor_.note_unused_vfs(now);
            decision = supervisor_.elapsed(now);
        }
        if (decision.empty())
            break;
        if (decision.traffic.empty())
            carry_out(std::exchange(decision, {}));
    }
    arm();
    keepalive().retry_alarm();
}

// Leaves the notices and port commands.
void Driver::run_traffic(Decision &decision) {
    for (;;) {
        std::optional<TrafficCommand> command;
        {
            const MutexLock lock(mutex_);
            queue_.push(std::exchange(decision.traffic, {}));
            command = queue_.pop();
        }
        if (!command)
            return;
        decision.append(executor_.execute(*command));
    }
}

void Driver::notify(const Notice &notice) {
    std::visit(Overloaded{
                   [](const Message &message) { log(message.level, message.text); },
                   [this](const Report &report) { registry_.report(report, devices_.now()); },
               },
               notice);
}

// Sets EAL's alarm for the earliest thing to do in the interrupt thread. The driver never cancels
// an alarm, because that might wait for the interrupt thread. An alarm too many finds nothing to
// do.
void Driver::arm() {
    std::optional<TimePoint> due = relay_.deadline();
    if (const auto other = sources_.deadline(); other && (!due || *other < *due))
        due = other;
    const TimePoint now = devices_.now();
    std::chrono::microseconds delay{};
    {
        const MutexLock lock(mutex_);
        if (const auto other = supervisor_.deadline(); other && (!due || *other < *due))
            due = other;
        if (!queue_.empty())
            due = now;
        if (!due || (alarm_ && *alarm_ <= *due))
            return;
        alarm_ = due;
        delay = std::max(std::chrono::ceil<std::chrono::microseconds>(*due - now),
                         std::chrono::microseconds(1));
    }
    if (const int result = devices_.set_alarm(delay, on_alarm, this); result != 0) {
        {
            const MutexLock lock(mutex_);
            alarm_.reset();
        }
        log(Level::error,
            "rte_eal_alarm_set: error " + std::to_string(result) + "; the next event retries");
    }
}

void Driver::on_alarm(void *self) noexcept {
    auto &driver = *static_cast<Driver *>(self);
    guarded("alarm", [&] {
        {
            const MutexLock lock(driver.mutex_);
            driver.alarm_.reset();
        }
        driver.relay_.elapsed(driver.devices_.now());
        driver.run();
    });
}

// ---- Status.

std::vector<PortStatus> Driver::status() {
    std::vector<Supervisor::PortView> views;
    std::map<PortNumber, PortRegistry::Entry> entries;
    {
        const MutexLock lock(mutex_);
        views = supervisor_.ports();
        entries = registry_.entries();
    }
    return status_of(std::move(views), entries);
}

bool Driver::hold_vf(std::uint16_t port_id, bool hold) {
    for (const auto &[number, entry] : registry_.entries()) {
        if (entry.record.port_id != port_id)
            continue;
        Decision decision;
        {
            const MutexLock lock(mutex_);
            decision = supervisor_.hold_vf(number, hold);
        }
        registry_.note_notification(decision.traffic, devices_.now());
        carry_out(std::move(decision));
        return true;
    }
    return false;
}

std::vector<Supervisor::PassedOver> Driver::passed_over() {
    const MutexLock lock(mutex_);
    return supervisor_.passed_over();
}

} // namespace netvsc
