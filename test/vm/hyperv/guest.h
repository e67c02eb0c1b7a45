/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's side: what hv_vmbus is to the drivers hv_netvsc and uio_hv_generic.
 *
 * These drivers check a CRC of each symbol that they import. The CRC covers the types of the symbol's parameters as the
 * exporting file sees them: an incomplete type counts otherwise than a complete one. So each file that exports has the
 * includes of the file of Linux 6.1's drivers/hv that exports the original, and no more. The lab's build compares the
 * CRCs.
 */
#ifndef GUEST_H
#define GUEST_H

#include <linux/list.h>
#include <linux/bitops.h>
#include <asm/sync_bitops.h>
#include <asm/hyperv-tlfs.h>
#include <linux/atomic.h>
#include <linux/hyperv.h>
#include <linux/interrupt.h>
#include <linux/tracepoint.h>

/* The monitor pages and the connection: their layout is part of the interface (drivers/hv/hyperv_vmbus.h). */

union hv_monitor_trigger_group {
	u64 as_uint64;
	struct {
		u32 pending;
		u32 armed;
	};
};

struct hv_monitor_parameter {
	union hv_connection_id connectionid;
	u16 flagnumber;
	u16 rsvdz;
};

union hv_monitor_trigger_state {
	u32 asu32;

	struct {
		u32 group_enable:4;
		u32 rsvdz:28;
	};
};

struct hv_monitor_page {
	union hv_monitor_trigger_state trigger_state;
	u32 rsvdz1;
	union hv_monitor_trigger_group trigger_group[4];
	u64 rsvdz2[3];
	s32 next_checktime[4][32];
	u16 latency[4][32];
	u64 rsvdz3[32];
	struct hv_monitor_parameter parameter[4][32];
	u8 rsvdz4[1984];
};

enum vmbus_connect_state {
	DISCONNECTED,
	CONNECTING,
	CONNECTED,
	DISCONNECTING
};

struct vmbus_connection {
	u32 msg_conn_id;
	atomic_t offer_in_progress;
	enum vmbus_connect_state conn_state;
	atomic_t next_gpadl_handle;
	struct completion  unload_event;
	void *int_page;
	void *send_int_page;
	void *recv_int_page;
	struct hv_monitor_page *monitor_pages[2]; /* from the host, to the host */
	struct list_head chn_msg_list;
	spinlock_t channelmsg_lock;
	struct list_head chn_list;
	struct mutex channel_mutex;
	struct vmbus_channel **channels;
	struct workqueue_struct *work_queue;
	struct workqueue_struct *handle_primary_chan_wq;
	struct workqueue_struct *handle_sub_chan_wq;
	struct workqueue_struct *rescind_work_queue;
	bool ignore_any_offer_msg;
	atomic_t nr_chan_close_on_suspend;
	struct completion ready_for_suspend_event;
	atomic_t nr_chan_fixup_on_resume;
	struct completion ready_for_resume_event;
};

extern struct vmbus_connection vmbus_connection;
extern const struct vmbus_device vmbus_devs[];

/* Monitor ids are bits of four words. */
#define MONITOR_GROUP_BITS 32
#define MONITOR_IDS (4 * MONITOR_GROUP_BITS)

/* bus.c */
struct attribute_group;
int guest_bus_init(void);
void guest_bus_exit(void);
int guest_add_device(struct vmbus_channel *channel, const char *name);
void vmbus_device_unregister(struct hv_device *device);

/* bus_attributes.c */
extern const struct attribute_group *guest_device_groups[];
void guest_init_channel_kobject(struct vmbus_channel *channel);
int guest_add_channel_attributes(struct vmbus_channel *channel, struct hv_device *device);

/* connection.c */
int guest_connect(void);
void guest_disconnect(void);

/* offers.c */
void guest_init_channel(struct vmbus_channel *channel);
static inline void guest_get_channel(struct vmbus_channel *channel)
{
	kobject_get(&channel->kobj);
}
static inline void guest_put_channel(struct vmbus_channel *channel)
{
	kobject_put(&channel->kobj);
}
void guest_add_subchannel(struct vmbus_channel *primary, struct vmbus_channel *channel);
void guest_remove_subchannels(struct vmbus_channel *primary);
void guest_rescind(struct vmbus_channel *primary);
void guest_remove_device(struct vmbus_channel *primary);

/* channel.c */
void vmbus_setevent(struct vmbus_channel *channel);

/* ring.c */
int guest_map_ring(struct hv_ring_buffer_info *ring, struct page *pages, u32 count, u32 max_packet);
void guest_unmap_ring(struct hv_ring_buffer_info *ring);
int guest_write_ring(struct vmbus_channel *channel, const struct kvec *parts, u32 count, u64 request);

/*
 * What the host does for a guest, in place of messages through the hypervisor. All but host_signal() may sleep.
 */

/* Opens the channel's rings for the host. Returns 0 or a negative error. */
int host_open_channel(struct vmbus_channel *channel);
/* When it returns, the host does not touch the channel's rings any more. */
void host_close_channel(struct vmbus_channel *channel);
/* The guest has written to a ring that was empty, or made the room that the host waits for. Any context. */
void host_signal(struct vmbus_channel *channel);
/* Makes pages known to the host under this handle. Takes over `pages`, an array from kvmalloc. */
int host_map_gpadl(u32 handle, struct page **pages, u32 count, u32 size);
void host_unmap_gpadl(u32 handle);
/* Frees the channel, after the last reference was dropped. */
void host_release_channel(struct vmbus_channel *channel);

#endif
