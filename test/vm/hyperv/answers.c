// SPDX-License-Identifier: GPL-2.0-only
/*
 * Answers: what the host sends but for frames. None is lost: one that finds no room is tried again. A test can have each
 * kind delayed, or withheld until it says otherwise.
 */
#include <linux/slab.h>

#include "host.h"

#define RETRY_MS 1

const char *const answer_names[ANSWER_KINDS] = {
	[ANSWER_INIT] = "init",
	[ANSWER_BUFFER] = "buffer",
	[ANSWER_SUBCHANNEL] = "subchannel",
	[ANSWER_DATA_PATH] = "data_path",
	[ANSWER_RNDIS] = "rndis",
	[ANSWER_FRAME] = "frame",
	[ANSWER_ASSOCIATION] = "association",
};

struct answer {
	struct list_head node;
	struct host_channel *channel;
	enum answer_kind kind;
	unsigned long due; /* in jiffies */
	bool withheld;
	struct answer_packet packet; /* its payload follows */
	u8 payload[];
};

static bool deliver(struct host_channel *channel, const struct answer_packet *packet)
{
	struct vmpacket_descriptor header = { .type = packet->type, .trans_id = packet->transaction };

	if (packet->type == VM_PKT_DATA_USING_XFER_PAGES)
		return host_receive_control(channel, packet->payload, packet->size);
	return host_write(channel, &header, sizeof(header), packet->payload, packet->size);
}

/* Takes the first answer that is due off the list; NULL if there is none. Sets the time to the next one. */
static struct answer *next_due(struct host_nic *nic, unsigned long *wait)
{
	struct answer *answer, *found = NULL;

	*wait = MAX_JIFFY_OFFSET;
	spin_lock_irq(&nic->lock);
	list_for_each_entry(answer, &nic->answers, node) {
		if (answer->withheld)
			continue;
		if (time_after_eq(jiffies, answer->due)) {
			found = answer;
			list_del(&answer->node);
			break;
		}
		*wait = min(*wait, answer->due - jiffies);
	}
	spin_unlock_irq(&nic->lock);
	return found;
}

static void deliver_due(struct work_struct *work)
{
	struct host_nic *nic = container_of(work, struct host_nic, answer_work.work);
	unsigned long wait;
	struct answer *answer;

	while ((answer = next_due(nic, &wait))) {
		struct host_channel *channel = answer->channel;

		if (!deliver(channel, &answer->packet)) {
			spin_lock_irq(&nic->lock);
			list_add(&answer->node, &nic->answers);
			spin_unlock_irq(&nic->lock);
			wait = msecs_to_jiffies(RETRY_MS);
			break;
		}
		kfree(answer);
		host_interrupt(channel);
	}
	if (wait != MAX_JIFFY_OFFSET)
		queue_delayed_work(host_queue, &nic->answer_work, wait);
}

/* Sends an answer: at once if nothing of its kind is pending, else in its turn. Any context but hard interrupts. */
void host_answer(struct host_channel *channel, enum answer_kind kind, const struct answer_packet *packet)
{
	struct host_nic *nic = channel->nic;
	u32 delay = READ_ONCE(nic->delay_ms[kind]);
	struct answer *answer;
	unsigned long flags;
	bool at_once = !delay;

	spin_lock_irqsave(&nic->lock, flags);
	list_for_each_entry(answer, &nic->answers, node)
		at_once &= answer->withheld || answer->kind != kind;
	spin_unlock_irqrestore(&nic->lock, flags);
	if (at_once && deliver(channel, packet)) {
		host_interrupt(channel);
		return;
	}
	answer = kmalloc(struct_size(answer, payload, packet->size), GFP_ATOMIC);
	if (WARN_ONCE(!answer, "no memory for an answer: it is lost"))
		return;
	answer->channel = channel;
	answer->kind = kind;
	answer->withheld = delay == HOST_WITHHOLD;
	answer->due = jiffies + (answer->withheld ? 0 : msecs_to_jiffies(delay));
	answer->packet = *packet;
	answer->packet.payload = memcpy(answer->payload, packet->payload, packet->size);
	spin_lock_irqsave(&nic->lock, flags);
	list_add_tail(&answer->node, &nic->answers);
	spin_unlock_irqrestore(&nic->lock, flags);
	if (!answer->withheld)
		mod_delayed_work(host_queue, &nic->answer_work, 0);
}

/* Sends the answers of a kind that are withheld or not due; of all kinds for ANSWER_KINDS. */
void host_release_answers(struct host_nic *nic, enum answer_kind kind)
{
	struct answer *answer;

	spin_lock_irq(&nic->lock);
	list_for_each_entry(answer, &nic->answers, node) {
		if (kind != ANSWER_KINDS && kind != answer->kind)
			continue;
		answer->withheld = false;
		answer->due = jiffies;
	}
	spin_unlock_irq(&nic->lock);
	mod_delayed_work(host_queue, &nic->answer_work, 0);
}

/* The channel is closed: nobody waits for its answers. */
void host_forget_answers(struct host_channel *channel)
{
	struct host_nic *nic = channel->nic;
	struct answer *answer, *next;

	cancel_delayed_work_sync(&nic->answer_work); /* it may have one off the list */
	spin_lock_irq(&nic->lock);
	list_for_each_entry_safe(answer, next, &nic->answers, node) {
		if (answer->channel != channel)
			continue;
		list_del(&answer->node);
		kfree(answer);
	}
	spin_unlock_irq(&nic->lock);
	mod_delayed_work(host_queue, &nic->answer_work, 0);
}

unsigned int host_pending_answers(struct host_nic *nic)
{
	struct answer *answer;
	unsigned int count = 0;

	spin_lock_irq(&nic->lock);
	list_for_each_entry(answer, &nic->answers, node)
		count++;
	spin_unlock_irq(&nic->lock);
	return count;
}

void host_init_answers(struct host_nic *nic)
{
	INIT_LIST_HEAD(&nic->answers);
	INIT_DELAYED_WORK(&nic->answer_work, deliver_due);
}
