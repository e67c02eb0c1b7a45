// SPDX-License-Identifier: GPL-2.0-only
/* The module, and the life of the host's NICs. */
#include <linux/delay.h>
#include <linux/etherdevice.h>
#include <linux/module.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>

#include "guest.h"
#include "host.h"

#define DRAIN_MS 2000

struct workqueue_struct *host_queue, *host_vf_queue;

/* A NIC whose frames go by the netdevice `wire`. It is not offered yet: see host_set_present(). */
struct host_nic *host_add_nic(const guid_t *instance, const u8 *mac, const char *wire)
{
	struct host_nic *nic = kzalloc(sizeof(*nic), GFP_KERNEL);
	int error;

	if (!nic)
		return ERR_PTR(-ENOMEM);
	nic->instance = *instance;
	snprintf(nic->name, sizeof(nic->name), "%pUl", instance);
	ether_addr_copy(nic->mac, mac);
	ether_addr_copy(nic->permanent_mac, mac);
	nic->max_channels = 1;
	nic->channel_count = 1;
	nic->link_up = true;
	mutex_init(&nic->presence);
	spin_lock_init(&nic->lock);
	host_init_answers(nic);
	host_init_path(nic);
	host_init_vf(nic);
	error = host_control_add(nic); /* from here on, the folder's release frees it */
	if (!error)
		error = host_attach_wire(nic, wire);
	if (error) {
		host_control_remove(nic);
		return ERR_PTR(error);
	}
	return nic;
}

void host_remove_nic(struct host_nic *nic)
{
	host_set_present(nic, false);
	rtnl_lock();
	host_detach_wire(nic);
	rtnl_unlock();
	cancel_delayed_work_sync(&nic->path_work);
	cancel_delayed_work_sync(&nic->answer_work);
	host_forget_vf(nic);
	host_control_remove(nic);
}

static int offer(struct host_nic *nic)
{
	struct host_channel *channel = host_new_channel(nic, 0);
	int error;

	if (!channel)
		return -ENOMEM;
	nic->quiet = false;
	guest_get_channel(&channel->guest); /* the host's own reference */
	rcu_assign_pointer(nic->channels[0], channel);
	error = guest_add_device(&channel->guest, nic->name);
	if (error) {
		RCU_INIT_POINTER(nic->channels[0], NULL);
		guest_put_channel(&channel->guest);
	}
	return error;
}

static u32 sections_held(struct host_nic *nic)
{
	u32 held;

	spin_lock_bh(&nic->lock);
	held = nic->sections_held;
	spin_unlock_bh(&nic->lock);
	return held;
}

/* Takes the offer back. First the host sends no more frames and has nothing left to answer: a guest waits for that. */
static void rescind(struct host_nic *nic)
{
	struct host_channel *primary = rcu_dereference_protected(nic->channels[0], true);
	int waited, i;

	WRITE_ONCE(nic->quiet, true);
	for (waited = 0; waited < DRAIN_MS && (host_pending_answers(nic) || sections_held(nic)); waited++) {
		host_release_answers(nic, ANSWER_KINDS);
		msleep(1);
	}
	guest_rescind(&primary->guest);
	for (i = 0; i < HOST_MAX_CHANNELS; i++) {
		struct host_channel *channel = rcu_dereference_protected(nic->channels[i], true);

		if (channel)
			flush_work(&channel->work); /* what the guest has sent just before */
	}
	host_release_answers(nic, ANSWER_KINDS);
	flush_delayed_work(&nic->answer_work);
	guest_remove_device(&primary->guest);
	RCU_INIT_POINTER(nic->channels[0], NULL);
	guest_put_channel(&primary->guest);
}

/* Offers the NIC to the guest, which probes it meanwhile, or takes it back. */
int host_set_present(struct host_nic *nic, bool present)
{
	int error = 0;

	mutex_lock(&nic->presence);
	if (present && !nic->present)
		error = offer(nic);
	else if (!present && nic->present)
		rescind(nic);
	if (!error)
		nic->present = present;
	mutex_unlock(&nic->presence);
	return error;
}

static int __init hyperv_init(void)
{
	int error = -ENOMEM;

	host_queue = alloc_workqueue("hyperv_host", WQ_UNBOUND | WQ_HIGHPRI, 0);
	host_vf_queue = alloc_ordered_workqueue("hyperv_vf", 0);
	if (!host_queue || !host_vf_queue)
		goto no_queue;
	error = guest_connect();
	if (error)
		goto no_queue;
	error = host_start_monitor();
	if (error)
		goto no_monitor;
	error = guest_bus_init();
	if (error)
		goto no_bus;
	error = register_netdevice_notifier(&host_wire_notifier);
	if (error)
		goto no_notifier;
	error = host_control_init();
	if (!error)
		return 0;
	unregister_netdevice_notifier(&host_wire_notifier);
no_notifier:
	guest_bus_exit();
no_bus:
	host_stop_monitor();
no_monitor:
	guest_disconnect();
no_queue:
	if (host_vf_queue)
		destroy_workqueue(host_vf_queue);
	if (host_queue)
		destroy_workqueue(host_queue);
	return error;
}

/* The kernel has unloaded the drivers before, because they use this module. */
static void __exit hyperv_exit(void)
{
	host_control_exit();
	unregister_netdevice_notifier(&host_wire_notifier);
	guest_bus_exit();
	host_stop_monitor();
	guest_disconnect();
	destroy_workqueue(host_vf_queue);
	destroy_workqueue(host_queue);
}

module_init(hyperv_init);
module_exit(hyperv_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("A Hyper-V host for the guest's own network drivers, for tests");
