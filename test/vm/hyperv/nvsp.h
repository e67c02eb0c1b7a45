/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The Network Virtualization Service Provider's protocol: messages between a guest's network driver and the host.
 * Not documented by Microsoft; as spoken by Linux 6.1 (drivers/net/hyperv/hyperv_net.h).
 */
#ifndef NVSP_H
#define NVSP_H

#include <linux/types.h>

enum nvsp_type {
	NVSP_INIT = 1,
	NVSP_INIT_COMPLETE = 2,
	NVSP_NDIS_VERSION = 100,
	NVSP_RECEIVE_BUFFER = 101,
	NVSP_RECEIVE_BUFFER_COMPLETE = 102,
	NVSP_REVOKE_RECEIVE_BUFFER = 103,
	NVSP_SEND_BUFFER = 104,
	NVSP_SEND_BUFFER_COMPLETE = 105,
	NVSP_REVOKE_SEND_BUFFER = 106,
	NVSP_RNDIS = 107,
	NVSP_RNDIS_COMPLETE = 108,
	NVSP_NDIS_CONFIG = 125,
	NVSP_VF_ASSOCIATION = 128,
	NVSP_SWITCH_DATA_PATH = 129,
	NVSP_SUBCHANNEL = 133,
	NVSP_INDIRECTION_TABLE = 134,
};

enum nvsp_status { NVSP_SUCCESS = 1, NVSP_FAIL = 2 };
enum nvsp_channel_type { NVSP_DATA = 0, NVSP_CONTROL = 1 };
enum nvsp_data_path { NVSP_SYNTHETIC = 0, NVSP_VF = 1 };

#define NVSP_OLDEST 0x00002
#define NVSP_NEWEST 0x60001
#define NVSP_NO_SECTION U32_MAX
#define NVSP_RECEIVE_BUFFER_ID 0xcafe
#define NVSP_SEND_TABLE_ENTRIES 16
/* NVSP_NDIS_CONFIG's capabilities. */
#define NVSP_CAPABLE_SRIOV BIT(2)
#define NVSP_CAPABLE_RSC BIT(7)

struct nvsp {
	u32 type;
	union {
		struct {
			u32 oldest, newest;
		} init;
		struct {
			u32 version, max_mdl_chain, status;
		} init_complete;
		struct {
			u32 gpadl;
			u16 id;
		} buffer;
		struct {
			u32 status, sections;
			u32 offset, section_size, section_count, end;
		} receive_buffer_complete;
		struct {
			u32 status, section_size;
		} send_buffer_complete;
		struct {
			u32 channel_type, section, section_bytes;
		} rndis;
		struct {
			u32 status;
		} rndis_complete;
		struct {
			u32 frame_size, reserved;
			u64 capabilities;
		} __packed config;
		struct {
			u32 allocated, serial;
		} association;
		struct {
			u32 path;
		} data_path;
		struct {
			u32 operation_or_status, count;
		} subchannel;
		struct {
			u32 count, offset;
		} table;
		u8 whole[36];
	};
} __packed;

#endif
