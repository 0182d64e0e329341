// SPDX-License-Identifier: GPL-2.0
/* Calls that are told as a whole, in one record, when they end. */
#include <linux/kernel.h>
#include <linux/sched.h>

#include "call.h"
#include "session.h"
#include "whole.h"

static bool is_escaped(u16 id)
{
	return (id & TRACECTL_NR_ESCAPE) == TRACECTL_NR_ESCAPE;
}

/* The arguments of a call as the payload of its ENTRY, which is at @to. */
void tracectl_put_payload(char *to, const struct tracectl_layout *layout,
			  u16 id, long nr, const unsigned long args[6])
{
	int i;

	if (is_escaped(id)) {
		*(u64 *)to = nr;
		to += sizeof(u64);
	}
	for (i = 0; i < layout->args; i++)
		tracectl_put_argument(
			to + layout->offset[i] - TRACECTL_HEAD_BYTES, args[i]);
}

/* The granules of that payload. */
unsigned int tracectl_payload_granules(const struct tracectl_layout *layout,
				       u16 id)
{
	return layout->bytes / TRACECTL_GRANULE - 1 + is_escaped(id);
}

/* The current thread enters a call. */
void tracectl_whole_withhold(struct tracectl_cpu *pc, struct pt_regs *regs,
			     long nr)
{
	struct tracectl_withheld *held = tracectl_withheld_claim(pc);
	struct tracectl_call call = tracectl_classify(nr);

	if (!held) {
		tracectl_stream_lose(pc, TRACECTL_KIND_ENTRY,
				     TRACECTL_LOST_NO_PLACE, 0);
		pc->counts[call.slot].entries++;
		pc->counts[call.slot].entries_lost++;
		return;
	}
	pc->counts[call.slot].withheld++;
	held->ns = tracectl_clock_read(&pc->clock);
	held->nr = nr;
	held->id = call.id;
	held->slot = call.slot;
	held->epoch = READ_ONCE(pc->session->selection.epoch);
	held->matches = false;
	syscall_get_arguments(current, regs, held->args);
}

static void put_call(struct tracectl_cpu *pc,
		     const struct tracectl_withheld *held, long result,
		     struct tracectl_place place)
{
	const struct tracectl_layout *layout = &pc->layouts[held->slot];
	struct tracectl_whole *record = (void *)place.record;
	unsigned int granules = tracectl_payload_granules(layout, held->id) + 2;

	tracectl_record_head(place, TRACECTL_HEAD(TRACECTL_KIND_CALL, held->id,
						  granules));
	record->result = result;
	record->entry_ns = held->ns;
	tracectl_put_payload((char *)(record + 1), layout, held->id, held->nr,
			     held->args);
	tracectl_stream_commit(pc, place.record + TRACECTL_HEAD_BYTES +
					   granules * TRACECTL_GRANULE);
}

static void record_call(struct tracectl_cpu *pc,
			const struct tracectl_withheld *held, long result)
{
	const unsigned int more =
		sizeof(struct tracectl_whole) - TRACECTL_HEAD_BYTES;
	struct tracectl_syscall_counts *counts = &pc->counts[held->slot];
	struct tracectl_entered entry = { .ns = held->ns };
	struct tracectl_place place;

	place = tracectl_stream_begin(pc, more, TRACECTL_KIND_CALL);
	counts->entries++;
	tracectl_count_time(counts, &entry, place.ns, true);
	tracectl_count_exit(counts, result);
	pc->entry_switches = TRACECTL_NO_CALL;
	if (place.record) {
		put_call(pc, held, result, place);
	} else {
		counts->entries_lost++;
		counts->exits_lost++;
		counts->calls_lost++;
	}
}

/* The call that the current thread leaves was withheld. */
void tracectl_whole_judge(struct tracectl_cpu *pc,
			  struct tracectl_withheld *held, long result)
{
	u64 ns = tracectl_clock_read(&pc->clock) - held->ns;

	if (tracectl_filter_passes(pc, held, result, ns)) {
		record_call(pc, held, result);
		tracectl_withheld_release(pc, held);
	} else {
		tracectl_filter_count_rest();
		tracectl_withheld_reject(pc, held);
	}
}
