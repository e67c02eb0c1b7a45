// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "common/temporary_folder.hpp"
#include "runtime/devices.hpp"

#include <cerrno>
#include <string>
#include <vector>

namespace netvsc::test {

using namespace std::chrono_literals;

inline const PciAddress pci = PciAddress::parse("0000:03:00.0").value();

/// Devices that record each call and return the results that a test sets.
class RecordingDevices : public Devices {
public:
    std::vector<std::string> calls;
    TimePoint time{1h};

    // ---- The devices' results.
    PortDevice::State state{.port_id = 5};
    int create_error = 0;
    int announce_error = 0;
    bool all_devices_removed = true;
    int remove_error = 0;
    int probe_error = 0;
    VfPortUse use = VfPortUse::none;
    bool rtnl_free = true;
    bool function_exists = true;
    std::optional<std::string> driver = "igbvf";
    std::optional<std::string> bind_problem;
    int restore_error = 0;

    std::vector<std::string> take_calls() { return std::exchange(calls, {}); }

    class Port : public PortDevice {
    public:
        explicit Port(RecordingDevices &devices) : devices_(devices) {}

        std::string pipe;
        std::optional<bool> known_up; ///< as given to refresh_link()

        Result<void> create(std::chrono::milliseconds /*hotplug_poll*/) override {
            devices_.calls.emplace_back("create");
            return outcome(devices_.create_error, "create");
        }
        State state() const override { return devices_.state; }
        std::optional<Fallback> fallback() const override { return Fallback::tap; }
        Result<void> announce(const std::string &devargs) override {
            devices_.calls.push_back("announce " + devargs);
            pipe = devargs;
            return outcome(devices_.announce_error, "announce");
        }
        void withdraw() override {
            devices_.calls.emplace_back("empty pipe");
            pipe.clear();
        }
        void use_safe_bursts() override { devices_.calls.emplace_back("safe bursts"); }
        void refresh_link(bool up) override {
            devices_.calls.emplace_back("refresh link");
            known_up = up;
        }
        void raise(PortEvent event) override {
            devices_.calls.emplace_back(event == PortEvent::removal ? "raise removal" : "raise");
        }
        void adapt_fallback(rte_eth_dev & /*fallback*/) override {}

    private:
        RecordingDevices &devices_;
    };

    Result<std::shared_ptr<PortDevice>> open_port(const CreatePort & /*command*/) override {
        calls.emplace_back("open");
        port = std::make_shared<Port>(*this);
        return port;
    }
    std::shared_ptr<Port> port; ///< the last one opened

    Result<bool> remove_port(PortNumber number, const rte_vdev_device *being_removed) override {
        calls.push_back("remove port " + std::to_string(number) +
                        (being_removed != nullptr ? " within its instance" : ""));
        if (remove_error != 0)
            return failure(remove_error, "close");
        return all_devices_removed;
    }
    int probe(const Vf &vf, bool link_up) override {
        calls.push_back("probe " + vf.devargs + (link_up ? " up" : " down"));
        return probe_error;
    }
    VfPortUse use_of(const VfId & /*vf*/) const override { return use; }
    void raise_removal(const VfId & /*vf*/) override { calls.emplace_back("raise removal"); }
    void release_from_failsafe(const VfId & /*vf*/) override {
        calls.emplace_back("release from fail-safe");
    }
    bool remove_unless_owned(const VfId & /*vf*/) override {
        if (use == VfPortUse::owned)
            return false;
        calls.emplace_back("remove VF");
        return true;
    }
    HotPlugLock lock_hot_plug() override { return {}; }
    bool exists(const PciAddress & /*pci*/) const override { return function_exists; }
    std::optional<std::string> kernel_driver(const PciAddress & /*pci*/) const override {
        return driver;
    }
    std::optional<std::string> bind(const PciAddress & /*pci*/,
                                    const std::string &wanted) override {
        calls.push_back("bind " + wanted);
        return bind_problem;
    }
    Result<void> restore_driver(const PciAddress & /*pci*/) override {
        calls.emplace_back("restore");
        return outcome(restore_error, "restore");
    }
    bool rtnl_available() const override { return rtnl_free; }
    TimePoint now() const override { return time; }
    int set_alarm(std::chrono::microseconds /*delay*/, void (* /*callback*/)(void *),
                  void * /*argument*/) override {
        calls.emplace_back("alarm");
        return 0;
    }

private:
    static Result<void> outcome(int error, const char *what) {
        if (error != 0)
            return failure(error, what);
        return {};
    }
};

} // namespace netvsc::test
