// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "core/arguments.hpp"
#include "core/backoff.hpp"
#include "core/command.hpp"
#include "core/link_table.hpp"
#include "core/unused_vf.hpp"
#include "core/vf_event.hpp"
#include "core/vf_machine.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>

namespace netvsc {

/// Decides which NetVSC netdevice becomes a port, which VF is announced to it, and when it ends.
/// Pure: no I/O, no clock, no lock. Each call takes one input and returns the decision that follows
/// from it. The caller executes the decision and passes each command's outcome to handle().
///
/// More than 15 public methods: one for each input of the kernel, the user and DPDK.
class Supervisor {
public:
    // ---- The user's inputs.

    /// @return an error message that names the argument, if the instance cannot work
    [[nodiscard]] std::expected<Decision, std::string> add_instance(InstanceId id, std::string name,
                                                                    Arguments arguments);
    [[nodiscard]] Decision remove_instance(InstanceId id);
    [[nodiscard]] bool has_instances() const { return !instances_.empty(); }

    // ---- The kernel's inputs.

    [[nodiscard]] bool wants_facts(const LinkMessage &message) const {
        return table_.wants_facts(message);
    }
    /// @param facts  sysfs's facts about the device below; nullopt if sysfs was not read, or if
    ///               the netdevice has another name by now or was removed. Then the known facts
    ///               stay, and the next message brings new ones.
    [[nodiscard]] Decision link(LinkMessage message, std::optional<DeviceFacts> facts);
    [[nodiscard]] Decision link_gone(int ifindex);
    /// When a PCI function loses its driver, its netdevice first goes down. RTM_DELLINK follows
    /// only after the kernel has waited for all users (unregister_netdevice_many() in Linux's
    /// net/core/dev.c).
    /// @return the PCI function, if this message takes a possible VF's netdevice down. If that
    ///         function has no kernel driver, call link_leaving() in place of link().
    [[nodiscard]] std::optional<PciAddress> may_be_leaving(const LinkMessage &message) const;
    /// Like link_gone(), but before RTM_DELLINK. Further messages for this ifindex are ignored
    /// until RTM_DELLINK arrives.
    [[nodiscard]] Decision link_leaving(int ifindex);
    [[nodiscard]] Decision address(const AddressMessage &message, TimePoint now);
    void begin_listing();
    [[nodiscard]] Decision end_listing(TimePoint now);

    // ---- DPDK's inputs.

    [[nodiscard]] Decision handle(const Outcome &outcome, TimePoint now);
    /// The port was closed, by the driver or by the application.
    [[nodiscard]] Decision port_gone(PortNumber number);
    /// The application or the operator holds the port's VF, or releases it: while it is held, the
    /// port has no VF. Does nothing if there is no such port.
    [[nodiscard]] Decision hold_vf(PortNumber number, bool hold);
    /// Something happened to a VF, whichever port has it.
    [[nodiscard]] Decision vf_event(const VfId &vf, const VfEvent &event, TimePoint now);

    // ---- Time.

    /// Notes which ports have an unused VF since now. To be called after each other input.
    void note_unused_vfs(TimePoint now);

    /// When elapsed() needs a call; nullopt: nothing is pending.
    [[nodiscard]] std::optional<TimePoint> deadline() const;
    [[nodiscard]] Decision elapsed(TimePoint now);

    // ---- The state.

    /// The PCI functions of all ports' VFs.
    [[nodiscard]] std::vector<PciAddress> vfs() const;
    /// The port that has this VF.
    [[nodiscard]] std::optional<PortNumber> port_with_vf(const VfId &vf) const;

    struct PortView {
        PortNumber number = 0;
        std::string instance; ///< the name of its instance; empty: the instance was removed
        int ifindex = 0;      ///< 0: the NetVSC netdevice was removed
        std::string netdevice;
        std::optional<MacAddress> mac; ///< the NetVSC netdevice's
        std::optional<PciAddress> vf;
        VfState vf_state = VfState::absent;
        bool vf_held = false; ///< see hold_vf()
        VfUnused vf_unused = VfUnused::no;
        std::optional<TimePoint> vf_unused_since; ///< nullopt with VfUnused::no
        bool operator==(const PortView &) const = default;
    };
    [[nodiscard]] std::vector<PortView> ports() const;
    [[nodiscard]] std::optional<PortView> port(PortNumber number) const;
    [[nodiscard]] const LinkTable &links() const { return table_; }

    /// A NetVSC netdevice that instances without names do not attach to, because of its address.
    struct PassedOver {
        int ifindex = 0;
        std::string netdevice;
        std::optional<MacAddress> mac;
        InterfaceAddress address; ///< one of its addresses
    };
    [[nodiscard]] std::vector<PassedOver> passed_over() const;

private:
    struct Instance {
        std::string name;
        Arguments arguments;
        std::set<std::string> warned; ///< netdevices whose refusal was logged
        std::set<int> passed_over;    ///< netdevices whose address was logged as the reason
    };
    enum class PortPhase { creating, active, retrying, netvsc_gone, closing };
    struct Port {
        PortNumber number = 0;
        InstanceId instance = 0;
        int ifindex = 0;
        std::string netdevice;
        WantedFallback fallback;
        std::chrono::milliseconds hotplug_poll{};
        PortPhase phase = PortPhase::creating;
        std::string vf_args;
        VfMachine vf;
        UnusedVf unused_vf;
        bool vf_held = false;
        int refused_vf = 0; ///< the netdevice whose refusal was logged last
        Backoff creation_backoff;
        std::optional<TimePoint> next_creation;
    };

    [[nodiscard]] PortView view_of(const Port &port) const;
    [[nodiscard]] static std::optional<TimePoint> vf_deadline(const Port &port);
    [[nodiscard]] PortNumber free_number(PortNumber from) const;
    [[nodiscard]] std::vector<const Link *> vf_candidates(const Port &port) const;
    [[nodiscard]] VfUnused obstacle_of(const Port &port, const Link &vf) const;
    [[nodiscard]] UnusedVf::Cause why_unused(const Port &port) const;
    [[nodiscard]] std::optional<Vf> choose_vf(Port &port, Decision &decision);
    [[nodiscard]] bool mac_is_attached(const MacAddress &mac) const;
    [[nodiscard]] bool claims_by_name(const Instance &instance, const Link &link) const;
    [[nodiscard]] bool claims_without_name(InstanceId id, const Instance &instance,
                                           const Link &link) const;
    [[nodiscard]] bool was_closed(InstanceId id, int ifindex) const;

    void attach(const Link &link, bool appeared, Decision &decision);
    void create(Port &port, Decision &decision);
    void refuse(Instance &instance, const Link &link, Decision &decision) const;
    void report_address(Instance &instance, const Link &link, Decision &decision) const;
    void report_selectors(InstanceId id, Decision &decision);
    void note_address_loss(int ifindex, TimePoint now);
    void attach_without_address(TimePoint now, Decision &decision);
    void follow_port(Port &port, const Link &link, Decision &decision);
    [[nodiscard]] std::vector<MacAddress> macs_below(const Link &vf) const;
    [[nodiscard]] bool held_by_another(const Port &port, const Link &link) const;
    void reconsider_vf(Port &port, Decision &decision);
    void expel_predecessor(const Link &link, Decision &decision);
    void offer_vfs(Decision &decision);
    void release_vf(Port &port, Decision &decision);
    void reconsider_vfs_of(const Link &link, Decision &decision);
    void vf_event(Port &port, const VfId &vf, const VfEvent &event, TimePoint now,
                  Decision &decision);
    [[nodiscard]] Decision handle_outcome(const PortCreated &outcome, TimePoint now);
    [[nodiscard]] Decision handle_outcome(const PortFailed &outcome, TimePoint now);
    [[nodiscard]] Decision handle_outcome(const VfReleased &outcome, TimePoint now);
    [[nodiscard]] Decision handle_outcome(const VfOutcome &outcome, TimePoint now);
    void undo(const VfOutcome &outcome, TimePoint now, Decision &decision);
    void refresh_links(const Link &changed, Decision &decision) const;
    void lose_netvsc(Port &port, Decision &decision);
    void give_up(Port &port, Decision &decision);
    void reconsider_vfs_with(int ifindex, Decision &decision);
    [[nodiscard]] Port *find(PortNumber number);

    LinkTable table_;
    std::map<InstanceId, Instance> instances_;
    std::map<PortNumber, Port> ports_;
    std::unordered_map<int, PortNumber> by_ifindex_;
    /// VFs with a ReleaseVf or RestoreDriver under way: no port may take them.
    std::set<VfId> releasing_;
    /// Netdevices whose port the application closed, with the instances of those ports. These
    /// instances do not attach to the netdevice again while it exists.
    std::unordered_map<int, std::set<InstanceId>> closed_;
    /// Netdevices that are leaving: their RTM_DELLINK is still to come.
    std::set<int> leaving_;
    /// Netdevices first seen in a listing. Only its end shows whether they are routed.
    std::set<int> undecided_;
    /// NetVSC netdevices that have lost their last address, and when instances without names attach
    /// to them.
    std::map<int, TimePoint> without_address_;
    bool listing_ = false;
};

} // namespace netvsc
