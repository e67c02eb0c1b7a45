// SPDX-License-Identifier: GPL-2.0-only
/* The host's end of a channel's rings, and its maps of the pages that guests share. */
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <linux/xarray.h>

#include "guest.h"
#include "host.h"

#define TRAILER_BYTES 8
#define BOUNCE_BYTES (128 * 1024)

/* GPADLs, by handle. */

struct gpadl {
	struct page **pages;
	void *address;
	u32 size;
};

static DEFINE_XARRAY(gpadls);

int host_map_gpadl(u32 handle, struct page **pages, u32 count, u32 size)
{
	struct gpadl *gpadl = kmalloc(sizeof(*gpadl), GFP_KERNEL);
	void *address = vmap(pages, count, VM_MAP, PAGE_KERNEL);
	int error = -ENOMEM;

	if (gpadl && address) {
		*gpadl = (struct gpadl){ .pages = pages, .address = address, .size = size };
		error = xa_err(xa_store(&gpadls, handle, gpadl, GFP_KERNEL));
	}
	if (error) {
		vunmap(address);
		kfree(gpadl);
		kvfree(pages);
	}
	return error;
}

void host_unmap_gpadl(u32 handle)
{
	struct gpadl *gpadl = xa_erase(&gpadls, handle);

	if (WARN_ONCE(!gpadl, "the guest tears down GPADL %#x, which there is not", handle))
		return;
	synchronize_rcu(); /* frames may be on their way to or from it */
	vunmap(gpadl->address);
	kvfree(gpadl->pages);
	kfree(gpadl);
}

/* Where the host sees the guest's pages, and their size; NULL: there is no such handle. */
void *host_gpadl(u32 handle, u32 *size)
{
	struct gpadl *gpadl = xa_load(&gpadls, handle);

	if (!gpadl)
		return NULL;
	*size = gpadl->size;
	return gpadl->address;
}

/* Rings. */

static u32 bytes_between(const struct hv_ring_buffer_info *ring, u32 from, u32 to)
{
	return to >= from ? to - from : ring->ring_datasize - from + to;
}

/* Writes a packet for the guest. False: the channel is closed, or there is no room, and the guest signals when there is. */
bool host_write(struct host_channel *channel, struct vmpacket_descriptor *header, u32 header_size, const void *payload,
		u32 size)
{
	u32 whole = ALIGN(header_size + size, sizeof(u64)), start;
	struct hv_ring_buffer_info *info = &channel->guest.inbound;
	struct hv_ring_buffer *ring;
	unsigned long flags;
	bool written = false;
	u8 *to;

	header->offset8 = header_size / 8;
	header->len8 = whole / 8;
	spin_lock_irqsave(&channel->lock, flags);
	ring = info->ring_buffer;
	if (!channel->open)
		goto out;
	if (hv_get_bytes_to_write(info) <= whole + TRAILER_BYTES) {
		WRITE_ONCE(ring->pending_send_sz, whole + TRAILER_BYTES);
		virt_mb(); /* the guest reads this after it has moved the read index */
		if (hv_get_bytes_to_write(info) <= whole + TRAILER_BYTES)
			goto out;
	}
	WRITE_ONCE(ring->pending_send_sz, 0);
	start = ring->write_index;
	to = ring->buffer + start;
	memcpy(to, header, header_size);
	memcpy(to + header_size, payload, size);
	memset(to + header_size + size, 0, whole - header_size - size);
	*(u64 *)(to + whole) = (u64)start << 32;
	virt_store_release(&ring->write_index, (start + whole + TRAILER_BYTES) % info->ring_datasize);
	written = true;
out:
	spin_unlock_irqrestore(&channel->lock, flags);
	return written;
}

/* Calls the guest's driver, as the interrupt does that the guest's channel has, unless the guest polls. */
void host_interrupt(struct host_channel *channel)
{
	struct vmbus_channel *guest = &channel->guest;
	unsigned long flags;

	/* The driver schedules its NAPI. With bottom halves disabled the softirq runs at the end of this, not later. */
	local_bh_disable();
	spin_lock_irqsave(&guest->sched_lock, flags);
	virt_mb(); /* the guest unmasks first and reads the write index then */
	if (guest->onchannel_callback && !READ_ONCE(guest->inbound.ring_buffer->interrupt_mask)) {
		guest->interrupts++;
		guest->onchannel_callback(guest->channel_callback_context);
	}
	spin_unlock_irqrestore(&guest->sched_lock, flags);
	local_bh_enable();
}

/* Reads all packets that the guest has sent. Stops interrupts meanwhile, as the protocol wants it. */
static void read_ring(struct work_struct *work)
{
	struct host_channel *channel = container_of(work, struct host_channel, work);
	struct hv_ring_buffer_info *info = &channel->guest.outbound;
	struct hv_ring_buffer *ring = info->ring_buffer;
	u32 read, write;
	bool was_full;

	if (!READ_ONCE(channel->open)) /* closing waits for this work */
		return;
	read = ring->read_index;
	WRITE_ONCE(ring->interrupt_mask, 1);
	for (;;) {
		write = virt_load_acquire(&ring->write_index);
		if (read == write) {
			WRITE_ONCE(ring->interrupt_mask, 0);
			virt_mb(); /* the guest writes first and reads the mask then */
			write = virt_load_acquire(&ring->write_index);
			if (read == write)
				break;
			WRITE_ONCE(ring->interrupt_mask, 1);
		}
		while (read != write) {
			const struct vmpacket_descriptor *packet = (void *)(ring->buffer + read);
			u32 size = hv_pkt_len(packet) + TRAILER_BYTES;

			if (WARN_ONCE(size < sizeof(*packet) + TRAILER_BYTES || size > bytes_between(info, read, write),
				      "the guest wrote a packet of %u bytes, but the ring holds %u", size,
				      bytes_between(info, read, write)))
				return;
			host_read_packet(channel, packet);
			read = (read + size) % info->ring_datasize;
			was_full = ring->pending_send_sz && hv_get_bytes_to_write(info) <= ring->pending_send_sz;
			virt_store_release(&ring->read_index, read);
			virt_mb(); /* the guest sets what it waits for first and reads the read index then */
			if (was_full && hv_get_bytes_to_write(info) > READ_ONCE(ring->pending_send_sz))
				host_interrupt(channel);
		}
		cond_resched();
	}
}

void host_signal(struct vmbus_channel *guest)
{
	struct host_channel *channel = container_of(guest, struct host_channel, guest);

	queue_work(host_queue, &channel->work);
	/* The guest may have made room for an answer. */
	if (READ_ONCE(channel->nic->answers.next) != &channel->nic->answers)
		mod_delayed_work(host_queue, &channel->nic->answer_work, 0);
}

/* Channels. */

struct host_channel *host_primary(struct host_nic *nic)
{
	return rcu_dereference(nic->channels[0]);
}

int host_open_channel(struct vmbus_channel *guest)
{
	struct host_channel *channel = container_of(guest, struct host_channel, guest);

	channel->bounce = kvmalloc(BOUNCE_BYTES, GFP_KERNEL);
	if (!channel->bounce)
		return -ENOMEM;
	spin_lock_irq(&channel->lock);
	channel->open = true;
	spin_unlock_irq(&channel->lock);
	host_watch_monitor(channel);
	return 0;
}

void host_close_channel(struct vmbus_channel *guest)
{
	struct host_channel *channel = container_of(guest, struct host_channel, guest);
	struct host_nic *nic = channel->nic;

	host_unwatch_monitor(channel);
	flush_work(&channel->work); /* what the guest has sent before */
	spin_lock_irq(&channel->lock);
	channel->open = false;
	spin_unlock_irq(&channel->lock);
	cancel_work_sync(&channel->work);
	host_forget_answers(channel);
	if (guest->primary_channel) {
		spin_lock_irq(&nic->lock);
		rcu_assign_pointer(nic->channels[guest->offermsg.offer.sub_channel_index], NULL);
		spin_unlock_irq(&nic->lock);
	} else {
		host_reset_nic(nic);
	}
	kvfree(channel->bounce);
	channel->bounce = NULL;
}

/* A channel that the host will offer: the primary one (index 0) or a sub-channel. NULL: no memory or no monitor id. */
struct host_channel *host_new_channel(struct host_nic *nic, u32 index)
{
	static atomic_t relid = ATOMIC_INIT(0);
	struct host_channel *channel = kzalloc(sizeof(*channel), GFP_KERNEL);
	struct vmbus_channel_offer_channel *offer;
	int monitor = host_take_monitor_id();

	BUILD_BUG_ON(offsetof(struct host_channel, guest.rcu) >= PAGE_SIZE);
	if (!channel || monitor < 0) {
		host_return_monitor_id(monitor);
		kfree(channel);
		return NULL;
	}
	channel->nic = nic;
	spin_lock_init(&channel->lock);
	INIT_WORK(&channel->work, read_ring);
	offer = &channel->guest.offermsg;
	offer->offer.if_type = vmbus_devs[HV_NIC].guid;
	offer->offer.if_instance = nic->instance;
	offer->offer.sub_channel_index = index;
	offer->child_relid = atomic_inc_return(&relid);
	offer->connection_id = offer->child_relid;
	offer->monitorid = monitor;
	offer->monitor_allocated = 1;
	guest_init_channel(&channel->guest);
	return channel;
}

void host_release_channel(struct vmbus_channel *guest)
{
	struct host_channel *channel = container_of(guest, struct host_channel, guest);

	host_return_monitor_id(guest->offermsg.monitorid);
	kfree_rcu(channel, guest.rcu);
}
