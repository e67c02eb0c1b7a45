// SPDX-License-Identifier: GPL-2.0-only
/* Receive-side scaling: Toeplitz's hash over the addresses of IP packets, and over the ports of TCP's. */
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <asm/unaligned.h>

#include "host.h"

/* The key slides over the input, bit by bit; each bit that is set adds the 32 bits of the key above it. */
static u32 toeplitz(const u8 *key, const u8 *input, u32 size)
{
	u64 window = get_unaligned_be64(key);
	u32 hash = 0, i, bit;

	for (i = 0; i < size; i++) {
		for (bit = 0; bit < 8; bit++)
			if (input[i] & (0x80 >> bit))
				hash ^= window << bit >> 32;
		window = window << 8 | (i + 8 < HOST_KEY_BYTES ? key[i + 8] : 0);
	}
	return hash;
}

/* The hash of a frame that begins with its Ethernet header; 0: it is none of IP. */
u32 host_rss_hash(const struct host_nic *nic, struct sk_buff *frame)
{
	u8 buffer[sizeof(struct ipv6hdr)], input[2 * sizeof(struct in6_addr) + 4];
	u32 ports_at = 0, size;
	const u8 *header;

	if (frame->protocol == htons(ETH_P_IP)) {
		const struct iphdr *ip;

		header = skb_header_pointer(frame, ETH_HLEN, sizeof(*ip), buffer);
		if (!header)
			return 0;
		ip = (const void *)header;
		size = 2 * sizeof(ip->saddr);
		memcpy(input, &ip->saddr, size);
		if (ip->protocol == IPPROTO_TCP && !(ip->frag_off & htons(0x3fff)))
			ports_at = ETH_HLEN + ip->ihl * 4;
	} else if (frame->protocol == htons(ETH_P_IPV6)) {
		const struct ipv6hdr *ip;

		header = skb_header_pointer(frame, ETH_HLEN, sizeof(*ip), buffer);
		if (!header)
			return 0;
		ip = (const void *)header;
		size = 2 * sizeof(ip->saddr);
		memcpy(input, &ip->saddr, size);
		if (ip->nexthdr == IPPROTO_TCP)
			ports_at = ETH_HLEN + sizeof(*ip);
	} else {
		return 0;
	}
	if (ports_at && !skb_copy_bits(frame, ports_at, input + size, 4))
		size += 4;
	return toeplitz(nic->rss_key, input, size);
}
