// SPDX-License-Identifier: BSD-3-Clause
#include "link_watch.hpp"

#include "log.hpp"
#include "netlink/complete_message.hpp"

#include <linux/rtnetlink.h>

#include <ethdev_driver.h>
#include <libmnl/libmnl.h>
#include <rte_errno.h>
#include <rte_interrupts.h>

namespace testvf {

using netvsc::Result;

void LinkWatch::CloseSocket::operator()(mnl_socket *socket) const noexcept {
    mnl_socket_close(socket);
}

void LinkWatch::FreeHandle::operator()(rte_intr_handle *handle) const noexcept {
    rte_intr_instance_free(handle);
}

Result<LinkWatch::Pointer> LinkWatch::open(std::shared_ptr<const Netdevice> netdevice,
                                           std::uint16_t port, bool raise_removal) {
    // Until its callback is registered a watch is deleted like any other object.
    struct Delete {
        void operator()(LinkWatch *watch) const noexcept { delete watch; }
    };
    std::unique_ptr<LinkWatch, Delete> watch(
        new LinkWatch(std::move(netdevice), port, raise_removal));

    watch->socket_.reset(mnl_socket_open2(NETLINK_ROUTE, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!watch->socket_)
        return netvsc::system_error("netlink socket");
    if (mnl_socket_bind(watch->socket_.get(), RTMGRP_LINK, MNL_SOCKET_AUTOPID) < 0)
        return netvsc::system_error("bind netlink socket");
    // The netdevice may have been removed before the socket was bound.
    if (auto done = watch->ask(); !done)
        return std::unexpected(done.error());

    watch->handle_.reset(rte_intr_instance_alloc(RTE_INTR_INSTANCE_F_PRIVATE));
    if (!watch->handle_)
        return netvsc::failure(ENOMEM, "interrupt handle");
    if (rte_intr_fd_set(watch->handle_.get(), mnl_socket_get_fd(watch->socket_.get())) != 0 ||
        rte_intr_type_set(watch->handle_.get(), RTE_INTR_HANDLE_EXT) != 0)
        return netvsc::failure(rte_errno, "interrupt handle");
    if (const int error =
            rte_intr_callback_register(watch->handle_.get(), on_readable, watch.get());
        error != 0)
        return netvsc::failure(-error, "interrupt callback");
    return Pointer(watch.release());
}

void LinkWatch::GiveUp::operator()(LinkWatch *watch) const noexcept {
    {
        const std::scoped_lock lock(watch->mutex_);
        watch->closed_ = true;
    }
    for (;;) {
        // -EAGAIN from the first: the callback is running; from the second: it no longer is.
        if (rte_intr_callback_unregister(watch->handle_.get(), on_readable, watch) != -EAGAIN)
            break;
        if (rte_intr_callback_unregister_pending(watch->handle_.get(), on_readable, watch,
                                                 on_unregistered) != -EAGAIN)
            return;
    }
    delete watch;
}

void LinkWatch::on_unregistered(rte_intr_handle * /*handle*/, void *self) noexcept {
    delete static_cast<LinkWatch *>(self);
}

Result<void> LinkWatch::ask() const {
    std::array<char, MNL_ALIGN(sizeof(nlmsghdr)) + MNL_ALIGN(sizeof(ifinfomsg))> storage = {};
    nlmsghdr *header = mnl_nlmsg_put_header(storage.data());
    header->nlmsg_type = RTM_GETLINK;
    header->nlmsg_flags = NLM_F_REQUEST;
    auto *info = static_cast<ifinfomsg *>(mnl_nlmsg_put_extra_header(header, sizeof(ifinfomsg)));
    info->ifi_family = AF_UNSPEC;
    info->ifi_index = static_cast<int>(netdevice_->index());
    if (mnl_socket_sendto(socket_.get(), header, header->nlmsg_len) < 0)
        return netvsc::system_error("RTM_GETLINK");
    return {};
}

void LinkWatch::read_message(const nlmsghdr &message) {
    if (message.nlmsg_type == NLMSG_ERROR) {
        // The answer to ask(), the only request made here.
        if (mnl_nlmsg_get_payload_len(&message) >= sizeof(nlmsgerr) &&
            static_cast<const nlmsgerr *>(mnl_nlmsg_get_payload(&message))->error == -ENODEV)
            saw_removal_ = true;
        return;
    }
    if ((message.nlmsg_type != RTM_NEWLINK && message.nlmsg_type != RTM_DELLINK) ||
        mnl_nlmsg_get_payload_len(&message) < sizeof(ifinfomsg))
        return;
    const auto *info = static_cast<const ifinfomsg *>(mnl_nlmsg_get_payload(&message));
    // A bridge announces a port that leaves it by an RTM_DELLINK of its own family.
    if (info->ifi_family != AF_UNSPEC || info->ifi_index != static_cast<int>(netdevice_->index()))
        return;
    if (message.nlmsg_type == RTM_DELLINK)
        saw_removal_ = true;
    else
        saw_change_ = true;
}

void LinkWatch::read_messages() {
    for (;;) {
        const ssize_t received = mnl_socket_recvfrom(socket_.get(), buffer_.data(), buffer_.size());
        if (received < 0) {
            if (errno == EINTR)
                continue;
            // Messages were lost (ENOBUFS), or one did not fit (ENOSPC).
            if ((errno == ENOBUFS || errno == ENOSPC) && ask())
                continue;
            return;
        }
        int left = static_cast<int>(received);
        for (const auto *message = reinterpret_cast<const nlmsghdr *>(buffer_.data());
             netvsc::is_complete_message(message, left); message = mnl_nlmsg_next(message, &left))
            read_message(*message);
    }
}

void LinkWatch::on_readable(void *self) noexcept {
    auto *watch = static_cast<LinkWatch *>(self);
    watch->saw_removal_ = watch->saw_change_ = false;
    watch->read_messages();
    if (watch->saw_change_)
        watch->tell_link();
    if (watch->saw_removal_)
        watch->tell_removal();
}

void LinkWatch::tell_link() {
    rte_eth_dev *port = &rte_eth_devices[port_];
    {
        const std::scoped_lock lock(mutex_);
        if (closed_ || !started_ || port->data->dev_conf.intr_conf.lsc == 0)
            return;
        const rte_eth_link link = netdevice_->link();
        if (rte_eth_linkstatus_set(port, &link) != 0)
            return;
    }
    rte_eth_dev_callback_process(port, RTE_ETH_EVENT_INTR_LSC, nullptr);
}

void LinkWatch::tell_removal() {
    rte_eth_dev *port = &rte_eth_devices[port_];
    {
        const std::scoped_lock lock(mutex_);
        if (gone_.exchange(true) || closed_)
            return;
        TESTVF_LOG(NOTICE, "%s: netdevice removed", port->data->name);
        // Only if the application requested it, like mlx5 and MANA.
        if (!raise_removal_ || port->data->dev_conf.intr_conf.rmv == 0)
            return;
    }
    rte_eth_dev_callback_process(port, RTE_ETH_EVENT_INTR_RMV, nullptr);
}

} // namespace testvf
