/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The host's side: what Hyper-V is to a guest's network devices.
 *
 * A host_nic is one network adapter. It outlives its offers: the guest sees it while it is `present`. Work of a NIC that
 * may sleep runs in the works of its channels, one at a time for each channel. Frames from the wire arrive in softirq.
 */
#ifndef HOST_H
#define HOST_H

#include <linux/hyperv.h>
#include <linux/if_ether.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "nvsp.h"

#define HOST_MAX_CHANNELS 64
#define HOST_MAX_TABLE 256 /* entries of the RSS indirection table */
#define HOST_KEY_BYTES 40
#define HOST_SEND_SECTION 6144
#define HOST_RECEIVE_SECTION 1728
#define HOST_MESSAGE_BYTES 2048 /* largest message from the host that is not a frame */
#define HOST_WITHHOLD U32_MAX

/* What a test can delay or withhold. The names for it are in answers.c. */
enum answer_kind {
	ANSWER_INIT,
	ANSWER_BUFFER,
	ANSWER_SUBCHANNEL,
	ANSWER_DATA_PATH,
	ANSWER_RNDIS,
	ANSWER_FRAME,
	ANSWER_ASSOCIATION,
	ANSWER_KINDS
};

struct host_nic;

/* A channel: the guest's structure and the host's end of its rings. Freed with the guest's last reference. */
struct host_channel {
	struct vmbus_channel guest; /* first, and small enough for kfree_rcu() */
	struct host_nic *nic;
	spinlock_t lock; /* writing, and `open` */
	bool open;
	struct work_struct work; /* reads what the guest has sent */
	u8 *bounce; /* a message of the guest's in one piece; the work's */
};

/* Receive sections are known by their index. One that the guest holds has that of the next of the same packet. */
#define SECTION_FREE U16_MAX
#define SECTION_LAST (U16_MAX - 1)
#define HOST_MAX_SECTIONS (SECTION_LAST - 1)

struct host_nic {
	struct kobject kobj; /* the control folder */
	struct list_head node;
	guid_t instance;
	char name[40]; /* the instance as text */
	u8 mac[ETH_ALEN], permanent_mac[ETH_ALEN];
	u32 max_channels;
	u32 serial; /* of the VF, for the association */
	struct mutex presence; /* offering and rescinding */
	struct net_device __rcu *wire; /* NULL: unplugged */
	char *vf_bridge; /* PCI address of the bridge below which the VF is; NULL: none */
	unsigned int vf_device; /* its number on that bus */
	char slot_name[16]; /* the name that its slot had */
	bool vf_revoked;
	struct work_struct vf_removal, vf_return;

	spinlock_t lock; /* for what follows, but for pointers under RCU and the statistics */
	struct host_channel __rcu *channels[HOST_MAX_CHANNELS];
	bool present, quiet; /* quiet: no more frames to the guest */
	bool link_up, rsc_offered, refuse_mac, revoke_on_close, vf_associated;

	/* What the guest has set up; reset when it closes the primary channel. */
	u32 version, frame_size, filter;
	bool sriov, rsc_capable, rsc_enabled, association_sent;
	void __rcu *receive_buffer;
	void __rcu *send_buffer;
	u32 receive_bytes, send_bytes;
	u16 *sections;
	u32 section_count, section_hint, sections_held;
	u32 channel_count;
	u32 rss_entries; /* 0: RSS is off */
	u32 rss_table[HOST_MAX_TABLE];
	u8 rss_key[HOST_KEY_BYTES];

	/* The data path: what the guest asked for last, and what the switch has confirmed. */
	u32 path, path_sequence;
	bool path_confirmed;
	u64 path_request; /* transaction to be answered; 0: none */
	struct delayed_work path_work;
	unsigned int path_tries;

	/* Answers not written yet, in the order they are due. */
	struct list_head answers;
	struct delayed_work answer_work;
	u32 delay_ms[ANSWER_KINDS];

	atomic64_t to_guest, from_guest, dropped, switches, associations;
};

extern struct workqueue_struct *host_queue, *host_vf_queue;

/* host_channel.c */
struct host_channel *host_new_channel(struct host_nic *nic, u32 index);
void *host_gpadl(u32 handle, u32 *size);
bool host_write(struct host_channel *channel, struct vmpacket_descriptor *header, u32 header_size, const void *payload,
		u32 size);
void host_interrupt(struct host_channel *channel);
struct host_channel *host_primary(struct host_nic *nic); /* under RCU */

/* answers.c */
extern const char *const answer_names[ANSWER_KINDS];
struct answer_packet {
	enum vmbus_packet_type type; /* VM_PKT_COMP, VM_PKT_DATA_INBAND; VM_PKT_DATA_USING_XFER_PAGES: an RNDIS message */
	u64 transaction;
	const void *payload;
	u32 size;
};
void host_answer(struct host_channel *channel, enum answer_kind kind, const struct answer_packet *packet);
void host_release_answers(struct host_nic *nic, enum answer_kind kind);
void host_forget_answers(struct host_channel *channel);
unsigned int host_pending_answers(struct host_nic *nic);
void host_init_answers(struct host_nic *nic);

/* nvsp.c */
void host_read_packet(struct host_channel *channel, const struct vmpacket_descriptor *packet);
void host_reset_nic(struct host_nic *nic);
void host_complete_data_path(struct host_nic *nic);
void host_send_association(struct host_nic *nic, bool allocated);

/* sections.c */
int host_alloc_sections(struct host_nic *nic, u32 count);
int host_take_section(struct host_nic *nic, u32 next);
void host_return_sections(struct host_nic *nic, u64 transaction);
void host_free_sections(struct host_nic *nic);

/* rndis.c */
void host_rndis_control(struct host_channel *channel, const void *message, u32 size);
void host_indicate(struct host_nic *nic, u32 status);

/* transmit.c: from the guest to the wire */
void host_transmit(struct host_nic *nic, const void *message, u32 size);

/* receive.c: from the wire to the guest */
bool host_receive_control(struct host_channel *channel, const void *message, u32 size);
void host_receive(struct host_nic *nic, struct sk_buff *frame);

/* rss.c */
u32 host_rss_hash(const struct host_nic *nic, struct sk_buff *frame);

/* wire.c */
int host_attach_wire(struct host_nic *nic, const char *ifname);
void host_detach_wire(struct host_nic *nic);
void host_switch_path(struct host_nic *nic, u32 path, u64 request);
void host_init_path(struct host_nic *nic);
extern struct notifier_block host_wire_notifier;

/* vf.c */
int host_name_slot(struct host_nic *nic, const char *bridge, unsigned int device);
void host_init_vf(struct host_nic *nic);
void host_revoke_vf(struct host_nic *nic);
void host_return_vf(struct host_nic *nic);
void host_forget_vf(struct host_nic *nic);

/* monitor.c */
int host_start_monitor(void);
void host_stop_monitor(void);
int host_take_monitor_id(void);
void host_return_monitor_id(int id);
void host_watch_monitor(struct host_channel *channel);
void host_unwatch_monitor(struct host_channel *channel);

/* module.c */
struct host_nic *host_add_nic(const guid_t *instance, const u8 *mac, const char *wire);
void host_remove_nic(struct host_nic *nic);
int host_set_present(struct host_nic *nic, bool present);

/* control.c */
int host_control_init(void);
void host_control_exit(void);
int host_control_add(struct host_nic *nic);
void host_control_remove(struct host_nic *nic);

#endif
