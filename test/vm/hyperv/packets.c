// SPDX-License-Identifier: GPL-2.0-only
/* Packets from the guest to the host, and the ids of requests that the host will answer. */
#include "channel_types.h"

/* Writes a packet: its header, what else belongs to it, its payload. The size is rounded up to 8 bytes. */
static int send_packet(struct vmbus_channel *channel, void *header, u32 header_size, void *payload, u32 size, u64 request)
{
	struct vmpacket_descriptor *descriptor = header;
	u32 whole = ALIGN(header_size + size, sizeof(u64));
	u64 padding = 0;
	struct kvec parts[] = {
		{ .iov_base = header, .iov_len = header_size },
		{ .iov_base = payload, .iov_len = size },
		{ .iov_base = &padding, .iov_len = whole - header_size - size },
	};

	descriptor->offset8 = header_size / 8;
	descriptor->len8 = whole / 8;
	return guest_write_ring(channel, parts, ARRAY_SIZE(parts), request);
}

int vmbus_sendpacket(struct vmbus_channel *channel, void *buffer, u32 bufferlen, u64 requestid, enum vmbus_packet_type type,
		     u32 flags)
{
	struct vmpacket_descriptor descriptor = { .type = type, .flags = flags };

	return send_packet(channel, &descriptor, sizeof(descriptor), buffer, bufferlen, requestid);
}
EXPORT_SYMBOL(vmbus_sendpacket);

int vmbus_sendpacket_mpb_desc(struct vmbus_channel *channel, struct vmbus_packet_mpb_array *mpb, u32 desc_size, void *buffer,
			      u32 bufferlen, u64 requestid)
{
	mpb->type = VM_PKT_DATA_USING_GPA_DIRECT;
	mpb->flags = VMBUS_DATA_PACKET_FLAG_COMPLETION_REQUESTED;
	mpb->reserved = 0;
	return send_packet(channel, mpb, desc_size, buffer, bufferlen, requestid);
}
EXPORT_SYMBOL_GPL(vmbus_sendpacket_mpb_desc);

/*
 * A request's id is the index of its address in req_arr, plus one: 0 is the id of what nobody asked for. A free entry
 * holds the index of the next free one.
 */

u64 vmbus_next_request_id(struct vmbus_channel *channel, u64 rqst_addr)
{
	struct vmbus_requestor *requestor = &channel->requestor;
	unsigned long flags;
	u64 index;

	if (!channel->rqstor_size)
		return VMBUS_NO_RQSTOR;
	lock_requestor(channel, flags);
	index = requestor->next_request_id;
	if (index < requestor->size) {
		requestor->next_request_id = requestor->req_arr[index];
		requestor->req_arr[index] = rqst_addr;
		__set_bit(index, requestor->req_bitmap);
	}
	unlock_requestor(channel, flags);
	return index < requestor->size ? index + 1 : VMBUS_RQST_ERROR;
}
EXPORT_SYMBOL_GPL(vmbus_next_request_id);

u64 vmbus_request_addr(struct vmbus_channel *channel, u64 trans_id)
{
	struct vmbus_requestor *requestor = &channel->requestor;
	u64 address = VMBUS_RQST_ERROR, index = trans_id - 1;
	unsigned long flags;

	if (!channel->rqstor_size)
		return VMBUS_NO_RQSTOR;
	lock_requestor(channel, flags);
	if (trans_id && index < requestor->size && __test_and_clear_bit(index, requestor->req_bitmap)) {
		address = requestor->req_arr[index];
		requestor->req_arr[index] = requestor->next_request_id;
		requestor->next_request_id = index;
	}
	unlock_requestor(channel, flags);
	return address;
}
EXPORT_SYMBOL_GPL(vmbus_request_addr);
