// SPDX-License-Identifier: GPL-2.0-only
/* The connection to the host: the pages that both share. */
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/wait.h>
#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <linux/hyperv.h>
#include <linux/export.h>
#include <linux/io.h>
#include <linux/set_memory.h>
#include <asm/mshyperv.h>

#include "guest.h"

struct vmbus_connection vmbus_connection = {
	.next_gpadl_handle = ATOMIC_INIT(0x100),
	.chn_msg_list = LIST_HEAD_INIT(vmbus_connection.chn_msg_list),
	.channelmsg_lock = __SPIN_LOCK_UNLOCKED(vmbus_connection.channelmsg_lock),
	.chn_list = LIST_HEAD_INIT(vmbus_connection.chn_list),
	.channel_mutex = __MUTEX_INITIALIZER(vmbus_connection.channel_mutex),
};
EXPORT_SYMBOL_GPL(vmbus_connection);

/* A host of Windows Server 2022, which Azure's are at least. */
__u32 vmbus_proto_version = VERSION_WIN10_V5_3;
EXPORT_SYMBOL_GPL(vmbus_proto_version);

int guest_connect(void)
{
	struct vmbus_connection *connection = &vmbus_connection;
	int i;

	connection->int_page = (void *)get_zeroed_page(GFP_KERNEL);
	if (!connection->int_page)
		return -ENOMEM;
	/* One half for each direction. */
	connection->recv_int_page = connection->int_page;
	connection->send_int_page = connection->int_page + PAGE_SIZE / 2;
	for (i = 0; i < ARRAY_SIZE(connection->monitor_pages); i++) {
		connection->monitor_pages[i] = (void *)get_zeroed_page(GFP_KERNEL);
		if (!connection->monitor_pages[i]) {
			guest_disconnect();
			return -ENOMEM;
		}
	}
	connection->conn_state = CONNECTED;
	return 0;
}

void guest_disconnect(void)
{
	struct vmbus_connection *connection = &vmbus_connection;
	int i;

	connection->conn_state = DISCONNECTED;
	free_page((unsigned long)connection->int_page);
	for (i = 0; i < ARRAY_SIZE(connection->monitor_pages); i++)
		free_page((unsigned long)connection->monitor_pages[i]);
}
