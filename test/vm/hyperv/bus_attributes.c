// SPDX-License-Identifier: GPL-2.0-only
/* What sysfs shows of devices and their channels: what user space uses of the kernel's (ABI/stable/sysfs-bus-vmbus). */
#include <linux/device.h>
#include <linux/hyperv.h>
#include <linux/kobject.h>
#include <linux/sysfs.h>

#include "guest.h"

/* Devices. */

static struct vmbus_channel *primary(struct device *device)
{
	return device_to_hv_device(device)->channel;
}

static ssize_t id_show(struct device *device, struct device_attribute *attribute, char *buf)
{
	return sysfs_emit(buf, "%u\n", primary(device)->offermsg.child_relid);
}
static DEVICE_ATTR_RO(id);

static ssize_t state_show(struct device *device, struct device_attribute *attribute, char *buf)
{
	return sysfs_emit(buf, "%d\n", primary(device)->state);
}
static DEVICE_ATTR_RO(state);

static ssize_t monitor_id_show(struct device *device, struct device_attribute *attribute, char *buf)
{
	return sysfs_emit(buf, "%u\n", primary(device)->offermsg.monitorid);
}
static DEVICE_ATTR_RO(monitor_id);

static ssize_t class_id_show(struct device *device, struct device_attribute *attribute, char *buf)
{
	return sysfs_emit(buf, "{%pUl}\n", &device_to_hv_device(device)->dev_type);
}
static DEVICE_ATTR_RO(class_id);

static ssize_t device_id_show(struct device *device, struct device_attribute *attribute, char *buf)
{
	return sysfs_emit(buf, "{%pUl}\n", &device_to_hv_device(device)->dev_instance);
}
static DEVICE_ATTR_RO(device_id);

static ssize_t modalias_show(struct device *device, struct device_attribute *attribute, char *buf)
{
	return sysfs_emit(buf, "vmbus:%*phN\n", UUID_SIZE, &device_to_hv_device(device)->dev_type);
}
static DEVICE_ATTR_RO(modalias);

static ssize_t numa_node_show(struct device *device, struct device_attribute *attribute, char *buf)
{
	return sysfs_emit(buf, "%d\n", cpu_to_node(primary(device)->target_cpu));
}
static DEVICE_ATTR_RO(numa_node);

static ssize_t vendor_show(struct device *device, struct device_attribute *attribute, char *buf)
{
	return sysfs_emit(buf, "0x%x\n", device_to_hv_device(device)->vendor_id);
}
static DEVICE_ATTR_RO(vendor);

static ssize_t device_show(struct device *device, struct device_attribute *attribute, char *buf)
{
	return sysfs_emit(buf, "0x%x\n", device_to_hv_device(device)->device_id);
}
static DEVICE_ATTR_RO(device);

static ssize_t channel_vp_mapping_show(struct device *device, struct device_attribute *attribute, char *buf)
{
	struct vmbus_channel *channel = primary(device), *subchannel;
	int size = sysfs_emit(buf, "%u:%u\n", channel->offermsg.child_relid, channel->target_cpu);

	mutex_lock(&vmbus_connection.channel_mutex);
	list_for_each_entry(subchannel, &channel->sc_list, sc_list)
		size += sysfs_emit_at(buf, size, "%u:%u\n", subchannel->offermsg.child_relid, subchannel->target_cpu);
	mutex_unlock(&vmbus_connection.channel_mutex);
	return size;
}
static DEVICE_ATTR_RO(channel_vp_mapping);

static ssize_t driver_override_show(struct device *device, struct device_attribute *attribute, char *buf)
{
	ssize_t size;

	device_lock(device);
	size = sysfs_emit(buf, "%s\n", device_to_hv_device(device)->driver_override);
	device_unlock(device);
	return size;
}

static ssize_t driver_override_store(struct device *device, struct device_attribute *attribute, const char *buf, size_t count)
{
	int error = driver_set_override(device, &device_to_hv_device(device)->driver_override, buf, count);

	return error ?: count;
}
static DEVICE_ATTR_RW(driver_override);

static struct attribute *guest_device_attrs[] = {
	&dev_attr_id.attr, &dev_attr_state.attr, &dev_attr_monitor_id.attr, &dev_attr_class_id.attr,
	&dev_attr_device_id.attr, &dev_attr_modalias.attr, &dev_attr_numa_node.attr, &dev_attr_vendor.attr,
	&dev_attr_device.attr, &dev_attr_channel_vp_mapping.attr, &dev_attr_driver_override.attr,
	NULL,
};

static const struct attribute_group guest_device_group = { .attrs = guest_device_attrs };
const struct attribute_group *guest_device_groups[] = { &guest_device_group, NULL };

/* Channels: channels/<id>/ of their device. */

struct channel_attribute {
	struct attribute attr;
	u64 (*value)(const struct vmbus_channel *channel);
};

static ssize_t show_channel_attribute(struct kobject *kobject, struct attribute *attribute, char *buf)
{
	const struct vmbus_channel *channel = container_of(kobject, struct vmbus_channel, kobj);

	return sysfs_emit(buf, "%llu\n", container_of(attribute, struct channel_attribute, attr)->value(channel));
}

#define CHANNEL_ATTRIBUTE(file, expression) \
	static u64 file##_value(const struct vmbus_channel *channel) \
	{ \
		return expression; \
	} \
	static struct channel_attribute channel_##file = { { .name = #file, .mode = 0444 }, file##_value }

CHANNEL_ATTRIBUTE(cpu, channel->target_cpu);
CHANNEL_ATTRIBUTE(monitor_id, channel->offermsg.monitorid);
CHANNEL_ATTRIBUTE(subchannel_id, channel->offermsg.offer.sub_channel_index);
CHANNEL_ATTRIBUTE(interrupts, channel->interrupts);
CHANNEL_ATTRIBUTE(events, channel->sig_events);
CHANNEL_ATTRIBUTE(intr_in_full, channel->intr_in_full);
CHANNEL_ATTRIBUTE(intr_out_empty, channel->intr_out_empty);
CHANNEL_ATTRIBUTE(out_full_first, channel->out_full_first);
CHANNEL_ATTRIBUTE(out_full_total, channel->out_full_total);

static struct attribute *channel_attrs[] = {
	&channel_cpu.attr, &channel_monitor_id.attr, &channel_subchannel_id.attr, &channel_interrupts.attr,
	&channel_events.attr, &channel_intr_in_full.attr, &channel_intr_out_empty.attr, &channel_out_full_first.attr,
	&channel_out_full_total.attr,
	NULL,
};
ATTRIBUTE_GROUPS(channel);

static void release_channel(struct kobject *kobject)
{
	host_release_channel(container_of(kobject, struct vmbus_channel, kobj));
}

static const struct sysfs_ops channel_sysfs_ops = { .show = show_channel_attribute };
static struct kobj_type channel_type = {
	.sysfs_ops = &channel_sysfs_ops,
	.release = release_channel,
	.default_groups = channel_groups,
};

void guest_init_channel_kobject(struct vmbus_channel *channel)
{
	kobject_init(&channel->kobj, &channel_type);
}

/* Makes the channel's folder, for the first channel that of all. */
int guest_add_channel_attributes(struct vmbus_channel *channel, struct hv_device *device)
{
	int error;

	if (!device->channels_kset) {
		device->channels_kset = kset_create_and_add("channels", NULL, &device->device.kobj);
		if (!device->channels_kset)
			return -ENOMEM;
	}
	channel->kobj.kset = device->channels_kset;
	error = kobject_add(&channel->kobj, NULL, "%u", channel->offermsg.child_relid);
	if (!error)
		kobject_uevent(&channel->kobj, KOBJ_ADD);
	return error;
}
