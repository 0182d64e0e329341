// SPDX-License-Identifier: GPL-2.0
/*
 * Threads that leave a CPU for others. The scheduler holds its lock here; what hands a
 * sub-buffer over wakes its reader by an irq_work, from any context.
 */
#include <linux/sched.h>

#include "filter.h"
#include "probes.h"
#include "stream.h"
#include "tracepoint.h"

static void record_switch(struct tracectl_cpu *pc,
			  const struct task_struct *next, u32 state)
{
	struct tracectl_place place;
	struct tracectl_switch *record;

	place = tracectl_stream_begin(pc, 0, TRACECTL_KIND_SWITCH);
	pc->totals->generated[TRACECTL_KIND_SWITCH]++;
	record = (void *)place.record;
	if (!record)
		return;
	tracectl_record_head(place, TRACECTL_HEAD(TRACECTL_KIND_SWITCH, 0, 1));
	record->next_tid = next->pid;
	record->state = state;
	tracectl_stream_commit(pc, (char *)(record + 1));
}

/* Of interest if one of the two threads is recorded. */
static void notrace probe_switch(void *data, bool preempt,
				 struct task_struct *prev,
				 struct task_struct *next TRACECTL_SWITCH_MORE)
{
	struct tracectl_cpu *pc;

	preempt_disable_notrace();
	pc = this_cpu_ptr(&tracectl_cpus);
	if (tracectl_gate_open(TRACECTL_CLASS_SCHED) &&
	    tracectl_filter_switch(pc, next))
		record_switch(pc, next,
			      preempt ? 0 : tracectl_prev_state(prev));
	preempt_enable_notrace();
}

static struct tracectl_hook hooks[] = {
	{ .name = "sched_switch", .probe = probe_switch },
};

int tracectl_sched_attach(void)
{
	return tracectl_hooks_attach(hooks, ARRAY_SIZE(hooks));
}

void tracectl_sched_detach(void)
{
	tracectl_hooks_detach(hooks, ARRAY_SIZE(hooks));
}
