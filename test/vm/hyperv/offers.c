// SPDX-License-Identifier: GPL-2.0-only
/* Channels that the host offers and takes back. */
#include <linux/kernel.h>
#include <linux/interrupt.h>
#include <linux/sched.h>
#include <linux/wait.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/cpu.h>
#include <linux/hyperv.h>
#include <asm/mshyperv.h>
#include <linux/sched/isolation.h>

#include "guest.h"

/* A channel's device_id is an index of this table. This host offers network devices only. */
const struct vmbus_device vmbus_devs[] = {
	[HV_NIC] = { .dev_type = HV_NIC, HV_NIC_GUID, .perf_device = true, .allowed_in_isolated = true },
};
EXPORT_SYMBOL_GPL(vmbus_devs);

void vmbus_set_sc_create_callback(struct vmbus_channel *primary_channel, void (*sc_cr_cb)(struct vmbus_channel *new_sc))
{
	primary_channel->sc_creation_callback = sc_cr_cb;
}
EXPORT_SYMBOL_GPL(vmbus_set_sc_create_callback);

void vmbus_set_chn_rescind_callback(struct vmbus_channel *channel, void (*chn_rescind_cb)(struct vmbus_channel *))
{
	channel->chn_rescind_callback = chn_rescind_cb;
}
EXPORT_SYMBOL_GPL(vmbus_set_chn_rescind_callback);

/* Prepares a channel whose offer the host has filled in. guest_put_channel() frees it. */
void guest_init_channel(struct vmbus_channel *channel)
{
	const struct vmbus_channel_offer_channel *offer = &channel->offermsg;

	guest_init_channel_kobject(channel);
	INIT_LIST_HEAD(&channel->sc_list);
	spin_lock_init(&channel->sched_lock);
	init_completion(&channel->rescind_event);
	mutex_init(&channel->inbound.ring_buffer_mutex);
	mutex_init(&channel->outbound.ring_buffer_mutex);
	channel->state = CHANNEL_OPEN_STATE; /* that is: offered, and can be opened */
	channel->device_id = HV_NIC;
	channel->monitor_grp = offer->monitorid / MONITOR_GROUP_BITS;
	channel->monitor_bit = offer->monitorid % MONITOR_GROUP_BITS;
	channel->target_cpu = cpumask_local_spread(offer->offer.sub_channel_index, NUMA_NO_NODE);
}

/* Adds a sub-channel and hands it to the driver, which opens it. Takes over the caller's reference. */
void guest_add_subchannel(struct vmbus_channel *primary, struct vmbus_channel *channel)
{
	channel->primary_channel = primary;
	if (guest_add_channel_attributes(channel, primary->device_obj)) {
		guest_put_channel(channel);
		return;
	}
	mutex_lock(&vmbus_connection.channel_mutex);
	list_add_tail(&channel->sc_list, &primary->sc_list);
	mutex_unlock(&vmbus_connection.channel_mutex);
	if (primary->sc_creation_callback)
		primary->sc_creation_callback(channel);
}

/* Removes the sub-channels, which are closed. */
void guest_remove_subchannels(struct vmbus_channel *primary)
{
	struct vmbus_channel *channel, *next;
	LIST_HEAD(removed);

	mutex_lock(&vmbus_connection.channel_mutex);
	list_splice_init(&primary->sc_list, &removed);
	mutex_unlock(&vmbus_connection.channel_mutex);
	list_for_each_entry_safe(channel, next, &removed, sc_list) {
		list_del_init(&channel->sc_list);
		kobject_del(&channel->kobj);
		guest_put_channel(channel);
	}
}

/* The host has taken the offer back: the guest sends nothing any more. */
void guest_rescind(struct vmbus_channel *primary)
{
	struct vmbus_channel *subchannel;

	mutex_lock(&vmbus_connection.channel_mutex);
	list_for_each_entry(subchannel, &primary->sc_list, sc_list)
		subchannel->rescind = true;
	primary->rescind = true;
	mutex_unlock(&vmbus_connection.channel_mutex);
	complete_all(&primary->rescind_event);
}

/* Removes the device of a channel that has been rescinded. */
void guest_remove_device(struct vmbus_channel *primary)
{
	if (primary->chn_rescind_callback)
		primary->chn_rescind_callback(primary); /* which unregisters the device */
	else
		vmbus_device_unregister(primary->device_obj);
}
