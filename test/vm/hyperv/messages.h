/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * RNDIS messages and NDIS structures, as a Hyper-V host and its guest exchange them. Their numbers are in linux/rndis.h.
 * Source: Microsoft's [MS-RNDIS] and, for what NDIS 6 adds, its ntddndis.h as Linux 6.1 uses it.
 */
#ifndef MESSAGES_H
#define MESSAGES_H

#include <linux/rndis.h>
#include <linux/types.h>

struct rndis_header {
	u32 type, size; /* size: of the whole message */
};

/* Offsets count from the field after the header. */
struct rndis_request {
	struct rndis_header header;
	u32 id, oid, size, offset, handle;
};

struct rndis_init_complete {
	struct rndis_header header;
	u32 id, status, major, minor, flags, medium, max_packets, max_size, alignment_shift, families[2];
};

struct rndis_set_complete {
	struct rndis_header header;
	u32 id, status;
};

struct rndis_query_complete {
	struct rndis_header header;
	u32 id, status, size, offset;
};

struct rndis_indication {
	struct rndis_header header;
	u32 status, size, offset;
};

struct rndis_frame {
	struct rndis_header header;
	u32 data_offset, data_size, oob_offset, oob_size, oob_count, info_offset, info_size, handle, reserved;
};

/* Per-packet information: its header, then what the type says. */
struct rndis_info {
	u32 size, type, offset;
};

enum rndis_info_type {
	RNDIS_INFO_CHECKSUM = 0,
	RNDIS_INFO_LARGE_SEND = 2,
	RNDIS_INFO_VLAN = 6,
	RNDIS_INFO_HASH = 9,
	RNDIS_INFO_FRAGMENT = 1 | 1U << 31, /* of the host's own types */
};

#define RNDIS_FRAGMENT_VERSION 1
#define RNDIS_FRAGMENT BIT(8) /* flags in the second byte of RNDIS_INFO_FRAGMENT */
#define RNDIS_FRAGMENT_FIRST BIT(9)
#define RNDIS_FRAGMENT_LAST BIT(10)

#define RNDIS_CHECKSUM_TCP BIT(2)
#define RNDIS_CHECKSUM_UDP BIT(3)
#define RNDIS_CHECKSUM_HEADER_SHIFT 16
#define RNDIS_LARGE_SEND_HEADER_SHIFT 20
#define RNDIS_LARGE_SEND_MSS_MASK 0xfffff
#define RNDIS_LARGE_SEND_IPV6 BIT(31)
#define RNDIS_HEADER_OFFSET_MASK 0x3ff

#define OID_RSS_CAPABILITIES 0x00010203
#define OID_RSS_PARAMETERS 0x00010204
#define OID_OFFLOAD_PARAMETERS 0xfc01020c
#define OID_OFFLOAD_CAPABILITIES 0xfc01020d

struct ndis_header {
	u8 type, revision;
	u16 size;
};

#define NDIS_TYPE_OFFLOAD 0xa7
#define NDIS_TYPE_RSS_CAPABILITIES 0x88
#define NDIS_ENCAPSULATION_8023 2
#define NDIS_CHECKSUM_IPV4 0x155 /* IP, TCP and UDP, with options */
#define NDIS_CHECKSUM_IPV6 0x55
#define NDIS_LARGE_SEND_IPV6 5 /* with extension headers and TCP options */
#define NDIS_PARAMETER_ENABLED 2
#define NDIS_RSS_TABLE_UNCHANGED BIT(2)
#define NDIS_RSS_KEY_UNCHANGED BIT(3)
#define NDIS_RSS_DISABLED BIT(4)

struct ndis_offload {
	struct ndis_header header;
	struct {
		u32 encapsulation, what;
	} send_ipv4, receive_ipv4, send_ipv6, receive_ipv6; /* checksums */
	u32 obsolete[11]; /* large send 1, IPsec 1 */
	struct {
		u32 encapsulation, max_size, min_segments;
	} large_send_ipv4, large_send_ipv6;
	u32 large_send_ipv6_options, flags;
	u32 ipsec2[8];
	u8 rsc_ipv4, rsc_ipv6;
	u32 encapsulated[2];
};

struct ndis_offload_parameters {
	struct ndis_header header;
	u8 offloads[12];
	u32 flags;
	u8 ipsec2[2];
	u8 rsc_ipv4, rsc_ipv6;
};

struct ndis_rss_capabilities {
	struct ndis_header header;
	u32 capabilities, messages, queues;
	u16 table_entries;
} __packed;

struct ndis_rss_parameters {
	struct ndis_header header;
	u16 flags, base_cpu;
	u32 hash;
	u16 table_size;
	u32 table_offset;
	u16 key_size;
	u32 key_offset;
};

/* OID_GEN_RNDIS_CONFIG_PARAMETER; offsets count from its start, strings are UTF-16. */
struct rndis_parameter {
	u32 name_offset, name_size, type, value_offset, value_size;
};

#endif
