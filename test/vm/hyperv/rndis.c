// SPDX-License-Identifier: GPL-2.0-only
/* RNDIS control messages: what a guest asks its NIC and sets. */
#include <linux/etherdevice.h>

#include "host.h"
#include "messages.h"

#define LINK_SPEED 400000000u /* 40 Gb/s, in units of 100 b/s */
#define MAX_LARGE_SEND 62780

static void answer(struct host_channel *channel, const void *message, u32 size)
{
	host_answer(channel, ANSWER_RNDIS, &(struct answer_packet){
		.type = VM_PKT_DATA_USING_XFER_PAGES, .payload = message, .size = size });
}

static void initialize(struct host_channel *channel, u32 id)
{
	const struct rndis_init_complete complete = {
		.header = { RNDIS_MSG_INIT_C, sizeof(complete) }, .id = id, .status = RNDIS_STATUS_SUCCESS,
		.major = 1, .flags = 1 /* connectionless */, .max_packets = 8, .max_size = 0x4000, .alignment_shift = 3 };

	answer(channel, &complete, sizeof(complete));
}

static u32 offload_capabilities(struct host_nic *nic, const struct ndis_header *wanted, struct ndis_offload *offload)
{
	const u32 size = min_t(u32, wanted->size, sizeof(*offload));

	*offload = (struct ndis_offload){
		.header = { NDIS_TYPE_OFFLOAD, wanted->revision, size },
		.send_ipv4 = { NDIS_ENCAPSULATION_8023, NDIS_CHECKSUM_IPV4 },
		.receive_ipv4 = { NDIS_ENCAPSULATION_8023, NDIS_CHECKSUM_IPV4 },
		.send_ipv6 = { NDIS_ENCAPSULATION_8023, NDIS_CHECKSUM_IPV6 },
		.receive_ipv6 = { NDIS_ENCAPSULATION_8023, NDIS_CHECKSUM_IPV6 },
		.large_send_ipv4 = { NDIS_ENCAPSULATION_8023, MAX_LARGE_SEND, 2 },
		.large_send_ipv6 = { NDIS_ENCAPSULATION_8023, MAX_LARGE_SEND, 2 },
		.large_send_ipv6_options = NDIS_LARGE_SEND_IPV6,
		.rsc_ipv4 = nic->rsc_offered && nic->rsc_capable,
		.rsc_ipv6 = nic->rsc_offered && nic->rsc_capable,
	};
	return size;
}

static void query(struct host_channel *channel, const struct rndis_request *request, const void *info, u32 info_size)
{
	struct host_nic *nic = channel->nic;
	struct {
		struct rndis_query_complete complete;
		union {
			u32 number;
			u8 mac[ETH_ALEN];
			struct ndis_offload offload;
			struct ndis_rss_capabilities rss;
		};
	} message = { .complete = { .header = { .type = RNDIS_MSG_QUERY_C }, .id = request->id,
				    .status = RNDIS_STATUS_SUCCESS, .size = sizeof(u32),
				    .offset = sizeof(struct rndis_query_complete) - sizeof(struct rndis_header) } };

	switch (request->oid) {
	case RNDIS_OID_GEN_MAXIMUM_FRAME_SIZE:
		message.number = nic->frame_size - ETH_HLEN;
		break;
	case RNDIS_OID_802_3_PERMANENT_ADDRESS:
	case RNDIS_OID_802_3_CURRENT_ADDRESS:
		ether_addr_copy(message.mac, request->oid == RNDIS_OID_802_3_CURRENT_ADDRESS ? nic->mac : nic->permanent_mac);
		message.complete.size = ETH_ALEN;
		break;
	case RNDIS_OID_GEN_MEDIA_CONNECT_STATUS:
		message.number = !nic->link_up;
		break;
	case RNDIS_OID_GEN_LINK_SPEED:
		message.number = LINK_SPEED;
		break;
	case OID_OFFLOAD_CAPABILITIES:
		if (info_size >= sizeof(struct ndis_header)) {
			message.complete.size = offload_capabilities(nic, info, &message.offload);
			break;
		}
		fallthrough;
	default:
		message.complete.status = RNDIS_STATUS_NOT_SUPPORTED;
		message.complete.size = 0;
		break;
	case OID_RSS_CAPABILITIES:
		message.rss = (struct ndis_rss_capabilities){
			.header = { NDIS_TYPE_RSS_CAPABILITIES, 2, sizeof(message.rss) }, .capabilities = 0x300,
			.messages = nic->max_channels, .queues = nic->max_channels, .table_entries = 128 };
		message.complete.size = sizeof(message.rss);
		break;
	}
	message.complete.header.size = sizeof(message.complete) + message.complete.size;
	answer(channel, &message, message.complete.header.size);
}

static u32 set_filter(struct host_nic *nic, const void *info, u32 size)
{
	if (size < sizeof(u32))
		return RNDIS_STATUS_FAILURE;
	WRITE_ONCE(nic->filter, *(const u32 *)info);
	return RNDIS_STATUS_SUCCESS;
}

static u32 set_rss(struct host_nic *nic, const void *info, u32 size)
{
	const struct ndis_rss_parameters *rss = info;

	if (size < sizeof(*rss) || size < (u64)rss->table_offset + rss->table_size ||
	    size < (u64)rss->key_offset + rss->key_size || rss->key_size > sizeof(nic->rss_key) ||
	    rss->table_size > sizeof(nic->rss_table))
		return RNDIS_STATUS_FAILURE;
	spin_lock_bh(&nic->lock);
	if (!(rss->flags & NDIS_RSS_KEY_UNCHANGED))
		memcpy(nic->rss_key, info + rss->key_offset, rss->key_size);
	if (!(rss->flags & NDIS_RSS_TABLE_UNCHANGED))
		memcpy(nic->rss_table, info + rss->table_offset, rss->table_size);
	nic->rss_entries = rss->flags & NDIS_RSS_DISABLED ? 0 : rss->table_size / sizeof(u32);
	spin_unlock_bh(&nic->lock);
	return RNDIS_STATUS_SUCCESS;
}

static u32 set_offloads(struct host_nic *nic, const void *info, u32 size)
{
	const struct ndis_offload_parameters *parameters = info;

	if (size >= sizeof(*parameters) && parameters->rsc_ipv4)
		nic->rsc_enabled = nic->rsc_offered && parameters->rsc_ipv4 == NDIS_PARAMETER_ENABLED;
	return RNDIS_STATUS_SUCCESS;
}

/* The one parameter that guests set is NetworkAddress: a MAC address of 12 digits. */
static u32 set_parameter(struct host_nic *nic, const void *info, u32 size)
{
	const struct rndis_parameter *parameter = info;
	char digits[2 * ETH_ALEN + 1] = "";
	const u16 *value;
	u8 mac[ETH_ALEN];
	int i;

	if (size < sizeof(*parameter) || size < (u64)parameter->value_offset + parameter->value_size ||
	    parameter->value_size < 4 * ETH_ALEN || nic->refuse_mac)
		return RNDIS_STATUS_FAILURE;
	value = info + parameter->value_offset;
	for (i = 0; i < 2 * ETH_ALEN; i++)
		digits[i] = value[i];
	if (hex2bin(mac, digits, sizeof(mac)))
		return RNDIS_STATUS_FAILURE;
	ether_addr_copy(nic->mac, mac);
	return RNDIS_STATUS_SUCCESS;
}

static void set(struct host_channel *channel, const struct rndis_request *request, const void *info, u32 size)
{
	struct host_nic *nic = channel->nic;
	struct rndis_set_complete complete = { .header = { RNDIS_MSG_SET_C, sizeof(complete) }, .id = request->id };

	switch (request->oid) {
	case RNDIS_OID_GEN_CURRENT_PACKET_FILTER:
		complete.status = set_filter(nic, info, size);
		break;
	case OID_RSS_PARAMETERS:
		complete.status = set_rss(nic, info, size);
		break;
	case OID_OFFLOAD_PARAMETERS:
		complete.status = set_offloads(nic, info, size);
		break;
	case RNDIS_OID_GEN_RNDIS_CONFIG_PARAMETER:
		complete.status = set_parameter(nic, info, size);
		break;
	default:
		complete.status = RNDIS_STATUS_NOT_SUPPORTED;
	}
	answer(channel, &complete, sizeof(complete));
	host_send_association(nic, nic->vf_associated);
}

/* Takes a control message, in the channel's work. */
void host_rndis_control(struct host_channel *channel, const void *message, u32 size)
{
	const struct rndis_request *request = message;
	const void *info = message + sizeof(struct rndis_header);
	u32 info_size = 0;

	if (size < offsetofend(struct rndis_request, id))
		return;
	if (size >= sizeof(*request) && sizeof(struct rndis_header) + (u64)request->offset + request->size <= size) {
		info += request->offset;
		info_size = request->size;
	}
	switch (request->header.type) {
	case RNDIS_MSG_INIT:
		initialize(channel, request->id);
		break;
	case RNDIS_MSG_QUERY:
		query(channel, request, info, info_size);
		break;
	case RNDIS_MSG_SET:
		set(channel, request, info, info_size);
		break;
	case RNDIS_MSG_KEEPALIVE: {
		const struct rndis_set_complete alive = {
			.header = { RNDIS_MSG_KEEPALIVE_C, sizeof(alive) }, .id = request->id };

		answer(channel, &alive, sizeof(alive));
		break;
	}
	case RNDIS_MSG_HALT: /* has no answer */
		WRITE_ONCE(channel->nic->filter, 0);
		break;
	}
}

/* Notifies the guest of a link change: RNDIS_STATUS_MEDIA_CONNECT and others. */
void host_indicate(struct host_nic *nic, u32 status)
{
	const struct rndis_indication indication = {
		.header = { RNDIS_MSG_INDICATE, sizeof(indication) }, .status = status,
		.offset = sizeof(indication) - sizeof(struct rndis_header) };
	struct host_channel *primary;

	rcu_read_lock();
	primary = host_primary(nic);
	if (primary)
		answer(primary, &indication, sizeof(indication));
	rcu_read_unlock();
}
