// SPDX-License-Identifier: BSD-3-Clause
// What sysfs says of a netdevice and of its PCI function: attributes of any content, links to
// anywhere, in a tree of its own.
//
// The input is a list of texts that end at a NUL: see the order below. An empty one: it is not
// there.
#include "require.hpp"
#include "sysfs/netdevice.hpp"
#include "sysfs/pci_driver.hpp"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <unistd.h>

using namespace netvsc;
namespace fs = std::filesystem;

namespace {

constexpr const char *function = "0000:00:05.0";

// Removed with the process.
class Tree {
public:
    Tree() : root_("/dev/shm/netvsc-fuzz-sysfs-" + std::to_string(::getpid())) {}
    Tree(const Tree &) = delete;
    Tree &operator=(const Tree &) = delete;
    ~Tree() { clear(); }

    void clear() const {
        std::error_code ignored;
        fs::remove_all(root_, ignored);
    }
    [[nodiscard]] std::string root() const { return root_; }
    void folder(const std::string &path) const {
        std::error_code ignored; // a name that no file can have
        fs::create_directories(root_ / path, ignored);
    }
    void attribute(const std::string &path, std::string_view text) const {
        if (!text.empty())
            std::ofstream(root_ / path) << text;
    }
    void link(const std::string &path, const std::string &target) const {
        if (!target.empty())
            (void)::symlink(target.c_str(), (root_ / path).c_str());
    }

private:
    const fs::path root_;
};

// A name for one component of a path: nothing outside of the tree is ever written to.
std::string component(std::string text) {
    std::ranges::replace(text, '/', '_');
    return text == "." || text == ".." ? std::string() : text;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    std::string_view rest(reinterpret_cast<const char *>(data), size);
    const auto next = [&] {
        const auto text = rest.substr(0, rest.find('\0'));
        rest.remove_prefix(std::min(rest.size(), text.size() + 1));
        return std::string(text);
    };
    static const Tree tree;
    tree.clear();
    tree.folder("class/net/eth0");
    tree.attribute("class/net/eth0/ifindex", next());
    const std::string device = component(next());
    tree.folder("devices/" + device);
    tree.link("class/net/eth0/device", device.empty() ? "" : "../../../devices/" + device);
    const std::string folder = "devices/" + device;
    const std::string class_id = next();
    tree.attribute(folder + "/class_id", class_id);
    tree.link(folder + "/subsystem", next());
    tree.link("devices/subsystem", next());
    tree.attribute(folder + "/vendor", next());
    tree.attribute(folder + "/device", next());

    if (const auto facts = Sysfs(tree.root()).netdevice("eth0", 7)) {
        require(!facts->netvsc || !class_id.empty());
        require(!facts->netvsc || !facts->pci);
        require(!facts->mana || facts->pci);
        planted_bug(facts->pci && facts->pci != PciAddress::parse(function));
    }

    tree.folder("bus/pci/drivers/vfio-pci");
    tree.folder(std::string("bus/pci/devices/") + function);
    const std::string driver = component(next());
    tree.folder("bus/pci/drivers/" + driver);
    const std::string bus_device = std::string("bus/pci/devices/") + function;
    tree.link(bus_device + "/driver", driver.empty() ? "" : "../../drivers/" + driver);
    tree.attribute(bus_device + "/driver_override", next());
    tree.attribute("bus/pci/drivers/" + driver + "/unbind", next());
    tree.attribute("bus/pci/drivers_probe", next());
    const PciDriver pci(*PciAddress::parse(function), tree.root());
    require(pci.exists());
    require(!pci.current() || pci.current() == driver);
    (void)pci.restore();
    // There is no kernel that would bind: it succeeds only where it is bound already.
    require(pci.bind("vfio-pci").has_value() == (pci.current() == "vfio-pci"));
    return 0;
}
