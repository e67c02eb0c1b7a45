// SPDX-License-Identifier: BSD-3-Clause
#include "device/device.hpp"

#include "backend/features.hpp"

#include <algorithm>
#include <cstdio>
#include <sys/eventfd.h>
#include <tuple>
#include <utility>

namespace netvsc::virtio {
namespace {

std::string hexadecimal(std::uint64_t value) {
    char text[sizeof "0x" + 16];
    std::snprintf(text, sizeof text, "%#lx", value);
    return text;
}

// Runs the steps until one fails.
template <typename... Steps> Result<void> in_turn(Steps... steps) {
    Result<void> result;
    const auto succeeds = [&](auto &step) {
        result = step();
        return result.has_value();
    };
    std::ignore = (succeeds(steps) && ...);
    return result;
}

} // namespace

Device::Device(std::unique_ptr<Backend> backend, Options options, std::vector<Events> events)
    : backend_(std::move(backend)), options_(options), events_(std::move(events)),
      offered_(feature::supported & ~options_.excluded) {}

Result<Device> Device::make(std::unique_ptr<Backend> backend, Options options) {
    std::vector<Events> events;
    for (unsigned ring = 0; ring < 2U * options.pairs; ++ring) {
        FileDescriptor call(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
        FileDescriptor kick(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
        if (!call.valid() || !kick.valid())
            return system_error("eventfd of ring " + std::to_string(ring));
        events.push_back({.call = std::move(call), .kick = std::move(kick)});
    }
    return Device(std::move(backend), options, std::move(events));
}

Result<bool> Device::connect() {
    if (backend_->connected())
        return true;
    const auto connected = backend_->connect();
    if (!connected || !*connected)
        return connected;
    if (auto examined = examine(); !examined) {
        disconnect();
        return std::unexpected(examined.error());
    }
    return true;
}

void Device::disconnect() {
    backend_->disconnect();
    running_.clear();
    active_pairs_ = 0;
    status_ = 0;
}

// Checks what the back end offers against what the port needs.
Result<void> Device::examine() {
    if (auto owned = backend_->set_owner(); !owned)
        return owned;
    const auto features = backend_->features();
    if (!features)
        return std::unexpected(features.error());
    if (backend_->max_pairs() < options_.pairs)
        return failure(ENOTSUP, "queues=" + std::to_string(options_.pairs) +
                                    ", but the back end has " +
                                    std::to_string(backend_->max_pairs()) + " pairs");
    backend_features_ = *features;
    offered_ = (*features | options_.emulated) & ~options_.excluded & feature::supported;
    if ((offered_ & feature::version_1) == 0)
        return failure(ENOTSUP, "the back end is older than virtio 1.0");
    if (const std::uint64_t missing = features_ & ~offered_; missing != 0)
        return failure(ENOTSUP, "the back end lacks the features " + hexadecimal(missing) +
                                    " that the port uses");
    return {};
}

Result<void> Device::add_status(std::uint8_t bits) {
    const std::uint8_t wanted = status_ | bits;
    if (auto set = backend_->set_status(wanted); !set)
        return set;
    status_ = wanted;
    return {};
}

Result<std::uint8_t> Device::status() {
    if (!backend_->connected())
        return status_;
    const auto reported = backend_->status();
    if (!reported)
        return std::unexpected(reported.error());
    return status_ = reported->value_or(status_);
}

// SET_VRING_CALL comes first of all: a back end creates its queues by it.
Result<void> Device::send_features() {
    for (const unsigned direction : {0U, 1U}) {
        for (unsigned ring = direction; ring < 2U * options_.pairs; ring += 2) {
            if (auto set = backend_->set_ring_call(ring, call_fd(ring)); !set)
                return set;
        }
    }
    if (auto set = backend_->set_features(features_ & backend_features_ & ~feature::emulated); !set)
        return set;
    if (auto set = add_status(status::features_ok); !set)
        return set;
    const auto answer = status();
    if (!answer)
        return std::unexpected(answer.error());
    if ((*answer & status::features_ok) == 0)
        return failure(ENOTSUP, "the back end refuses the features " + hexadecimal(features_));
    return {};
}

Result<void> Device::start_ring(unsigned index, const Ring &ring) {
    auto started = in_turn([&] { return backend_->set_ring_size(index, ring.size); },
                           [&] { return backend_->set_ring_base(index, ring.base); },
                           [&] { return backend_->set_ring_addresses(index, ring.addresses); },
                           [&] { return backend_->set_ring_kick(index, kick_fd(index)); });
    if (started)
        running_.push_back(index);
    return started;
}

Result<void> Device::bring_up(std::span<const MemoryRegion> memory, std::span<const Ring> rings,
                              std::uint16_t active_pairs) {
    status_ = 0;
    auto prepared = in_turn(
        [&] { return backend_->set_status(0); }, [&] { return add_status(status::acknowledge); },
        [&] { return add_status(status::driver); }, [&] { return send_features(); },
        [&] { return backend_->set_memory(memory); });
    if (!prepared)
        return prepared;
    for (const unsigned direction : {0U, 1U}) {
        for (unsigned index = direction; index < rings.size(); index += 2) {
            if (rings[index].size == 0)
                continue;
            if (auto started = start_ring(index, rings[index]); !started)
                return started;
        }
    }
    if (auto enabled = backend_->enable_pair(0, true); !enabled)
        return enabled;
    active_pairs_ = 1;
    if (auto ok = add_status(status::driver_ok); !ok)
        return ok;
    return active_pairs > 1 ? switch_pairs(active_pairs) : Result<void>{};
}

Result<void> Device::or_disconnect(Result<void> result) {
    if (!result)
        disconnect();
    return result;
}

Result<void> Device::start(std::span<const MemoryRegion> memory, std::span<const Ring> rings,
                           std::uint16_t active_pairs) {
    return or_disconnect(bring_up(memory, rings, active_pairs));
}

Result<void> Device::stop() {
    if (!started())
        return {};
    return or_disconnect(in_turn([&] { return switch_pairs(0); }, [&] { return stop_rings(); }));
}

Result<void> Device::stop_rings() {
    for (const unsigned ring : std::exchange(running_, {})) {
        if (auto base = backend_->ring_base(ring); !base)
            return std::unexpected(base.error());
    }
    return {};
}

Result<void> Device::enable_pairs(std::uint16_t active_pairs) {
    return or_disconnect(switch_pairs(active_pairs));
}

Result<void> Device::switch_pairs(std::uint16_t active_pairs) {
    for (std::uint16_t pair = 0; pair < options_.pairs; ++pair) {
        const bool on = pair < active_pairs;
        if (on == (pair < active_pairs_))
            continue;
        if (auto set = backend_->enable_pair(pair, on); !set)
            return set;
    }
    active_pairs_ = active_pairs;
    return {};
}

Result<void> Device::replace_memory(std::span<const MemoryRegion> memory) {
    const std::uint16_t active = active_pairs_;
    return or_disconnect(in_turn([&] { return switch_pairs(0); },
                                 [&] { return backend_->set_memory(memory); },
                                 [&] { return switch_pairs(active); }));
}

std::string describe_status(std::uint8_t status) {
    constexpr std::pair<std::uint8_t, const char *> names[] = {
        {status::acknowledge, "ACKNOWLEDGE"}, {status::driver, "DRIVER"},
        {status::features_ok, "FEATURES_OK"}, {status::driver_ok, "DRIVER_OK"},
        {status::needs_reset, "NEEDS_RESET"}, {status::failed, "FAILED"},
    };
    std::string text;
    for (const auto &[bit, name] : names) {
        if ((status & bit) != 0)
            text += (text.empty() ? "" : "|") + std::string(name);
    }
    return text.empty() ? "RESET" : text;
}

} // namespace netvsc::virtio
