/* SPDX-License-Identifier: GPL-2.0-only */
/* The includes of drivers/hv/channel.c, whose symbols channel.c, gpadl.c and packets.c export: see guest.h. */
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/wait.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/module.h>
#include <linux/hyperv.h>
#include <linux/uio.h>
#include <linux/interrupt.h>
#include <linux/set_memory.h>
#include <asm/page.h>
#include <asm/mshyperv.h>

#include "guest.h"
