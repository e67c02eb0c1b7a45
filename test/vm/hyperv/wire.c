// SPDX-License-Identifier: GPL-2.0-only
/*
 * The wire NIC: the host's connection to the lab's switch (test/vm/lab/switchd.py).
 *
 * Both ends speak of the data path in frames of their own: the host says by which path it wants the guest's frames, and
 * the switch repeats this when it has turned to it. A frame that gets lost is sent again.
 */
#include <linux/etherdevice.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/nsproxy.h>
#include <linux/rtnetlink.h>
#include <net/net_namespace.h>

#include "host.h"

#define PATH_RETRY_MS 200
#define PATH_TRIES 50

/* IEEE 802's second local experimental Ethertype. switchd.py has the same layout. */
#define PATH_ETHERTYPE 0x88b6
struct path_frame {
	struct ethhdr ethernet;
	u8 magic[8];
	__be32 sequence;
	__be32 path;
	u8 padding[ETH_ZLEN - ETH_HLEN - 16];
} __packed;

static const u8 path_magic[8] = "NVSCPATH";

static void send_path(struct host_nic *nic, u32 path, u32 sequence)
{
	struct net_device *wire;
	struct path_frame *frame;
	struct sk_buff *skb;

	rcu_read_lock();
	wire = rcu_dereference(nic->wire);
	skb = wire ? netdev_alloc_skb(wire, sizeof(*frame) + NET_IP_ALIGN) : NULL;
	if (skb) {
		frame = skb_put_zero(skb, sizeof(*frame));
		eth_broadcast_addr(frame->ethernet.h_dest);
		ether_addr_copy(frame->ethernet.h_source, wire->dev_addr);
		frame->ethernet.h_proto = htons(PATH_ETHERTYPE);
		memcpy(frame->magic, path_magic, sizeof(path_magic));
		frame->sequence = htonl(sequence);
		frame->path = htonl(path);
		skb_reset_mac_header(skb);
		skb_set_network_header(skb, ETH_HLEN);
		skb->protocol = frame->ethernet.h_proto;
		dev_queue_xmit(skb);
	}
	rcu_read_unlock();
}

/* Asks the switch until it has confirmed the path. */
static void ask_for_path(struct work_struct *work)
{
	struct host_nic *nic = container_of(work, struct host_nic, path_work.work);
	u32 path, sequence;
	bool confirmed;

	spin_lock_bh(&nic->lock);
	path = nic->path;
	sequence = nic->path_sequence;
	confirmed = nic->path_confirmed;
	spin_unlock_bh(&nic->lock);
	if (confirmed || !rcu_access_pointer(nic->wire)) {
		host_complete_data_path(nic);
	} else if (nic->path_tries++ == PATH_TRIES) {
		pr_warn("hyperv host: %s: the switch does not confirm the data path\n", nic->name);
		host_complete_data_path(nic);
	} else {
		send_path(nic, path, sequence);
		queue_delayed_work(host_queue, &nic->path_work, msecs_to_jiffies(PATH_RETRY_MS));
	}
}

/* Has the switch turn to the path, and completes the guest's request (0: there is none) when it has. May sleep. */
void host_switch_path(struct host_nic *nic, u32 path, u64 request)
{
	bool changed;

	spin_lock_bh(&nic->lock);
	changed = path != nic->path;
	nic->path = path;
	nic->path_request = request;
	if (changed) {
		nic->path_sequence++;
		nic->path_confirmed = false;
	}
	spin_unlock_bh(&nic->lock);
	nic->path_tries = 0;
	if (changed)
		atomic64_inc(&nic->switches);
	mod_delayed_work(host_queue, &nic->path_work, 0);
}

void host_init_path(struct host_nic *nic)
{
	nic->path = NVSP_SYNTHETIC;
	nic->path_confirmed = true;
	INIT_DELAYED_WORK(&nic->path_work, ask_for_path);
}

/* Whether it is a frame about the path. */
static bool take_path_frame(struct host_nic *nic, const struct sk_buff *skb)
{
	struct path_frame buffer;
	const struct path_frame *frame = skb_header_pointer(skb, 0, sizeof(buffer), &buffer);

	if (skb->protocol != htons(PATH_ETHERTYPE) || !frame || memcmp(frame->magic, path_magic, sizeof(path_magic)))
		return false;
	spin_lock(&nic->lock);
	nic->path_confirmed |= ntohl(frame->sequence) == nic->path_sequence;
	spin_unlock(&nic->lock);
	mod_delayed_work(host_queue, &nic->path_work, 0);
	return true;
}

static rx_handler_result_t receive(struct sk_buff **pskb)
{
	struct sk_buff *skb = skb_share_check(*pskb, GFP_ATOMIC);
	struct host_nic *nic;

	if (!skb)
		return RX_HANDLER_CONSUMED;
	nic = rcu_dereference(skb->dev->rx_handler_data);
	skb_push(skb, ETH_HLEN);
	if (take_path_frame(nic, skb))
		consume_skb(skb);
	else
		host_receive(nic, skb);
	return RX_HANDLER_CONSUMED;
}

/* Takes the netdevice, in the caller's network namespace, away from the guest. */
int host_attach_wire(struct host_nic *nic, const char *ifname)
{
	struct net_device *wire = dev_get_by_name(current->nsproxy->net_ns, ifname);
	int error;

	if (!wire)
		return -ENODEV;
	rtnl_lock();
	error = netdev_rx_handler_register(wire, receive, nic);
	if (!error) {
		rcu_assign_pointer(nic->wire, wire);
		wire->flags |= IFF_SLAVE; /* no IPv6 of its own */
		wire->wanted_features &= ~NETIF_F_GRO; /* frames are delivered as they came */
		netdev_update_features(wire);
		dev_set_promiscuity(wire, 1);
		error = dev_open(wire, NULL);
		if (error)
			host_detach_wire(nic);
	} else {
		dev_put(wire);
	}
	rtnl_unlock();
	return error;
}

/* Detaches the wire. Needs RTNL; may be called again. */
void host_detach_wire(struct host_nic *nic)
{
	struct net_device *wire = rtnl_dereference(nic->wire);

	if (!wire)
		return;
	RCU_INIT_POINTER(nic->wire, NULL);
	netdev_rx_handler_unregister(wire); /* waits for those that use either */
	dev_set_promiscuity(wire, -1);
	wire->flags &= ~IFF_SLAVE;
	dev_put(wire);
}

/* A wire NIC that is unplugged. */
static int notice(struct notifier_block *block, unsigned long event, void *data)
{
	struct net_device *netdev = netdev_notifier_info_to_dev(data);

	if (event == NETDEV_UNREGISTER && rtnl_dereference(netdev->rx_handler) == receive)
		host_detach_wire(rtnl_dereference(netdev->rx_handler_data));
	return NOTIFY_DONE;
}

struct notifier_block host_wire_notifier = { .notifier_call = notice };
