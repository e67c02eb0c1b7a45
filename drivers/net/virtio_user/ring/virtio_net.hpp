// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <linux/if_ether.h>
#include <linux/types.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_types.h>

// linux/virtio_net.h names a field `class`, which is a keyword of C++ (struct virtio_net_ctrl_hdr,
// up to Linux 6.18 at least). What the header includes is included before.
#define class control_class
#include <linux/virtio_net.h>
#undef class
