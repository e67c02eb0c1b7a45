// SPDX-License-Identifier: GPL-2.0-only
/*
 * The monitor page. User space cannot call the hypervisor, so it sets its channel's bit in this page. The host polls the
 * page every 100 us. hv_netvsc signals directly, so the host polls only the channels of other drivers.
 */
#include <linux/delay.h>
#include <linux/idr.h>
#include <linux/kthread.h>

#include "guest.h"
#include "host.h"

#define POLL_US 100

static DEFINE_IDA(ids);
static DEFINE_MUTEX(lock); /* for the two that follow */
static struct host_channel *watched[MONITOR_IDS];
static unsigned int count;
static DECLARE_WAIT_QUEUE_HEAD(wait);
static struct task_struct *poller;

int host_take_monitor_id(void)
{
	return ida_alloc_max(&ids, MONITOR_IDS - 1, GFP_KERNEL);
}

void host_return_monitor_id(int id)
{
	if (id >= 0)
		ida_free(&ids, id);
}

static bool signals_directly(const struct vmbus_channel *channel)
{
	const struct vmbus_channel *primary = channel->primary_channel ?: channel;

	return !strcmp(primary->device_obj->device.driver->name, "hv_netvsc");
}

void host_watch_monitor(struct host_channel *channel)
{
	if (signals_directly(&channel->guest))
		return;
	mutex_lock(&lock);
	watched[channel->guest.offermsg.monitorid] = channel;
	count++;
	mutex_unlock(&lock);
	wake_up(&wait);
}

/* When it returns, the channel is not signalled from here any more. */
void host_unwatch_monitor(struct host_channel *channel)
{
	u8 id = channel->guest.offermsg.monitorid;

	mutex_lock(&lock);
	if (watched[id] == channel) {
		watched[id] = NULL;
		count--;
	}
	mutex_unlock(&lock);
}

static void poll_once(void)
{
	struct hv_monitor_page *page = vmbus_connection.monitor_pages[1];
	u32 group, pending;

	mutex_lock(&lock);
	for (group = 0; group < MONITOR_IDS / MONITOR_GROUP_BITS; group++) {
		pending = xchg(&page->trigger_group[group].pending, 0);
		while (pending) {
			u32 bit = __ffs(pending);
			struct host_channel *channel = watched[group * MONITOR_GROUP_BITS + bit];

			pending &= pending - 1;
			if (channel)
				vmbus_setevent(&channel->guest);
		}
	}
	mutex_unlock(&lock);
}

static int poll(void *unused)
{
	while (!kthread_should_stop()) {
		wait_event_interruptible(wait, READ_ONCE(count) || kthread_should_stop());
		poll_once();
		usleep_range(POLL_US, POLL_US * 2);
	}
	return 0;
}

int host_start_monitor(void)
{
	poller = kthread_run(poll, NULL, "hyperv_monitor");
	return PTR_ERR_OR_ZERO(poller);
}

void host_stop_monitor(void)
{
	kthread_stop(poller);
	ida_destroy(&ids);
}
