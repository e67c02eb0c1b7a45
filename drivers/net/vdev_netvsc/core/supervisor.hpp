// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "core/arguments.hpp"
#include "core/backoff.hpp"
#include "core/command.hpp"
#include "core/link_table.hpp"
#include "core/vf_machine.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>

namespace netvsc {

/// Decides what is to be done: which NetVSC netdevice becomes a port, which VF is announced to
/// it, when it ends. Pure: no I/O, no clock, no locking. Each call takes one thing that has
/// happened and gives the commands that follow from it, to be carried out in their order; the
/// outcome of those that have one comes back through a call.
class Supervisor {
public:
    // ---- What the user asks for.

    /// @return the commands, or an error message naming the argument, if the instance cannot be.
    [[nodiscard]] std::expected<Commands, std::string> add_instance(InstanceId id, std::string name,
                                                                    Arguments arguments);
    [[nodiscard]] Commands remove_instance(InstanceId id);
    [[nodiscard]] bool has_instances() const { return !instances_.empty(); }

    // ---- What the kernel tells.

    [[nodiscard]] bool wants_facts(const LinkMessage &message) const {
        return table_.wants_facts(message);
    }
    /// @param facts  what sysfs says of the device below; nullopt if it was not asked or could
    ///               not tell, for the netdevice has another name by now or is gone: then what
    ///               was known stays, and the message that follows tells more.
    [[nodiscard]] Commands link(LinkMessage message, std::optional<DeviceFacts> facts);
    [[nodiscard]] Commands link_gone(int ifindex);
    /// Going down is the first that a netdevice does when its driver is taken from its PCI
    /// function; RTM_DELLINK comes only when the kernel has waited for all who use it
    /// (unregister_netdevice_many() in Linux's net/core/dev.c).
    /// @return the function, of a netdevice that may be a VF's and goes down by this message: if
    ///         it has no kernel driver link_leaving() is to be called in place of link()
    [[nodiscard]] std::optional<PciAddress> may_be_leaving(const LinkMessage &message) const;
    /// As link_gone(), before the kernel has told. What is told of the netdevice until it does is
    /// not heard.
    [[nodiscard]] Commands link_leaving(int ifindex);
    [[nodiscard]] Commands address(const AddressMessage &message);
    void begin_listing();
    [[nodiscard]] Commands end_listing();
    /// A PCI function is gone.
    /// @param another_is_there  the address has passed to another device by now, which may be
    ///                          the one that is bound
    [[nodiscard]] Commands pci_removed(const PciAddress &pci, bool another_is_there);
    /// A VF that we have bound is to be let go of, though its PCI function is there and has its
    /// driver. If it is still there a moment later it is taken anew.
    [[nodiscard]] Commands vf_release_requested(const PciAddress &pci, TimePoint now);
    /// A PCI function has no kernel driver any more: it is about to go, or somebody wants it.
    [[nodiscard]] Commands pci_unbound(const PciAddress &pci);
    /// The PCI functions of all VFs in hand.
    [[nodiscard]] std::vector<PciAddress> vfs() const;

    // ---- What became of commands.

    [[nodiscard]] Commands port_created(PortNumber number);
    /// @param error  positive errno; EEXIST: the number is still carried by something
    [[nodiscard]] Commands port_failed(PortNumber number, int error, TimePoint now);
    /// The port has been closed, by us or by the application.
    [[nodiscard]] Commands port_gone(PortNumber number);
    /// The VF has been bound to the kernel driver that vf_bind= names.
    /// @return not empty if it is not wanted any more: then nothing else is to be done with it
    [[nodiscard]] Commands vf_bound(PortNumber number, const VfId &vf);
    /// It could not be bound, and is as it was. @param reason  for the user
    [[nodiscard]] Commands vf_bind_failed(PortNumber number, const VfId &vf,
                                          const std::string &reason, TimePoint now);
    void vf_held_back(PortNumber number, const VfId &vf, TimePoint now);
    /// @param error  positive errno, 0 for success
    [[nodiscard]] Commands vf_probed(PortNumber number, const VfId &vf, int error, TimePoint now);
    [[nodiscard]] Commands vf_checked(PortNumber number, const VfId &vf, bool taken);
    /// @param port_remains  the VF's ethdev port is still to be closed, by fail-safe
    [[nodiscard]] Commands vf_withdrawn(PortNumber number, const VfId &vf, bool port_remains,
                                        TimePoint now);
    /// A VF has been let go of, as ReleaseVf or GiveBack asked: from now on any port may take it.
    [[nodiscard]] Commands vf_released(const VfId &vf);

    // ---- What the VF's ethdev port tells.

    /// It has been closed. @param by_application  not by fail-safe on its own account
    [[nodiscard]] Commands vf_port_gone(const VfId &vf, bool by_application, TimePoint now);
    /// RTE_ETH_EVENT_ERR_RECOVERING.
    [[nodiscard]] Commands vf_recovering(const VfId &vf);
    /// RTE_ETH_EVENT_RECOVERY_SUCCESS or _FAILED.
    [[nodiscard]] Commands vf_recovered(const VfId &vf, bool success, TimePoint now);

    /// The port that has this VF.
    [[nodiscard]] std::optional<PortNumber> port_with_vf(const VfId &vf) const;

    // ---- Time.

    /// When elapsed() wants to be called; nullopt: not at all, nothing is pending.
    [[nodiscard]] std::optional<TimePoint> deadline() const;
    [[nodiscard]] Commands elapsed(TimePoint now);

    // ---- For tests and for those who show the state.

    struct PortView {
        PortNumber number = 0;
        std::string instance; ///< the name of the one whose it is; empty: that is gone
        int ifindex = 0;      ///< 0: the NetVSC netdevice is gone
        std::string netdevice;
        std::optional<MacAddress> mac; ///< the NetVSC netdevice's
        std::optional<PciAddress> vf;
        VfState vf_state = VfState::absent;
        bool operator==(const PortView &) const = default;
    };
    [[nodiscard]] std::vector<PortView> ports() const;
    [[nodiscard]] std::optional<PortView> port(PortNumber number) const;
    [[nodiscard]] const LinkTable &links() const { return table_; }

private:
    struct Instance {
        std::string name;
        Arguments arguments;
        std::set<std::string> warned; ///< what has been said already: not said again
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
        int refused_vf = 0; ///< the netdevice last said not to be taken from its kernel driver
        Backoff creation_backoff;
        std::optional<TimePoint> next_creation;
    };

    [[nodiscard]] PortView view_of(const Port &port) const;
    [[nodiscard]] static std::optional<TimePoint> vf_deadline(const Port &port);
    [[nodiscard]] PortNumber free_number(PortNumber from) const;
    [[nodiscard]] std::optional<Vf> choose_vf(Port &port, Commands &commands);
    [[nodiscard]] bool mac_is_attached(const MacAddress &mac) const;
    [[nodiscard]] bool claims_by_name(const Instance &instance, const Link &link) const;

    void attach(const Link &link, bool appeared, Commands &commands);
    void create(Port &port, Commands &commands);
    void refuse(Instance &instance, const Link &link, Commands &commands) const;
    void report_selectors(InstanceId id, Commands &commands);
    void follow_port(Port &port, const Link &link, Commands &commands);
    [[nodiscard]] std::vector<MacAddress> macs_below(const Link &vf) const;
    [[nodiscard]] bool held_by_another(const Port &port, const Link &link) const;
    void reconsider_vf(Port &port, Commands &commands);
    void expel_predecessor(const Link &link, Commands &commands);
    void offer_vfs(Commands &commands);
    void release_vf(Port &port, Commands &commands);
    void reconsider_vfs_of(const Link &link, Commands &commands);
    /// Lets a VF's machine take something in by call(machine, commands), and gives it the next VF
    /// if it is done with one. The second form: of every port that has the VF.
    template <typename Call> [[nodiscard]] Commands tell_vf(PortNumber number, Call call);
    template <typename Call> [[nodiscard]] Commands tell_vf(const VfId &vf, Call call);
    template <typename Call> void tell_vf(Port &port, Call call, Commands &commands);
    void refresh_links(const Link &changed, Commands &commands) const;
    void lose_netvsc(Port &port, Commands &commands);
    void give_up(Port &port, Commands &commands);
    void reconsider_vfs_with(int ifindex, Commands &commands);
    [[nodiscard]] Port *find(PortNumber number);

    LinkTable table_;
    std::map<InstanceId, Instance> instances_;
    std::map<PortNumber, Port> ports_;
    std::unordered_map<int, PortNumber> by_ifindex_;
    /// VFs that are being released or given back.
    std::set<VfId> releasing_;
    /// Netdevices whose port the application closed, with the instances it was of: not attached
    /// again by them while they stay.
    std::unordered_map<int, std::set<InstanceId>> closed_;
    /// Netdevices that go, and whose RTM_DELLINK is still to come.
    std::set<int> leaving_;
    /// Netdevices first seen in a listing: whether they are routed is known at its end.
    std::set<int> undecided_;
    bool listing_ = false;
};

} // namespace netvsc
