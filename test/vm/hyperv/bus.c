// SPDX-License-Identifier: GPL-2.0-only
/* The bus: drivers, devices, and which driver takes which device. */
#include <linux/init.h>
#include <linux/module.h>
#include <linux/device.h>
#include <linux/interrupt.h>
#include <linux/sysctl.h>
#include <linux/slab.h>
#include <linux/acpi.h>
#include <linux/completion.h>
#include <linux/hyperv.h>
#include <linux/kernel_stat.h>
#include <linux/clockchips.h>
#include <linux/cpu.h>
#include <linux/sched/isolation.h>
#include <linux/sched/task_stack.h>
#include <linux/delay.h>
#include <linux/panic_notifier.h>
#include <linux/ptrace.h>
#include <linux/screen_info.h>
#include <linux/efi.h>
#include <linux/random.h>
#include <linux/kernel.h>
#include <linux/syscore_ops.h>
#include <linux/dma-map-ops.h>
#include <linux/pci.h>
#include <clocksource/hyperv_timer.h>

#include "guest.h"

/* A class that was added to a driver by its new_id. */
struct dynamic_id {
	struct list_head node;
	struct hv_vmbus_device_id id;
};

static const struct hv_vmbus_device_id *find_dynamic_id(struct hv_driver *driver, const guid_t *class)
{
	const struct hv_vmbus_device_id *found = NULL;
	struct dynamic_id *entry;

	spin_lock(&driver->dynids.lock);
	list_for_each_entry(entry, &driver->dynids.list, node)
		if (guid_equal(&entry->id.guid, class))
			found = &entry->id;
	spin_unlock(&driver->dynids.lock);
	return found;
}

/* The id by which the driver takes the device, or NULL. A device with driver_override is for that driver alone. */
static const struct hv_vmbus_device_id *matching_id(struct hv_driver *driver, struct hv_device *device)
{
	static const struct hv_vmbus_device_id overridden;
	const struct hv_vmbus_device_id *id;

	if (device->driver_override)
		return strcmp(device->driver_override, driver->name) ? NULL : &overridden;
	for (id = driver->id_table; id && !guid_is_null(&id->guid); id++)
		if (guid_equal(&id->guid, &device->dev_type))
			return id;
	return find_dynamic_id(driver, &device->dev_type);
}

static int match(struct device *device, struct device_driver *driver)
{
	struct hv_device *hv_device = device_to_hv_device(device);

	return hv_device->channels_kset && matching_id(drv_to_hv_drv(driver), hv_device);
}

static int probe(struct device *device)
{
	struct hv_driver *driver = drv_to_hv_drv(device->driver);
	struct hv_device *hv_device = device_to_hv_device(device);

	return driver->probe(hv_device, matching_id(driver, hv_device));
}

static void remove(struct device *device)
{
	struct hv_driver *driver = drv_to_hv_drv(device->driver);

	if (driver->remove)
		driver->remove(device_to_hv_device(device));
}

static int uevent(struct device *device, struct kobj_uevent_env *env)
{
	return add_uevent_var(env, "MODALIAS=vmbus:%*phN", UUID_SIZE, &device_to_hv_device(device)->dev_type);
}

static ssize_t new_id_store(struct device_driver *device_driver, const char *buf, size_t count)
{
	struct hv_driver *driver = drv_to_hv_drv(device_driver);
	struct dynamic_id *entry;
	guid_t class;
	int error = guid_parse(buf, &class);

	if (error)
		return error;
	if (find_dynamic_id(driver, &class))
		return -EEXIST;
	entry = kzalloc(sizeof(*entry), GFP_KERNEL);
	if (!entry)
		return -ENOMEM;
	entry->id.guid = class;
	spin_lock(&driver->dynids.lock);
	list_add_tail(&entry->node, &driver->dynids.list);
	spin_unlock(&driver->dynids.lock);
	error = driver_attach(device_driver);
	return error ?: count;
}
static DRIVER_ATTR_WO(new_id);

/* Removes the dynamic ids of this class, or all of them. Returns how many there were. */
static unsigned int remove_dynamic_ids(struct hv_driver *driver, const guid_t *class)
{
	struct dynamic_id *entry, *next;
	unsigned int removed = 0;

	spin_lock(&driver->dynids.lock);
	list_for_each_entry_safe(entry, next, &driver->dynids.list, node) {
		if (class && !guid_equal(&entry->id.guid, class))
			continue;
		list_del(&entry->node);
		kfree(entry);
		removed++;
	}
	spin_unlock(&driver->dynids.lock);
	return removed;
}

static ssize_t remove_id_store(struct device_driver *driver, const char *buf, size_t count)
{
	guid_t class;
	int error = guid_parse(buf, &class);

	if (error)
		return error;
	return remove_dynamic_ids(drv_to_hv_drv(driver), &class) ? count : -ENODEV;
}
static DRIVER_ATTR_WO(remove_id);

static struct attribute *driver_attrs[] = {
	&driver_attr_new_id.attr,
	&driver_attr_remove_id.attr,
	NULL,
};
ATTRIBUTE_GROUPS(driver);

static struct bus_type vmbus = {
	.name = "vmbus",
	.match = match,
	.probe = probe,
	.remove = remove,
	.uevent = uevent,
	.dev_groups = guest_device_groups,
	.drv_groups = driver_groups,
};

int __vmbus_driver_register(struct hv_driver *driver, struct module *owner, const char *mod_name)
{
	driver->driver.name = driver->name;
	driver->driver.owner = owner;
	driver->driver.mod_name = mod_name;
	driver->driver.bus = &vmbus;
	spin_lock_init(&driver->dynids.lock);
	INIT_LIST_HEAD(&driver->dynids.list);
	return driver_register(&driver->driver);
}
EXPORT_SYMBOL_GPL(__vmbus_driver_register);

void vmbus_driver_unregister(struct hv_driver *driver)
{
	driver_unregister(&driver->driver);
	remove_dynamic_ids(driver, NULL);
}
EXPORT_SYMBOL_GPL(vmbus_driver_unregister);

/* Devices. */

static struct device *root; /* as the ACPI device VMBUS:00 */

int guest_bus_init(void)
{
	int error = bus_register(&vmbus);

	if (error)
		return error;
	root = root_device_register("VMBUS:00");
	if (IS_ERR(root)) {
		bus_unregister(&vmbus);
		return PTR_ERR(root);
	}
	return 0;
}

void guest_bus_exit(void)
{
	root_device_unregister(root);
	bus_unregister(&vmbus);
}

void vmbus_device_unregister(struct hv_device *device)
{
	kset_unregister(device->channels_kset);
	device_unregister(&device->device);
}
EXPORT_SYMBOL_GPL(vmbus_device_unregister);

static void release(struct device *device)
{
	struct hv_device *hv_device = device_to_hv_device(device);

	guest_put_channel(hv_device->channel);
	kfree(hv_device->driver_override);
	kfree(hv_device);
}

/*
 * Makes the device of a primary channel and probes its driver. The device owns the channel: releasing it releases the
 * channel, also if this fails.
 */
int guest_add_device(struct vmbus_channel *channel, const char *name)
{
	struct hv_device *device = kzalloc(sizeof(*device), GFP_KERNEL);
	int error;

	if (!device)
		return -ENOMEM;
	channel->device_obj = device;
	device->channel = channel;
	device->dev_type = channel->offermsg.offer.if_type;
	device->dev_instance = channel->offermsg.offer.if_instance;
	device->vendor_id = PCI_VENDOR_ID_MICROSOFT;
	device->device_id = channel->device_id;
	device->device.bus = &vmbus;
	device->device.parent = root;
	device->device.release = release;
	device->device.dma_parms = &device->dma_parms;
	device->device.dma_mask = &device->dma_mask;
	dev_set_name(&device->device, "%s", name);
	/* No driver matches before the channel's folder exists: drivers add files to it. */
	error = device_register(&device->device);
	if (error) {
		put_device(&device->device);
		return error;
	}
	dma_set_mask(&device->device, DMA_BIT_MASK(64));
	error = guest_add_channel_attributes(channel, device);
	if (!error)
		error = device_attach(&device->device);
	if (error < 0)
		vmbus_device_unregister(device);
	return error < 0 ? error : 0;
}
