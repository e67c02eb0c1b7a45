// SPDX-License-Identifier: GPL-2.0-only
/* The host's part of the protocol of nvsp.h. */
#include <linux/module.h>

#include "guest.h"
#include "host.h"

static void complete_request(struct host_channel *channel, enum answer_kind kind, u64 transaction, const struct nvsp *message)
{
	host_answer(channel, kind, &(struct answer_packet){
		.type = VM_PKT_COMP, .transaction = transaction, .payload = message, .size = sizeof(*message) });
}

static void negotiate(struct host_channel *channel, u64 transaction, const struct nvsp *request)
{
	struct host_nic *nic = channel->nic;
	bool supported = request->init.newest >= NVSP_OLDEST && request->init.oldest <= NVSP_NEWEST;
	u32 version = min_t(u32, request->init.newest, NVSP_NEWEST);
	const struct nvsp answer = {
		.type = NVSP_INIT_COMPLETE,
		.init_complete = {
			.version = version, .max_mdl_chain = 34, .status = supported ? NVSP_SUCCESS : NVSP_FAIL } };

	nic->version = supported ? version : 0;
	complete_request(channel, ANSWER_INIT, transaction, &answer);
}

static void take_receive_buffer(struct host_channel *channel, u64 transaction, const struct nvsp *request)
{
	struct host_nic *nic = channel->nic;
	struct nvsp answer = { .type = NVSP_RECEIVE_BUFFER_COMPLETE, .receive_buffer_complete = { .status = NVSP_FAIL } };
	u32 size = 0;
	void *buffer = host_gpadl(request->buffer.gpadl, &size);

	if (buffer && request->buffer.id == NVSP_RECEIVE_BUFFER_ID && !nic->sections &&
	    !host_alloc_sections(nic, size / HOST_RECEIVE_SECTION)) {
		nic->receive_bytes = size;
		rcu_assign_pointer(nic->receive_buffer, buffer);
		answer.receive_buffer_complete.status = NVSP_SUCCESS;
		answer.receive_buffer_complete.sections = 1;
		answer.receive_buffer_complete.section_size = HOST_RECEIVE_SECTION;
		answer.receive_buffer_complete.section_count = nic->section_count;
		answer.receive_buffer_complete.end = nic->section_count * HOST_RECEIVE_SECTION;
	}
	complete_request(channel, ANSWER_BUFFER, transaction, &answer);
}

static void take_send_buffer(struct host_channel *channel, u64 transaction, const struct nvsp *request)
{
	struct host_nic *nic = channel->nic;
	struct nvsp answer = { .type = NVSP_SEND_BUFFER_COMPLETE, .send_buffer_complete = { .status = NVSP_FAIL } };
	u32 size = 0;
	void *buffer = host_gpadl(request->buffer.gpadl, &size);

	if (buffer) {
		nic->send_bytes = size;
		rcu_assign_pointer(nic->send_buffer, buffer);
		answer.send_buffer_complete.status = NVSP_SUCCESS;
		answer.send_buffer_complete.section_size = HOST_SEND_SECTION;
	}
	complete_request(channel, ANSWER_BUFFER, transaction, &answer);
}

static void revoke_buffer(struct host_nic *nic, void __rcu **buffer)
{
	rcu_assign_pointer(*buffer, NULL);
	synchronize_rcu(); /* receive.c is done with its sections, too */
	if (buffer == &nic->receive_buffer)
		host_free_sections(nic);
}

static void configure(struct host_nic *nic, const struct nvsp *request)
{
	nic->frame_size = request->config.frame_size;
	nic->sriov = request->config.capabilities & NVSP_CAPABLE_SRIOV;
	nic->rsc_capable = request->config.capabilities & NVSP_CAPABLE_RSC;
}

/* Offers as many sub-channels as the guest wants and the NIC has. */
static void add_subchannels(struct host_channel *primary, u64 transaction, const struct nvsp *request)
{
	struct host_nic *nic = primary->nic;
	u32 first = nic->channel_count, count = min(request->subchannel.count, nic->max_channels - first), i;
	struct host_channel *added[HOST_MAX_CHANNELS];
	struct {
		struct nvsp message;
		u32 entries[NVSP_SEND_TABLE_ENTRIES];
	} __packed table = { .message = { .type = NVSP_INDIRECTION_TABLE,
					  .table = { .count = NVSP_SEND_TABLE_ENTRIES, .offset = sizeof(struct nvsp) } } };

	for (i = 0; i < count; i++) {
		added[i] = host_new_channel(nic, first + i);
		if (!added[i])
			break;
		spin_lock_irq(&nic->lock);
		rcu_assign_pointer(nic->channels[first + i], added[i]);
		nic->channel_count++;
		spin_unlock_irq(&nic->lock);
	}
	count = i;
	complete_request(primary, ANSWER_SUBCHANNEL, transaction, &(struct nvsp){
		.type = NVSP_SUBCHANNEL, .subchannel = { .operation_or_status = NVSP_SUCCESS, .count = count } });
	for (i = 0; i < count; i++)
		guest_add_subchannel(&primary->guest, &added[i]->guest);
	for (i = 0; i < NVSP_SEND_TABLE_ENTRIES; i++)
		table.entries[i] = i % (count + 1);
	host_answer(primary, ANSWER_SUBCHANNEL, &(struct answer_packet){
		.type = VM_PKT_DATA_INBAND, .payload = &table, .size = sizeof(table) });
}

/* An RNDIS message: in a send section, in pages, or the first part of it in the former and the rest in the latter. */
static void take_rndis(struct host_channel *channel, const struct vmpacket_descriptor *packet, const struct nvsp *request)
{
	struct host_nic *nic = channel->nic;
	const struct vmpacket_descriptor *end = (void *)packet + packet->offset8 * 8;
	u32 size = 0, status = NVSP_SUCCESS, limit = 128 * 1024;
	const u8 *sections;

	rcu_read_lock();
	sections = rcu_dereference(nic->send_buffer);
	if (sections && request->rndis.section != NVSP_NO_SECTION && request->rndis.section_bytes <= HOST_SEND_SECTION &&
	    (request->rndis.section + 1) * HOST_SEND_SECTION <= nic->send_bytes) {
		size = request->rndis.section_bytes;
		memcpy(channel->bounce, sections + request->rndis.section * HOST_SEND_SECTION, size);
	}
	rcu_read_unlock();
	if (packet->type == VM_PKT_DATA_USING_GPA_DIRECT) {
		const struct vmdata_gpa_direct *direct = container_of(packet, struct vmdata_gpa_direct, d);
		const struct gpa_range *range = direct->range;
		u32 ranges = direct->range_cnt;

		while (ranges-- && (void *)range < (void *)end) {
			u32 left = range->byte_count, offset = range->byte_offset, page = 0;

			while (left && size < limit) {
				u32 part = min3(left, (u32)PAGE_SIZE - offset, limit - size);

				memcpy(channel->bounce + size, __va(PFN_PHYS(range->pfn_array[page++])) + offset, part);
				size += part;
				left -= part;
				offset = 0;
			}
			range = (void *)&range->pfn_array[PFN_UP(range->byte_offset + range->byte_count)];
		}
	}
	if (request->rndis.channel_type == NVSP_CONTROL)
		host_rndis_control(channel, channel->bounce, size);
	else
		host_transmit(nic, channel->bounce, size);
	complete_request(channel, ANSWER_FRAME, packet->trans_id, &(struct nvsp){
		.type = NVSP_RNDIS_COMPLETE, .rndis_complete = { .status = status } });
}

/* Takes a packet of the guest's. In the channel's work. */
void host_read_packet(struct host_channel *channel, const struct vmpacket_descriptor *packet)
{
	struct host_nic *nic = channel->nic;
	struct nvsp request = {};

	if (packet->type == VM_PKT_COMP) {
		host_return_sections(nic, packet->trans_id);
		return;
	}
	memcpy(&request, hv_pkt_data(packet), min_t(u32, sizeof(request), hv_pkt_datalen(packet)));
	switch (request.type) {
	case NVSP_INIT:
		negotiate(channel, packet->trans_id, &request);
		break;
	case NVSP_NDIS_VERSION:
		break;
	case NVSP_NDIS_CONFIG:
		configure(nic, &request);
		break;
	case NVSP_RECEIVE_BUFFER:
		take_receive_buffer(channel, packet->trans_id, &request);
		break;
	case NVSP_SEND_BUFFER:
		take_send_buffer(channel, packet->trans_id, &request);
		break;
	case NVSP_REVOKE_RECEIVE_BUFFER:
		revoke_buffer(nic, &nic->receive_buffer);
		break;
	case NVSP_REVOKE_SEND_BUFFER:
		revoke_buffer(nic, &nic->send_buffer);
		break;
	case NVSP_SUBCHANNEL:
		add_subchannels(channel, packet->trans_id, &request);
		break;
	case NVSP_SWITCH_DATA_PATH:
		/* A guest that polls for its answers need not want one. */
		host_switch_path(nic, request.data_path.path, packet->flags ? packet->trans_id : 0);
		break;
	case NVSP_RNDIS:
		take_rndis(channel, packet, &request);
		break;
	default:
		WARN_ONCE(true, "the guest sends NVSP message %u, which this host does not know", request.type);
	}
}

/* The switch has confirmed the data path. */
void host_complete_data_path(struct host_nic *nic)
{
	struct host_channel *primary;
	u64 request;

	spin_lock_bh(&nic->lock);
	request = nic->path_request;
	nic->path_request = 0;
	spin_unlock_bh(&nic->lock);
	if (!request)
		return;
	rcu_read_lock();
	primary = host_primary(nic);
	if (primary) /* this completion alone has no payload */
		host_answer(primary, ANSWER_DATA_PATH, &(struct answer_packet){ .type = VM_PKT_COMP, .transaction = request });
	rcu_read_unlock();
}

/* Notifies the guest whether it has a VF. Like Hyper-V, not before the guest has set a packet filter. */
void host_send_association(struct host_nic *nic, bool allocated)
{
	const struct nvsp message = { .type = NVSP_VF_ASSOCIATION,
				      .association = { .allocated = allocated, .serial = nic->serial } };
	struct host_channel *primary;

	rcu_read_lock();
	primary = host_primary(nic);
	if (primary && nic->filter && nic->sriov && nic->association_sent != allocated) {
		nic->association_sent = allocated;
		atomic64_inc(&nic->associations);
		host_answer(primary, ANSWER_ASSOCIATION, &(struct answer_packet){
			.type = VM_PKT_DATA_INBAND, .payload = &message, .size = sizeof(message) });
		if (allocated)
			host_return_vf(nic);
	}
	rcu_read_unlock();
}

/* The guest has closed the primary channel: the NIC is as it was offered. */
void host_reset_nic(struct host_nic *nic)
{
	u32 i;

	nic->filter = 0;
	nic->rss_entries = 0;
	spin_lock_irq(&nic->lock);
	for (i = 1; i < HOST_MAX_CHANNELS; i++)
		RCU_INIT_POINTER(nic->channels[i], NULL);
	nic->channel_count = 1;
	spin_unlock_irq(&nic->lock);
	nic->association_sent = false;
	nic->rsc_enabled = false;
	revoke_buffer(nic, &nic->send_buffer);
	revoke_buffer(nic, &nic->receive_buffer);
	host_switch_path(nic, NVSP_SYNTHETIC, 0);
	host_revoke_vf(nic);
}
