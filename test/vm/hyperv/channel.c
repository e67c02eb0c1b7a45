// SPDX-License-Identifier: GPL-2.0-only
/* Opening and closing channels. */
#include "channel_types.h"

void vmbus_setevent(struct vmbus_channel *channel)
{
	channel->sig_events++;
	host_signal(channel);
}

int vmbus_alloc_ring(struct vmbus_channel *channel, u32 send_size, u32 recv_size)
{
	struct page *pages;

	if (send_size % PAGE_SIZE || recv_size % PAGE_SIZE)
		return -EINVAL;
	pages = alloc_pages(GFP_KERNEL | __GFP_ZERO, get_order(send_size + recv_size));
	if (!pages)
		return -ENOMEM;
	channel->ringbuffer_page = pages;
	channel->ringbuffer_pagecount = (send_size + recv_size) >> PAGE_SHIFT;
	channel->ringbuffer_send_offset = send_size >> PAGE_SHIFT;
	return 0;
}
EXPORT_SYMBOL_GPL(vmbus_alloc_ring);

void vmbus_free_ring(struct vmbus_channel *channel)
{
	guest_unmap_ring(&channel->outbound);
	guest_unmap_ring(&channel->inbound);
	if (channel->ringbuffer_page)
		__free_pages(channel->ringbuffer_page, get_order(channel->ringbuffer_pagecount << PAGE_SHIFT));
	channel->ringbuffer_page = NULL;
}
EXPORT_SYMBOL_GPL(vmbus_free_ring);

static void free_requestor(struct vmbus_requestor *requestor)
{
	kfree(requestor->req_arr);
	bitmap_free(requestor->req_bitmap);
	requestor->req_arr = NULL;
	requestor->req_bitmap = NULL;
}

static int alloc_requestor(struct vmbus_channel *channel)
{
	struct vmbus_requestor *requestor = &channel->requestor;
	u32 i;

	if (!channel->rqstor_size)
		return 0;
	requestor->req_arr = kcalloc(channel->rqstor_size, sizeof(u64), GFP_KERNEL);
	requestor->req_bitmap = bitmap_zalloc(channel->rqstor_size, GFP_KERNEL);
	if (!requestor->req_arr || !requestor->req_bitmap) {
		free_requestor(requestor);
		return -ENOMEM;
	}
	for (i = 0; i < channel->rqstor_size; i++)
		requestor->req_arr[i] = i + 1;
	requestor->size = channel->rqstor_size;
	requestor->next_request_id = 0;
	spin_lock_init(&requestor->req_lock);
	return 0;
}

int vmbus_connect_ring(struct vmbus_channel *channel, void (*onchannel_callback)(void *context), void *context)
{
	u32 sending = channel->ringbuffer_send_offset, receiving = channel->ringbuffer_pagecount - sending;
	struct page *pages = channel->ringbuffer_page;
	int error;

	if (channel->state != CHANNEL_OPEN_STATE)
		return -EINVAL;
	if (channel->rescind)
		return -ENODEV;
	if (!channel->max_pkt_size)
		channel->max_pkt_size = VMBUS_DEFAULT_MAX_PKT_SIZE;
	error = alloc_requestor(channel);
	if (error)
		return error;
	error = guest_map_ring(&channel->outbound, pages, sending, 0);
	if (!error)
		error = guest_map_ring(&channel->inbound, pages + sending, receiving, channel->max_pkt_size);
	if (!error) {
		channel->onchannel_callback = onchannel_callback;
		channel->channel_callback_context = context;
		error = host_open_channel(channel);
	}
	if (error) {
		channel->onchannel_callback = NULL;
		guest_unmap_ring(&channel->outbound);
		guest_unmap_ring(&channel->inbound);
		free_requestor(&channel->requestor);
		return error;
	}
	channel->state = CHANNEL_OPENED_STATE;
	return 0;
}
EXPORT_SYMBOL_GPL(vmbus_connect_ring);

int vmbus_open(struct vmbus_channel *channel, u32 send_ringbuffersize, u32 recv_ringbuffersize, void *userdata,
	       u32 userdatalen, void (*onchannel_callback)(void *context), void *context)
{
	int error = vmbus_alloc_ring(channel, send_ringbuffersize, recv_ringbuffersize);

	if (error)
		return error;
	error = vmbus_connect_ring(channel, onchannel_callback, context);
	if (error)
		vmbus_free_ring(channel);
	return error;
}
EXPORT_SYMBOL_GPL(vmbus_open);

/* Whether the channel was open. */
static bool disconnect(struct vmbus_channel *channel)
{
	unsigned long flags;

	/* No callback of the driver's runs after this: the host calls it with the lock held. */
	spin_lock_irqsave(&channel->sched_lock, flags);
	channel->onchannel_callback = NULL;
	spin_unlock_irqrestore(&channel->sched_lock, flags);
	channel->sc_creation_callback = NULL;
	if (channel->state != CHANNEL_OPENED_STATE)
		return false;
	channel->state = CHANNEL_OPEN_STATE;
	host_close_channel(channel);
	free_requestor(&channel->requestor);
	return true;
}

int vmbus_disconnect_ring(struct vmbus_channel *channel)
{
	struct vmbus_channel *subchannel;
	bool was_open;

	if (channel->primary_channel)
		return -EINVAL;
	list_for_each_entry(subchannel, &channel->sc_list, sc_list)
		if (disconnect(subchannel))
			vmbus_free_ring(subchannel);
	was_open = disconnect(channel);
	guest_remove_subchannels(channel);
	return was_open ? 0 : -EINVAL;
}
EXPORT_SYMBOL_GPL(vmbus_disconnect_ring);

void vmbus_close(struct vmbus_channel *channel)
{
	if (!vmbus_disconnect_ring(channel))
		vmbus_free_ring(channel);
}
EXPORT_SYMBOL_GPL(vmbus_close);
