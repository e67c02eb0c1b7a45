// SPDX-License-Identifier: GPL-2.0-only
/* The guest's ends of the two rings of a channel. */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/hyperv.h>
#include <linux/uio.h>
#include <linux/vmalloc.h>
#include <linux/slab.h>
#include <linux/prefetch.h>
#include <linux/io.h>
#include <asm/mshyperv.h>

#include "guest.h"

#define TRAILER_BYTES 8 /* follows each packet: where it begins */

/* Maps the ring's header once and its data twice in a row, so that no packet wraps. */
int guest_map_ring(struct hv_ring_buffer_info *ring, struct page *pages, u32 count, u32 max_packet)
{
	u32 data = count - 1, i;
	struct page **list;

	guest_unmap_ring(ring);
	list = kvmalloc_array(1 + 2 * data, sizeof(*list), GFP_KERNEL);
	if (!list)
		return -ENOMEM;
	list[0] = pages;
	for (i = 0; i < 2 * data; i++)
		list[1 + i] = pages + 1 + i % data;
	ring->ring_buffer = vmap(list, 1 + 2 * data, VM_MAP, PAGE_KERNEL);
	kvfree(list);
	if (max_packet)
		ring->pkt_buffer = kzalloc(max_packet, GFP_KERNEL);
	if (!ring->ring_buffer || (max_packet && !ring->pkt_buffer)) {
		guest_unmap_ring(ring);
		return -ENOMEM;
	}
	ring->pkt_buffer_size = max_packet;
	memset(ring->ring_buffer, 0, sizeof(*ring->ring_buffer));
	ring->ring_buffer->feature_bits.feat_pending_send_sz = 1;
	ring->ring_size = count << PAGE_SHIFT;
	ring->ring_size_div10_reciprocal = reciprocal_value(ring->ring_size / 10);
	ring->ring_datasize = data << PAGE_SHIFT;
	ring->priv_read_index = 0;
	spin_lock_init(&ring->ring_lock);
	return 0;
}

void guest_unmap_ring(struct hv_ring_buffer_info *ring)
{
	mutex_lock(&ring->ring_buffer_mutex);
	vunmap(ring->ring_buffer);
	ring->ring_buffer = NULL;
	kfree(ring->pkt_buffer);
	ring->pkt_buffer = NULL;
	mutex_unlock(&ring->ring_buffer_mutex);
}

/* Writes the parts as one packet, whose header is at the start of the first. -EAGAIN: no room, or no request id. */
int guest_write_ring(struct vmbus_channel *channel, const struct kvec *parts, u32 count, u64 request)
{
	struct hv_ring_buffer_info *ring = &channel->outbound;
	struct vmpacket_descriptor *descriptor = parts[0].iov_base;
	u32 size = TRAILER_BYTES, start, i;
	u64 trailer, id = VMBUS_NO_RQSTOR;
	unsigned long flags;
	u8 *to;

	if (channel->rescind)
		return -ENODEV;
	for (i = 0; i < count; i++)
		size += parts[i].iov_len;
	spin_lock_irqsave(&ring->ring_lock, flags);
	/* A ring that is filled to the last byte would look empty. */
	if (hv_get_bytes_to_write(ring) <= size) {
		channel->out_full_first += !channel->out_full_flag;
		channel->out_full_flag = true;
		channel->out_full_total++;
		spin_unlock_irqrestore(&ring->ring_lock, flags);
		return -EAGAIN;
	}
	channel->out_full_flag = false;
	if (descriptor->flags == VMBUS_DATA_PACKET_FLAG_COMPLETION_REQUESTED && channel->next_request_id_callback) {
		id = channel->next_request_id_callback(channel, request);
		if (id == VMBUS_RQST_ERROR) {
			spin_unlock_irqrestore(&ring->ring_lock, flags);
			return -EAGAIN;
		}
	}
	descriptor->trans_id = id == VMBUS_NO_RQSTOR ? request : id;
	start = ring->ring_buffer->write_index;
	to = ring->ring_buffer->buffer + start;
	for (i = 0; i < count; i++) {
		memcpy(to, parts[i].iov_base, parts[i].iov_len);
		to += parts[i].iov_len;
	}
	trailer = (u64)start << 32;
	memcpy(to, &trailer, sizeof(trailer));
	virt_store_release(&ring->ring_buffer->write_index, (start + size) % ring->ring_datasize);
	/* The host masks interrupts first and reads the write index then. */
	virt_mb();
	if (!READ_ONCE(ring->ring_buffer->interrupt_mask) && start == READ_ONCE(ring->ring_buffer->read_index)) {
		channel->intr_out_empty++;
		spin_unlock_irqrestore(&ring->ring_lock, flags);
		vmbus_setevent(channel);
	} else {
		spin_unlock_irqrestore(&ring->ring_lock, flags);
	}
	return 0;
}

/* The packet at the private read index, as a copy that the host cannot change; NULL if there is none. */
struct vmpacket_descriptor *hv_pkt_iter_first(struct vmbus_channel *channel)
{
	struct hv_ring_buffer_info *ring = &channel->inbound;
	u32 end = virt_load_acquire(&ring->ring_buffer->write_index), start = ring->priv_read_index;
	u32 available = end >= start ? end - start : ring->ring_datasize - start + end;
	const struct vmpacket_descriptor *packet = (void *)(ring->ring_buffer->buffer + start);
	struct vmpacket_descriptor *copy = ring->pkt_buffer;
	u32 size;

	if (available < sizeof(*packet))
		return NULL;
	size = READ_ONCE(packet->len8) * 8;
	if (WARN_ONCE(size < sizeof(*packet) || size > available || size > ring->pkt_buffer_size,
		      "the host wrote a packet of %u bytes, but the ring holds %u", size, available))
		return NULL;
	memcpy(copy, packet, size);
	copy->len8 = size / 8;
	return copy;
}
EXPORT_SYMBOL_GPL(hv_pkt_iter_first);

struct vmpacket_descriptor *__hv_pkt_iter_next(struct vmbus_channel *channel, const struct vmpacket_descriptor *pkt)
{
	struct hv_ring_buffer_info *ring = &channel->inbound;

	ring->priv_read_index = (ring->priv_read_index + hv_pkt_len(pkt) + TRAILER_BYTES) % ring->ring_datasize;
	return hv_pkt_iter_first(channel);
}
EXPORT_SYMBOL_GPL(__hv_pkt_iter_next);

/* Gives the room of what was read back to the host, and signals it if it waits for that much. */
void hv_pkt_iter_close(struct vmbus_channel *channel)
{
	struct hv_ring_buffer_info *ring = &channel->inbound;
	u32 before = hv_get_bytes_to_write(ring), wanted;

	virt_store_release(&ring->ring_buffer->read_index, ring->priv_read_index);
	/* The host sets what it waits for first and reads the read index then. */
	virt_mb();
	wanted = READ_ONCE(ring->ring_buffer->pending_send_sz);
	if (wanted && before <= wanted && hv_get_bytes_to_write(ring) > wanted) {
		channel->intr_in_full++;
		vmbus_setevent(channel);
	}
}
EXPORT_SYMBOL_GPL(hv_pkt_iter_close);
