// SPDX-License-Identifier: GPL-2.0-only
/* From the wire to the guest: frames, and RNDIS control messages, which take the same way. */
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>

#include "host.h"
#include "messages.h"

#define MAX_FRAGMENTS 48
#define FRAGMENT_BYTES (HOST_RECEIVE_SECTION - 128) /* of data beside the headers; an Ethernet frame fits in */

struct xfer_packet { /* as struct vmtransfer_page_packet_header, with more ranges */
	struct vmpacket_descriptor descriptor;
	u16 buffer;
	u8 reserved[2];
	u32 range_count;
	struct vmtransfer_page_range ranges[MAX_FRAGMENTS];
} __packed;

/* Writes the packet of `count` sections; section[i] has bytes[i] bytes. Releases the sections if that fails. */
static bool write_packet(struct host_channel *channel, enum nvsp_channel_type type, const int *section, const u32 *bytes,
			 u32 count)
{
	const struct nvsp message = { .type = NVSP_RNDIS,
				      .rndis = { .channel_type = type, .section = NVSP_NO_SECTION } };
	struct xfer_packet packet = {
		.descriptor = { .type = VM_PKT_DATA_USING_XFER_PAGES, .trans_id = section[0] + 1,
				.flags = VMBUS_DATA_PACKET_FLAG_COMPLETION_REQUESTED },
		.buffer = NVSP_RECEIVE_BUFFER_ID, .range_count = count };
	u32 i;

	for (i = 0; i < count; i++)
		packet.ranges[i] = (struct vmtransfer_page_range){
			.byte_count = bytes[i], .byte_offset = section[i] * HOST_RECEIVE_SECTION };
	if (host_write(channel, &packet.descriptor, offsetof(struct xfer_packet, ranges[count]), &message, sizeof(message)))
		return true;
	host_return_sections(channel->nic, section[0] + 1);
	return false;
}

/* Takes `count` sections, the last first, so that each is linked to the next. */
static bool take_sections(struct host_nic *nic, int *section, u32 count)
{
	u32 next = SECTION_LAST, i = count;

	while (i--) {
		section[i] = host_take_section(nic, next);
		if (section[i] < 0) {
			if (i + 1 < count)
				host_return_sections(nic, section[i + 1] + 1);
			return false;
		}
		next = section[i];
	}
	return true;
}

/* Writes an RNDIS control message to the guest. False: try again. */
bool host_receive_control(struct host_channel *channel, const void *message, u32 size)
{
	struct host_nic *nic = channel->nic;
	bool written = false;
	int section;
	u8 *buffer;

	rcu_read_lock();
	buffer = rcu_dereference(nic->receive_buffer);
	if (buffer && take_sections(nic, &section, 1)) {
		memcpy(buffer + section * HOST_RECEIVE_SECTION, message, size);
		written = write_packet(channel, NVSP_CONTROL, &section, &size, 1);
	}
	rcu_read_unlock();
	return written;
}

static bool wanted(const struct host_nic *nic, const struct sk_buff *frame)
{
	u32 filter = READ_ONCE(nic->filter);
	const u8 *to = eth_hdr(frame)->h_dest;

	if (filter & RNDIS_PACKET_TYPE_PROMISCUOUS)
		return true;
	if (is_broadcast_ether_addr(to))
		return filter & RNDIS_PACKET_TYPE_BROADCAST;
	if (is_multicast_ether_addr(to))
		return filter & (RNDIS_PACKET_TYPE_ALL_MULTICAST | RNDIS_PACKET_TYPE_MULTICAST);
	return filter & RNDIS_PACKET_TYPE_DIRECTED && ether_addr_equal(to, nic->mac);
}

static void add_info(struct rndis_frame *head, enum rndis_info_type type, u32 value)
{
	struct rndis_info *info = (void *)(head + 1) + head->info_size;

	*info = (struct rndis_info){ .size = sizeof(*info) + sizeof(value), .type = type, .offset = sizeof(*info) };
	*(u32 *)(info + 1) = value;
	head->info_size += info->size;
}

/* Writes fragment number `i` of `count` of the frame into a section. Returns the size of the message. */
static u32 fill_section(u8 *at, struct sk_buff *frame, u32 hash, u32 i, u32 count)
{
	u32 start = i * FRAGMENT_BYTES, size = min_t(u32, frame->len - start, FRAGMENT_BYTES);
	struct rndis_frame *head = (void *)at;

	*head = (struct rndis_frame){ .header = { .type = RNDIS_MSG_PACKET }, .data_size = size };
	if (i == 0 && skb_vlan_tag_present(frame))
		/* NDIS has priority, format and id in the reverse order of the tag's. */
		add_info(head, RNDIS_INFO_VLAN, skb_vlan_tag_get_prio(frame) | skb_vlan_tag_get_cfi(frame) << 3 |
						skb_vlan_tag_get_id(frame) << 4);
	if (i == 0 && hash)
		add_info(head, RNDIS_INFO_HASH, hash);
	if (count > 1)
		add_info(head, RNDIS_INFO_FRAGMENT, RNDIS_FRAGMENT_VERSION | RNDIS_FRAGMENT |
			 (i == 0 ? RNDIS_FRAGMENT_FIRST : 0) | (i == count - 1 ? RNDIS_FRAGMENT_LAST : 0));
	if (head->info_size)
		head->info_offset = sizeof(*head) - sizeof(head->header);
	head->data_offset = sizeof(*head) - sizeof(head->header) + head->info_size;
	head->header.size = sizeof(*head) + head->info_size + size;
	skb_copy_bits(frame, start, at + sizeof(head->header) + head->data_offset, size);
	return head->header.size;
}

static bool deliver(struct host_nic *nic, struct sk_buff *frame)
{
	u32 count = DIV_ROUND_UP(frame->len, FRAGMENT_BYTES), hash = 0, bytes[MAX_FRAGMENTS], i;
	struct host_channel *channel = rcu_dereference(nic->channels[0]), *other = NULL;
	u8 *buffer = rcu_dereference(nic->receive_buffer);
	int section[MAX_FRAGMENTS];

	if (!buffer || !channel || READ_ONCE(nic->quiet) || !wanted(nic, frame) || count > MAX_FRAGMENTS)
		return false;
	/* Frames above the MTU exist only as several that the host has put together (RSC). */
	if (frame->len > nic->frame_size && !nic->rsc_enabled)
		return false;
	spin_lock(&nic->lock);
	if (nic->rss_entries) {
		hash = host_rss_hash(nic, frame);
		i = nic->rss_table[hash % nic->rss_entries];
		other = i < HOST_MAX_CHANNELS ? rcu_dereference(nic->channels[i]) : NULL;
	}
	spin_unlock(&nic->lock);
	if (other && READ_ONCE(other->open))
		channel = other;
	if (!take_sections(nic, section, count))
		return false;
	for (i = 0; i < count; i++)
		bytes[i] = fill_section(buffer + section[i] * HOST_RECEIVE_SECTION, frame, hash, i, count);
	if (!write_packet(channel, NVSP_DATA, section, bytes, count))
		return false;
	host_interrupt(channel);
	return true;
}

/* Takes a frame from the wire, in softirq under RCU; frees it. */
void host_receive(struct host_nic *nic, struct sk_buff *frame)
{
	atomic64_inc(deliver(nic, frame) ? &nic->to_guest : &nic->dropped);
	consume_skb(frame);
}
