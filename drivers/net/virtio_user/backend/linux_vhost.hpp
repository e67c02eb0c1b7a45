// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// linux/virtio_ring.h's inline functions for the legacy layout are C, and not C++.
#ifndef VIRTIO_RING_NO_LEGACY
#define VIRTIO_RING_NO_LEGACY
#endif
#include <linux/vhost.h>
