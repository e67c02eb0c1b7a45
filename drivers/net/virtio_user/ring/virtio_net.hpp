// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <linux/if_ether.h>
#include <linux/types.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_types.h>

// linux/virtio_net.h names a field `class`, which is a keyword of C++ (struct virtio_net_ctrl_hdr
// in Linux 6.1). What the header includes is included before. clang warns of a macro
// that hides a keyword, but not in a system header.
#pragma GCC system_header
#define class control_class
#include <linux/virtio_net.h>
#undef class
