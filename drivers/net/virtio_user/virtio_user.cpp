// SPDX-License-Identifier: BSD-3-Clause
//
// What EAL finds when it loads the plugin: the vdev driver net_virtio_user, its alias virtio_user
// and the PMD information.

#include "common/eal/dpdk_release.hpp"
#include "ethdev/log.hpp"
#include "ethdev/port.hpp"

#include <memory>
#include <string>

#include <bus_vdev_driver.h>
#include <ethdev_vdev.h>
#include <rte_eal.h>

namespace {

#define VIRTIO_USER_NAME "net_virtio_user"
#define VIRTIO_USER_ALIAS "virtio_user"
#define VIRTIO_USER_PARAMETERS                                                                     \
    "path=<path> mac=<xx:xx:xx:xx:xx:xx> queues=<int> cq=<0|1> queue_size=<int> "                  \
    "iface=<netdevice> server=<0|1> mrg_rxbuf=<0|1> in_order=<0|1> packed_vq=<0|1> "               \
    "speed=<Mbit/s>"

namespace virtio = netvsc::virtio;
using virtio::LogLevel;

int refuse(const std::string &name, const std::string &why, int number) {
    virtio::log(LogLevel::error, name + ": " + why + "; no port is made");
    return -number;
}

int make_port(rte_vdev_device &vdev) {
    const std::string name = rte_vdev_device_name(&vdev);
    const char *text = rte_vdev_device_args(&vdev);
    const auto arguments = virtio::Arguments::parse(text == nullptr ? "" : text);
    if (!arguments)
        return refuse(name, arguments.error(), EINVAL);
    rte_eth_dev *ethdev = rte_eth_vdev_allocate(&vdev, 0);
    if (ethdev == nullptr)
        return refuse(name, "no free port", ENOMEM);
    const int failed = virtio::guarded("probe", [&] {
        auto port = virtio::Port::make(*ethdev, *arguments);
        if (!port)
            return refuse(name, port.error().message(), port.error().number);
        ethdev->data->dev_private = new std::shared_ptr<virtio::Port>(std::move(*port));
        return 0;
    });
    if (failed != 0) {
        rte_eth_dev_release_port(ethdev);
        return failed;
    }
    ethdev->dev_ops = &virtio::port_operations;
    ethdev->data->dev_flags |= RTE_ETH_DEV_AUTOFILL_QUEUE_XSTATS;
    rte_eth_dev_probing_finish(ethdev);
    return 0;
}

extern "C" int virtio_user_probe(rte_vdev_device *vdev) {
    return virtio::guarded("probe", [&] {
        if (rte_eal_process_type() != RTE_PROC_PRIMARY)
            return refuse(rte_vdev_device_name(vdev), "secondary processes are not supported",
                          ENOTSUP);
        return make_port(*vdev);
    });
}

extern "C" int virtio_user_remove(rte_vdev_device *vdev) {
    return virtio::guarded("remove", [&] {
        rte_eth_dev *ethdev = rte_eth_dev_allocated(rte_vdev_device_name(vdev));
        return ethdev == nullptr ? 0 : rte_eth_dev_close(ethdev->data->port_id);
    });
}

rte_vdev_driver virtio_user_driver = {
    .driver = {.name = VIRTIO_USER_NAME, .alias = VIRTIO_USER_ALIAS},
    .probe = virtio_user_probe,
    .remove = virtio_user_remove,
    .dma_map = nullptr,
    .dma_unmap = nullptr,
    .drv_flags = 0,
};

RTE_INIT(virtio_user_register) {
    const netvsc::DpdkFit fit = netvsc::check_this_dpdk();
    if (fit.problem)
        virtio::log(fit.usable ? LogLevel::warning : LogLevel::error, *fit.problem);
    if (fit.usable)
        rte_vdev_register(&virtio_user_driver);
}

// What dpdk-pmdinfo.py looks for in the shared object (DPDK's pmdinfogen makes it for drivers
// built within DPDK's tree).
__attribute__((used)) const char pmd_info[] =
    "PMD_INFO_STRING= {\"name\": \"" VIRTIO_USER_NAME "\", \"alias\": \"" VIRTIO_USER_ALIAS
    "\", \"params\": \"" VIRTIO_USER_PARAMETERS "\", \"pci_ids\": []}";

} // namespace
