// SPDX-License-Identifier: GPL-2.0-only
/*
 * How tests control the host: /sys/kernel/hyperv_host.
 *
 *   add     "INSTANCE MAC NETDEVICE": a NIC, whose folder is INSTANCE (a GUID); it is not offered yet
 *   remove  "INSTANCE"
 *
 * The folder of a NIC:
 *   present          1: offered; 0: not, or rescinded
 *   channels         how many there can be; at the next offer
 *   serial           the VF's serial number, for the association and its slot
 *   slot             "BRIDGE [DEVICE]": where the VF is, whose slot gets its serial number as name
 *   association      1: the guest has a VF; 0: it has none
 *   link             up, down, or change (written)
 *   rsc              1: frames above the MTU are offered; at the next opening of the channel
 *   refuse_mac       1: a change of the MAC address is refused
 *   revoke_on_close  1: the VF is removed when the guest closes the channel, and returns when it has opened it again
 *   delay            "KIND MILLISECONDS" or "KIND withhold": for answers from now on; read: all kinds
 *   release          "KIND" or "all": sends those that are withheld or delayed
 *   pending          how many are
 *   data_path        what the guest has asked for: synthetic, or vf
 *   statistics       "NAME VALUE" a line
 */
#include <linux/etherdevice.h>
#include <linux/kobject.h>
#include <linux/rndis.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "host.h"

static struct kset *folder;
static LIST_HEAD(nics);
static DEFINE_MUTEX(nics_lock);

struct nic_attribute {
	struct attribute attribute;
	ssize_t (*show)(struct host_nic *nic, char *buf);
	int (*store)(struct host_nic *nic, const char *text);
};

#define NIC_RW(name) static struct nic_attribute attr_##name = { { #name, 0644 }, name##_show, name##_store }
#define NIC_RO(name) static struct nic_attribute attr_##name = { { #name, 0444 }, name##_show, NULL }
#define NIC_WO(name) static struct nic_attribute attr_##name = { { #name, 0200 }, NULL, name##_store }

/* A flag or a number of the NIC's that is only read elsewhere. */
#define NIC_VALUE(name, field, parse) \
	static ssize_t name##_show(struct host_nic *nic, char *buf) \
	{ \
		return sysfs_emit(buf, "%u\n", nic->field); \
	} \
	static int name##_store(struct host_nic *nic, const char *text) \
	{ \
		return parse(text, &nic->field); \
	} \
	NIC_RW(name)

static int parse_channels(const char *text, u32 *value)
{
	u32 number;
	int error = kstrtou32(text, 10, &number);

	if (error || number < 1 || number > HOST_MAX_CHANNELS)
		return error ?: -ERANGE;
	*value = number;
	return 0;
}

static int parse_number(const char *text, u32 *value)
{
	return kstrtou32(text, 10, value);
}

NIC_VALUE(channels, max_channels, parse_channels);
NIC_VALUE(serial, serial, parse_number);
NIC_VALUE(rsc, rsc_offered, kstrtobool);
NIC_VALUE(refuse_mac, refuse_mac, kstrtobool);
NIC_VALUE(revoke_on_close, revoke_on_close, kstrtobool);

static ssize_t present_show(struct host_nic *nic, char *buf)
{
	return sysfs_emit(buf, "%u\n", nic->present);
}

static int present_store(struct host_nic *nic, const char *text)
{
	bool present;

	return kstrtobool(text, &present) ?: host_set_present(nic, present);
}
NIC_RW(present);

static ssize_t association_show(struct host_nic *nic, char *buf)
{
	return sysfs_emit(buf, "%u\n", nic->vf_associated);
}

static int association_store(struct host_nic *nic, const char *text)
{
	bool associated;
	int error = kstrtobool(text, &associated);

	if (error)
		return error;
	nic->vf_associated = associated;
	host_send_association(nic, associated);
	return 0;
}
NIC_RW(association);

static int slot_store(struct host_nic *nic, const char *text)
{
	unsigned int device = 0;
	char bridge[16];

	if (sscanf(text, "%15s %u", bridge, &device) < 1)
		return -EINVAL;
	return host_name_slot(nic, bridge, device);
}
NIC_WO(slot);

static ssize_t link_show(struct host_nic *nic, char *buf)
{
	return sysfs_emit(buf, "%s\n", nic->link_up ? "up" : "down");
}

static int link_store(struct host_nic *nic, const char *text)
{
	if (sysfs_streq(text, "change")) {
		host_indicate(nic, RNDIS_STATUS_NETWORK_CHANGE);
	} else if (sysfs_streq(text, "up") || sysfs_streq(text, "down")) {
		nic->link_up = sysfs_streq(text, "up");
		host_indicate(nic, nic->link_up ? RNDIS_STATUS_MEDIA_CONNECT : RNDIS_STATUS_MEDIA_DISCONNECT);
	} else {
		return -EINVAL;
	}
	return 0;
}
NIC_RW(link);

static ssize_t delay_show(struct host_nic *nic, char *buf)
{
	int kind, size = 0;

	for (kind = 0; kind < ANSWER_KINDS; kind++) {
		if (nic->delay_ms[kind] == HOST_WITHHOLD)
			size += sysfs_emit_at(buf, size, "%s withhold\n", answer_names[kind]);
		else
			size += sysfs_emit_at(buf, size, "%s %u\n", answer_names[kind], nic->delay_ms[kind]);
	}
	return size;
}

static int delay_store(struct host_nic *nic, const char *text)
{
	char name[16], value[16];
	u32 delay = HOST_WITHHOLD;
	int kind, error;

	if (sscanf(text, "%15s %15s", name, value) != 2)
		return -EINVAL;
	kind = match_string(answer_names, ANSWER_KINDS, name);
	if (kind < 0)
		return kind;
	if (strcmp(value, "withhold")) {
		error = kstrtou32(value, 10, &delay);
		if (error)
			return error;
	}
	WRITE_ONCE(nic->delay_ms[kind], delay);
	return 0;
}
NIC_RW(delay);

static int release_store(struct host_nic *nic, const char *text)
{
	int kind = sysfs_streq(text, "all") ? ANSWER_KINDS : sysfs_match_string(answer_names, text);

	if (kind < 0)
		return kind;
	host_release_answers(nic, kind);
	return 0;
}
NIC_WO(release);

static ssize_t pending_show(struct host_nic *nic, char *buf)
{
	return sysfs_emit(buf, "%u\n", host_pending_answers(nic));
}
NIC_RO(pending);

static ssize_t data_path_show(struct host_nic *nic, char *buf)
{
	return sysfs_emit(buf, "%s\n", nic->path == NVSP_VF ? "vf" : "synthetic");
}
NIC_RO(data_path);

static ssize_t statistics_show(struct host_nic *nic, char *buf)
{
	return sysfs_emit(buf, "to_guest %llu\nfrom_guest %llu\ndropped %llu\nswitches %llu\nassociations %llu\nheld %u\n",
			  atomic64_read(&nic->to_guest), atomic64_read(&nic->from_guest), atomic64_read(&nic->dropped),
			  atomic64_read(&nic->switches), atomic64_read(&nic->associations), nic->sections_held);
}
NIC_RO(statistics);

static struct attribute *nic_attrs[] = {
	&attr_present.attribute, &attr_channels.attribute, &attr_serial.attribute, &attr_slot.attribute,
	&attr_association.attribute, &attr_link.attribute, &attr_rsc.attribute, &attr_refuse_mac.attribute,
	&attr_revoke_on_close.attribute, &attr_delay.attribute, &attr_release.attribute, &attr_pending.attribute,
	&attr_data_path.attribute, &attr_statistics.attribute,
	NULL,
};
ATTRIBUTE_GROUPS(nic);

static ssize_t show_nic(struct kobject *kobject, struct attribute *attribute, char *buf)
{
	return container_of(attribute, struct nic_attribute, attribute)->show(container_of(kobject, struct host_nic, kobj), buf);
}

static ssize_t store_nic(struct kobject *kobject, struct attribute *attribute, const char *buf, size_t count)
{
	struct nic_attribute *nic_attribute = container_of(attribute, struct nic_attribute, attribute);

	return nic_attribute->store(container_of(kobject, struct host_nic, kobj), buf) ?: count;
}

static void free_nic(struct kobject *kobject)
{
	kfree(container_of(kobject, struct host_nic, kobj));
}

static const struct sysfs_ops nic_sysfs_ops = { .show = show_nic, .store = store_nic };
static struct kobj_type nic_type = { .sysfs_ops = &nic_sysfs_ops, .release = free_nic, .default_groups = nic_groups };

/* Makes the NIC's folder; -EEXIST: there is one of this instance. host_control_remove() has to follow in any case. */
int host_control_add(struct host_nic *nic)
{
	int error;

	INIT_LIST_HEAD(&nic->node);
	nic->kobj.kset = folder;
	error = kobject_init_and_add(&nic->kobj, &nic_type, NULL, "%s", nic->name);
	if (!error)
		list_add_tail(&nic->node, &nics);
	return error;
}

/* Removes the folder and with its last user the NIC. */
void host_control_remove(struct host_nic *nic)
{
	list_del(&nic->node);
	kobject_del(&nic->kobj);
	kobject_put(&nic->kobj);
}

static ssize_t add_store(struct kobject *kobject, struct kobj_attribute *attribute, const char *buf, size_t count)
{
	char instance_text[UUID_STRING_LEN + 1], mac_text[3 * ETH_ALEN], wire[IFNAMSIZ];
	struct host_nic *nic;
	guid_t instance;
	u8 mac[ETH_ALEN];

	BUILD_BUG_ON(UUID_STRING_LEN != 36 || sizeof(mac_text) != 18 || IFNAMSIZ != 16);
	if (sscanf(buf, "%36s %17s %15s", instance_text, mac_text, wire) != 3 || guid_parse(instance_text, &instance) ||
	    !mac_pton(mac_text, mac))
		return -EINVAL;
	mutex_lock(&nics_lock);
	nic = host_add_nic(&instance, mac, wire);
	mutex_unlock(&nics_lock);
	return IS_ERR(nic) ? PTR_ERR(nic) : count;
}
static struct kobj_attribute add_attribute = __ATTR_WO(add);

static ssize_t remove_store(struct kobject *kobject, struct kobj_attribute *attribute, const char *buf, size_t count)
{
	struct host_nic *nic;
	ssize_t result = -ENODEV;

	mutex_lock(&nics_lock);
	list_for_each_entry(nic, &nics, node) {
		if (!sysfs_streq(buf, nic->name))
			continue;
		host_remove_nic(nic);
		result = count;
		break;
	}
	mutex_unlock(&nics_lock);
	return result;
}
static struct kobj_attribute remove_attribute = __ATTR_WO(remove);

static const struct attribute *const folder_attributes[] = { &add_attribute.attr, &remove_attribute.attr, NULL };

int host_control_init(void)
{
	int error;

	folder = kset_create_and_add("hyperv_host", NULL, kernel_kobj);
	if (!folder)
		return -ENOMEM;
	error = sysfs_create_files(&folder->kobj, folder_attributes);
	if (error)
		kset_unregister(folder);
	return error;
}

void host_control_exit(void)
{
	struct host_nic *nic, *next;

	sysfs_remove_files(&folder->kobj, folder_attributes);
	list_for_each_entry_safe(nic, next, &nics, node)
		host_remove_nic(nic);
	kset_unregister(folder);
}
