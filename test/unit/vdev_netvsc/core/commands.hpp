// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "core/command.hpp"

#include <ostream>
#include <string>

namespace netvsc::test {

/// A command in a few words: "create 0 eth1 vf 0000:03:00.0", "announce 0 0000:03:00.0",
/// "warning: ...".
[[nodiscard]] inline std::string text_of(const Command &command) {
    struct Text {
        static std::string bound_to(const std::string &driver) {
            return driver.empty() ? "" : " bind " + driver;
        }
        std::string operator()(const CreatePort &c) const {
            return "create " + std::to_string(c.number) + " " + c.netdevice +
                   (c.vf ? " vf " + c.vf->devargs : "") + bound_to(c.bind);
        }
        std::string operator()(const DestroyPort &c) const {
            return "destroy " + std::to_string(c.number);
        }
        std::string operator()(const ReleaseVf &c) const {
            return "release " + c.vf.pci.to_string() + (c.give_back ? " and give back" : "");
        }
        std::string operator()(const Announce &c) const {
            return "announce " + std::to_string(c.number) + " " + c.vf.devargs + bound_to(c.bind);
        }
        std::string operator()(const Withdraw &c) const {
            return "withdraw " + std::to_string(c.number) + " " + c.vf.pci.to_string();
        }
        std::string operator()(const GiveBack &c) const {
            return "give back " + c.vf.pci.to_string();
        }
        std::string operator()(const RefreshLink &c) const {
            return "refresh link of " + std::to_string(c.number);
        }
        std::string operator()(const CheckVf &c) const {
            return "check " + std::to_string(c.number) + " " + c.vf.pci.to_string();
        }
        std::string operator()(const ReportRemoval &c) const {
            return "report removal of " + std::to_string(c.number);
        }
        std::string operator()(const Report &c) const {
            return "event " + std::string(name_of(c.type)) + " " + std::to_string(c.number) +
                   (c.vf ? " " + c.vf->to_string() : "");
        }
        std::string operator()(const Message &c) const {
            constexpr const char *levels[] = {"error", "warning", "notice", "info"};
            return levels[static_cast<int>(c.level)] + (": " + c.text);
        }
    };
    return std::visit(Text{}, command);
}

} // namespace netvsc::test

namespace netvsc {

/// How GoogleTest shows a message.
inline void PrintTo(const Message &message, std::ostream *out) { *out << test::text_of(message); }

} // namespace netvsc
