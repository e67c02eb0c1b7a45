// SPDX-License-Identifier: BSD-3-Clause
#include "netvsc-doctor/report.hpp"

#include "core/link.hpp"
#include "netvsc-doctor/checks.hpp"
#include "netvsc-doctor/command_line.hpp"

#include <algorithm>
#include <utility>

namespace netvsc::doctor {
namespace {

using nlohmann::json;
using Row = std::vector<std::string>;

std::string addresses_of(const NetvscFacts &netvsc) {
    std::string text;
    for (const InterfaceAddress &address : netvsc.addresses)
        text += (text.empty() ? "" : ", ") + text_of(address);
    return text.empty() ? "none" : text;
}

std::string mac_of(const NetvscFacts &netvsc) {
    return netvsc.mac ? netvsc.mac->to_string() : "none";
}

std::vector<Row> rows_of(const Machine &machine) {
    std::vector<Row> rows{
        {"NetVSC", "MAC address", "addresses", "VF", "PCI address", "VF's driver"}};
    for (const NetvscFacts &netvsc : machine.netvscs) {
        const Row own{printable(netvsc.name), mac_of(netvsc), addresses_of(netvsc)};
        if (netvsc.vfs.empty())
            rows.push_back({own[0], own[1], own[2], "none", "", ""});
        for (std::size_t i = 0; i < netvsc.vfs.size(); ++i) {
            const VfFacts &vf = netvsc.vfs[i];
            Row row = i == 0 ? own : Row(own.size());
            row.insert(row.end(), {printable(vf.netdevice), vf.pci.to_string(),
                                   vf.driver.empty() ? "none" : vf.driver});
            rows.push_back(std::move(row));
        }
    }
    return rows;
}

std::string table(const std::vector<Row> &rows) {
    std::vector<std::size_t> widths(rows.front().size());
    for (const Row &row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i)
            widths[i] = std::max(widths[i], row[i].size());
    }
    std::string text;
    for (const Row &row : rows) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) {
            line += row[i];
            line.append(widths[i] - row[i].size() + 2, ' ');
        }
        line.erase(line.find_last_not_of(' ') + 1);
        text += line + "\n";
    }
    return text;
}

} // namespace

bool Report::has_error() const {
    return std::ranges::find(findings, Verdict::error, &Finding::verdict) != findings.end();
}

Report examine(Machine machine) {
    Report report{.machine = std::move(machine), .findings = {}, .command = {}};
    check_netdevices(report.machine, report.findings);
    check_system(report.machine, report.findings);
    check_dpdk(report.machine, report.findings);
    report.command = testpmd_command(report.machine);
    return report;
}

std::string text_of(const Report &report) {
    std::string text;
    if (!report.machine.netvscs.empty())
        text += table(rows_of(report.machine)) + "\n";
    std::vector<Row> rows;
    for (const Finding &finding : report.findings) {
        rows.push_back({std::string(name_of(finding.verdict)), finding.subject, finding.text});
        if (!finding.fix.empty())
            rows.push_back({"", "", "fix: " + finding.fix});
    }
    text += table(rows) + "\n";
    text += report.command.empty()
                ? "No command line works on this machine.\n"
                : "This command works on this machine:\n\n  " + quoted(report.command) + "\n";
    return text;
}

json json_of(const Report &report) {
    json netvscs = json::array();
    for (const NetvscFacts &netvsc : report.machine.netvscs) {
        json vfs = json::array();
        for (const VfFacts &vf : netvsc.vfs)
            vfs.push_back({{"netdevice", vf.netdevice},
                           {"pci", vf.pci.to_string()},
                           {"driver", vf.driver},
                           {"mana", vf.mana}});
        json addresses = json::array();
        for (const InterfaceAddress &address : netvsc.addresses)
            addresses.push_back(text_of(address));
        netvscs.push_back({{"netdevice", netvsc.name},
                           {"ifindex", netvsc.ifindex},
                           {"mac", mac_of(netvsc)},
                           {"addresses", std::move(addresses)},
                           {"up", netvsc.up},
                           {"default_route", netvsc.default_route},
                           {"uppers", netvsc.uppers},
                           {"vfs", std::move(vfs)},
                           {"taken", netvsc.taken}});
    }
    json findings = json::array();
    for (const Finding &finding : report.findings)
        findings.push_back({{"verdict", name_of(finding.verdict)},
                            {"subject", finding.subject},
                            {"text", finding.text},
                            {"fix", finding.fix}});
    return {{"hyperv", report.machine.hyperv},
            {"netvscs", std::move(netvscs)},
            {"findings", std::move(findings)},
            {"command", report.command}};
}

} // namespace netvsc::doctor
