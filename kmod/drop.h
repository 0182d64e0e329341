/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TRACECTL_DROP_H
#define _TRACECTL_DROP_H

#include <linux/sched/task_stack.h>

#include "call.h"
#include "stream.h"

/*
 * What is filtered out before anything else is done with it. All of it is right on
 * any CPU, so preemption need not be off, and calls nothing, so that a probe can do
 * it before it sets up a stack of its own.
 */

/* A call that is entered, while calls are sorted, by a number that is not wanted. */
static __always_inline bool tracectl_drops_entry(long nr)
{
	if (!is_native(nr) || !test_bit(nr, tracectl_unwanted))
		return false;
	tracectl_filter_count(nr);
	return true;
}

/* The same at its end. */
static __always_inline bool tracectl_drops_exit(const struct pt_regs *regs)
{
	unsigned long nr = number_in(regs);

	if (!is_native(nr) || !test_bit(nr, tracectl_unwanted_exits))
		return false;
	tracectl_filter_count_rest();
	return true;
}

/* The current thread, which is filtered out, enters a call. */
static __always_inline bool tracectl_skips_entry(long nr)
{
	if (likely(!tracectl_stream_skips()))
		return false;
	if (is_native(nr))
		tracectl_filter_count_skipped(nr);
	else
		tracectl_filter_count_skipped_other(nr);
	return true;
}

/* tracectl_stream_admit() of a call that is entered. Preemption is off. */
static __always_inline struct tracectl_cpu *tracectl_admit_entry(long nr)
{
	struct tracectl_cpu *pc = this_cpu_ptr(&tracectl_cpus);

	if (unlikely(!tracectl_gate_open(TRACECTL_CLASS_SYSCALL)))
		return NULL;
	if (likely(pc->task == current) || tracectl_filter_admit(pc))
		return pc;
	tracectl_filter_count_skipped(tracectl_classify(nr).slot);
	return NULL;
}

/*
 * Whether the call that the current thread is in is not wanted. What a worker of
 * io_uring does is done within none.
 */
static __always_inline bool tracectl_drops_call(void)
{
	unsigned long nr = number_in(task_pt_regs(current));

	if (!is_native(nr))
		nr = tracectl_classify((int)nr).slot;
	if (!test_bit(nr, tracectl_unwanted) ||
	    current->flags & (PF_IO_WORKER | PF_KTHREAD))
		return false;
	tracectl_filter_count_rest();
	return true;
}

/* The first look of a probe of parameters that are of use with their call only. */
static __always_inline bool tracectl_wants(u32 class)
{
	return tracectl_stream_wants(class) &&
	       !(static_branch_unlikely(&tracectl_sorts) &&
		 tracectl_drops_call());
}

#endif
