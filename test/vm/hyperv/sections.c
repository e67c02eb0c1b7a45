// SPDX-License-Identifier: GPL-2.0-only
/* The sections of the receive buffer: the guest holds those of a packet until it completes the packet. */
#include <linux/slab.h>

#include "host.h"

int host_alloc_sections(struct host_nic *nic, u32 count)
{
	u16 *sections;

	count = min_t(u32, count, HOST_MAX_SECTIONS);
	sections = kvmalloc_array(count, sizeof(*sections), GFP_KERNEL);
	if (!sections)
		return -ENOMEM;
	memset(sections, 0xff, count * sizeof(*sections));
	BUILD_BUG_ON(SECTION_FREE != 0xffff);
	spin_lock_irq(&nic->lock);
	nic->sections = sections;
	nic->section_count = count;
	nic->section_hint = nic->sections_held = 0;
	spin_unlock_irq(&nic->lock);
	return 0;
}

/* A free section, which comes before `next` (SECTION_LAST: none) in its packet; -ENOSPC. */
int host_take_section(struct host_nic *nic, u32 next)
{
	int found = -ENOSPC;
	unsigned long flags;
	u32 i;

	spin_lock_irqsave(&nic->lock, flags);
	for (i = 0; i < nic->section_count && found < 0; i++) {
		u32 at = (nic->section_hint + i) % nic->section_count;

		if (nic->sections[at] != SECTION_FREE)
			continue;
		nic->sections[at] = next;
		nic->section_hint = at + 1;
		nic->sections_held++;
		found = at;
	}
	spin_unlock_irqrestore(&nic->lock, flags);
	return found;
}

/* The guest is done with the packet whose first section has this index plus one. */
void host_return_sections(struct host_nic *nic, u64 transaction)
{
	unsigned long flags;
	u64 at = transaction - 1;

	spin_lock_irqsave(&nic->lock, flags);
	while (at < nic->section_count && nic->sections[at] != SECTION_FREE) {
		u32 next = nic->sections[at];

		nic->sections[at] = SECTION_FREE;
		nic->sections_held--;
		at = next;
	}
	spin_unlock_irqrestore(&nic->lock, flags);
	WARN_ONCE(at != SECTION_LAST, "the guest completes packet %llu, which it does not hold", transaction);
}

void host_free_sections(struct host_nic *nic)
{
	u16 *sections;

	spin_lock_irq(&nic->lock);
	sections = nic->sections;
	nic->sections = NULL;
	nic->section_count = nic->sections_held = 0;
	spin_unlock_irq(&nic->lock);
	kvfree(sections);
}
