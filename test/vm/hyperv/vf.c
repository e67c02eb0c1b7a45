// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VF's PCI slot. On Hyper-V, VFs are below a virtual PCI bus whose driver, hv_pci, names the slot by the serial number
 * that the association has too. Here they are below a root port of the machine's.
 */
#include <linux/pci.h>
#include <linux/slab.h>

#include "host.h"

static struct pci_bus *find_bus(const char *bridge)
{
	unsigned int domain, bus, device, function;
	struct pci_dev *pci;
	struct pci_bus *below = NULL;

	if (sscanf(bridge, "%x:%x:%x.%x", &domain, &bus, &device, &function) != 4)
		return NULL;
	pci = pci_get_domain_bus_and_slot(domain, bus, PCI_DEVFN(device, function));
	if (pci)
		below = pci->subordinate;
	pci_dev_put(pci);
	return below;
}

static int rename_slot(struct pci_slot *slot, const char *name)
{
	return strcmp(pci_slot_name(slot), name) ? kobject_rename(&slot->kobj, name) : 0;
}

/* The slot that has the NIC's name gets its own back. */
static void restore_slot(struct host_nic *nic)
{
	struct pci_bus *bus = nic->vf_bridge ? find_bus(nic->vf_bridge) : NULL;
	struct pci_slot *slot;

	if (!bus)
		return;
	list_for_each_entry(slot, &bus->slots, list)
		if (slot->number == nic->vf_device)
			rename_slot(slot, nic->slot_name);
}

/* Names the slot of `device` below the bridge by the NIC's serial number; makes it where the bus has none (SR-IOV). */
int host_name_slot(struct host_nic *nic, const char *bridge, unsigned int device)
{
	struct pci_slot *slot, *found = NULL;
	struct pci_bus *bus = find_bus(bridge);
	char name[16], own_name[16], *copy;
	int error;

	if (!bus)
		return -ENODEV;
	copy = kstrdup(bridge, GFP_KERNEL);
	if (!copy)
		return -ENOMEM;
	snprintf(name, sizeof(name), "%u", nic->serial);
	pci_lock_rescan_remove();
	restore_slot(nic);
	list_for_each_entry(slot, &bus->slots, list)
		if (slot->number == device)
			found = slot;
	if (!found) { /* the slot stays for as long as the bus: its own name is not the NIC's */
		snprintf(own_name, sizeof(own_name), "%04x:%02x:%02x", pci_domain_nr(bus), bus->number, device);
		found = pci_create_slot(bus, device, own_name, NULL);
		if (IS_ERR(found))
			found = NULL;
	}
	kfree(nic->vf_bridge);
	nic->vf_bridge = copy;
	nic->vf_device = device;
	error = -ENOENT;
	if (found) {
		strscpy(nic->slot_name, pci_slot_name(found), sizeof(nic->slot_name));
		error = rename_slot(found, name);
	}
	pci_unlock_rescan_remove();
	return error;
}

/* Takes the VF away, as Hyper-V does when the guest closes the channel of its NIC. */
static void remove_vf(struct work_struct *work)
{
	struct host_nic *nic = container_of(work, struct host_nic, vf_removal);
	struct pci_bus *bus = find_bus(nic->vf_bridge);
	struct pci_dev *vf, *next;

	if (!bus)
		return;
	pci_lock_rescan_remove();
	list_for_each_entry_safe_reverse(vf, next, &bus->devices, bus_list)
		pci_stop_and_remove_bus_device(vf);
	pci_unlock_rescan_remove();
}

static void return_vf(struct work_struct *work)
{
	struct host_nic *nic = container_of(work, struct host_nic, vf_return);
	struct pci_bus *bus = find_bus(nic->vf_bridge);

	if (!bus)
		return;
	pci_lock_rescan_remove();
	pci_rescan_bus(bus);
	pci_unlock_rescan_remove();
}

/* Removes and adds the VF in the order of the calls: the queue runs one work at a time. Both wait for RTNL, so a caller may
 * hold it.
 */

void host_revoke_vf(struct host_nic *nic)
{
	if (nic->revoke_on_close && nic->vf_bridge) {
		nic->vf_revoked = true;
		queue_work(host_vf_queue, &nic->vf_removal);
	}
}

void host_return_vf(struct host_nic *nic)
{
	if (nic->vf_revoked) {
		nic->vf_revoked = false;
		queue_work(host_vf_queue, &nic->vf_return);
	}
}

void host_init_vf(struct host_nic *nic)
{
	INIT_WORK(&nic->vf_removal, remove_vf);
	INIT_WORK(&nic->vf_return, return_vf);
}

void host_forget_vf(struct host_nic *nic)
{
	cancel_work_sync(&nic->vf_removal);
	cancel_work_sync(&nic->vf_return);
	pci_lock_rescan_remove();
	restore_slot(nic);
	pci_unlock_rescan_remove();
	kfree(nic->vf_bridge);
}
