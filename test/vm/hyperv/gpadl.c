// SPDX-License-Identifier: GPL-2.0-only
/* GPADLs: lists of the pages that a guest shares with the host. The host maps the pages for itself (host_channel.c). */
#include "channel_types.h"

int vmbus_establish_gpadl(struct vmbus_channel *channel, void *kbuffer, u32 size, struct vmbus_gpadl *gpadl)
{
	u32 count = PFN_UP(size), handle = atomic_inc_return(&vmbus_connection.next_gpadl_handle), i;
	struct page **pages = kvmalloc_array(count, sizeof(*pages), GFP_KERNEL);
	int error;

	if (!pages)
		return -ENOMEM;
	for (i = 0; i < count; i++) {
		void *address = kbuffer + i * PAGE_SIZE;

		pages[i] = is_vmalloc_addr(address) ? vmalloc_to_page(address) : virt_to_page(address);
	}
	error = host_map_gpadl(handle, pages, count, size);
	if (error)
		return error;
	*gpadl = (struct vmbus_gpadl){ .gpadl_handle = handle, .size = size, .buffer = kbuffer };
	return 0;
}
EXPORT_SYMBOL_GPL(vmbus_establish_gpadl);

int vmbus_teardown_gpadl(struct vmbus_channel *channel, struct vmbus_gpadl *gpadl)
{
	host_unmap_gpadl(gpadl->gpadl_handle);
	gpadl->gpadl_handle = 0;
	return 0;
}
EXPORT_SYMBOL_GPL(vmbus_teardown_gpadl);
