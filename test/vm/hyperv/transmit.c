// SPDX-License-Identifier: GPL-2.0-only
/* From the guest to the wire. */
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>

#include "host.h"
#include "messages.h"

/* What the guest leaves to the host for a frame. */
struct offloads {
	u32 checksum, large_send, vlan;
	bool has_vlan;
};

static void read_info(const struct rndis_frame *head, struct offloads *offloads)
{
	const void *at = (void *)head + sizeof(head->header) + head->info_offset;
	u32 left = head->info_size;

	while (left >= sizeof(struct rndis_info) + sizeof(u32)) {
		const struct rndis_info *info = at;
		u32 value;

		if (info->size < sizeof(*info) + sizeof(u32) || info->size > left || info->offset > info->size - sizeof(u32))
			return;
		value = *(const u32 *)(at + info->offset);
		if (info->type == RNDIS_INFO_CHECKSUM)
			offloads->checksum = value;
		else if (info->type == RNDIS_INFO_LARGE_SEND)
			offloads->large_send = value;
		else if (info->type == RNDIS_INFO_VLAN)
			offloads->vlan = value, offloads->has_vlan = true;
		at += info->size;
		left -= info->size;
	}
}

/*
 * Leaves the frame to Linux to be cut into segments. NDIS wants the pseudo header's checksum without the length and no
 * length in the IP header; Linux wants both.
 */
static bool prepare_large_send(struct sk_buff *skb, u32 info)
{
	u32 tcp_at = info >> RNDIS_LARGE_SEND_HEADER_SHIFT & RNDIS_HEADER_OFFSET_MASK, size = skb->len - tcp_at;
	struct tcphdr *tcp = (void *)skb->data + tcp_at;

	if (skb->len < tcp_at + sizeof(*tcp) || !skb_partial_csum_set(skb, tcp_at, offsetof(struct tcphdr, check)))
		return false;
	if (info & RNDIS_LARGE_SEND_IPV6) {
		struct ipv6hdr *ip = ipv6_hdr(skb);

		ip->payload_len = htons(skb->len - ETH_HLEN - sizeof(*ip));
		tcp->check = ~csum_ipv6_magic(&ip->saddr, &ip->daddr, size, IPPROTO_TCP, 0);
	} else {
		struct iphdr *ip = ip_hdr(skb);

		ip->tot_len = htons(skb->len - ETH_HLEN);
		ip_send_check(ip);
		tcp->check = ~csum_tcpudp_magic(ip->saddr, ip->daddr, size, IPPROTO_TCP, 0);
	}
	skb_shinfo(skb)->gso_size = info & RNDIS_LARGE_SEND_MSS_MASK;
	skb_shinfo(skb)->gso_type = SKB_GSO_DODGY | (info & RNDIS_LARGE_SEND_IPV6 ? SKB_GSO_TCPV6 : SKB_GSO_TCPV4);
	return true;
}

static bool prepare(struct sk_buff *skb, const struct offloads *offloads)
{
	u32 at = offloads->checksum >> RNDIS_CHECKSUM_HEADER_SHIFT & RNDIS_HEADER_OFFSET_MASK;

	if (offloads->has_vlan)
		__vlan_hwaccel_put_tag(skb, htons(ETH_P_8021Q), offloads->vlan >> 4 |
				       (offloads->vlan >> 3 & 1) << 12 | (offloads->vlan & 7) << VLAN_PRIO_SHIFT);
	if (offloads->large_send)
		return prepare_large_send(skb, offloads->large_send);
	if (offloads->checksum & RNDIS_CHECKSUM_TCP)
		return skb_partial_csum_set(skb, at, offsetof(struct tcphdr, check));
	if (offloads->checksum & RNDIS_CHECKSUM_UDP)
		return skb_partial_csum_set(skb, at, offsetof(struct udphdr, check));
	return true;
}

static bool send_frame(struct host_nic *nic, const struct rndis_frame *head)
{
	const void *data = (void *)head + sizeof(head->header) + head->data_offset;
	struct offloads offloads = {};
	struct sk_buff *skb;
	bool sent = false;

	read_info(head, &offloads);
	skb = alloc_skb(head->data_size + NET_SKB_PAD, GFP_KERNEL);
	if (!skb)
		return false;
	skb_reserve(skb, NET_SKB_PAD);
	skb_put_data(skb, data, head->data_size);
	skb_reset_mac_header(skb);
	skb_set_network_header(skb, ETH_HLEN);
	skb->protocol = eth_hdr(skb)->h_proto;
	rcu_read_lock();
	skb->dev = rcu_dereference(nic->wire);
	if (skb->dev && prepare(skb, &offloads))
		sent = dev_queue_xmit(skb) == NET_XMIT_SUCCESS;
	else
		kfree_skb(skb);
	rcu_read_unlock();
	return sent;
}

/* Sends the frames of a message: one RNDIS message or several in a row. */
void host_transmit(struct host_nic *nic, const void *message, u32 size)
{
	while (size >= sizeof(struct rndis_frame)) {
		const struct rndis_frame *head = message;
		u32 whole = head->header.size;

		if (head->header.type != RNDIS_MSG_PACKET || whole < sizeof(*head) || whole > size ||
		    sizeof(head->header) + (u64)head->data_offset + head->data_size > whole ||
		    sizeof(head->header) + (u64)head->info_offset + head->info_size > whole || head->data_size < ETH_HLEN) {
			WARN_ONCE(true, "the guest sends a bad RNDIS message: type %u, %u of %u bytes", head->header.type, whole,
				  size);
			return;
		}
		atomic64_inc(send_frame(nic, head) ? &nic->from_guest : &nic->dropped);
		message += whole;
		size -= whole;
	}
}
