// SPDX-License-Identifier: GPL-2.0
/*
 * Calls that are counted and timed, and not recorded: probes of their own, so that
 * neither they nor those that record pay for the other.
 */
#include <linux/kernel.h>
#include <linux/sched/task_stack.h>

#include "call.h"
#include "drop.h"
#include "gate.h"
#include "probes.h"
#include "stream.h"
#include "tracepoint.h"

/* Field by field: each is one instruction, and the address of them all is two. */
#define MINE(field) raw_cpu_read(tracectl_cpus.field)

static __always_inline u64 now(void)
{
	const struct tracectl_clock clock = {
		.mult = MINE(clock.mult),
		.offset_ns = MINE(clock.offset_ns),
	};

	return tracectl_clock_count(&clock);
}

static __always_inline void begin(unsigned int slot, u64 ns)
{
	/* At the end that saves a multiplication. */
	size_t offset = slot * sizeof(struct tracectl_syscall_counts);
	struct tracectl_syscall_counts *counts = (void *)MINE(counts) + offset;

	tracectl_count_entry(counts, MINE(entered), ns)->counts = offset;
}

static noinline notrace void on_entry_slowly(long nr)
{
	struct tracectl_cpu *pc = tracectl_admit_entry(nr);
	unsigned int slot = tracectl_classify(nr).slot;

	if (pc && !tracectl_filter_drops(slot)) {
		if (tracectl_filter_is_by_cpu())
			tracectl_filter_begin_call(pc);
		begin(slot, tracectl_clock_read(&pc->clock));
	}
	tracectl_stream_leave();
}

static noinline notrace void on_entry(long nr)
{
	if (tracectl_skips_entry(nr))
		return;
	preempt_disable_notrace();
	if (likely(tracectl_gate_open(TRACECTL_CLASS_SYSCALL) &&
		   MINE(task) == current && is_native(nr) &&
		   !tracectl_filter_is_by_cpu())) {
		begin(nr, now());
		tracectl_stream_leave();
	} else {
		on_entry_slowly(nr);
	}
}

static __always_inline bool is_dropped(long nr)
{
	return static_branch_unlikely(&tracectl_sorts) &&
	       tracectl_drops_entry(nr);
}

static void notrace probe_entry(void *data, struct pt_regs *regs, long nr)
{
	if (tracectl_gate_open(TRACECTL_CLASS_SYSCALL) && !is_dropped(nr))
		on_entry(nr);
}

static __always_inline void finish(struct tracectl_entered *entry, long result,
				   u64 ns)
{
	/* exec changes the number, and sigreturn has none. */
	struct tracectl_syscall_counts *counts =
		(void *)MINE(counts) + entry->counts;

	tracectl_count_time(counts, entry, ns, true);
	tracectl_count_exit(counts, result);
}

/* An exit whose entry, if that was counted, has left its place to another thread's. */
static void count_alone(struct tracectl_cpu *pc, bool is_known,
			unsigned int slot, long result)
{
	/* It began where nothing is counted. */
	if (!is_known && !tracectl_gate_open(TRACECTL_CLASS_SYSCALL))
		return;
	if (!is_known && tracectl_filter_is_by_cpu())
		tracectl_filter_count_rest();
	else if (!tracectl_filter_drops_exit(slot))
		tracectl_count_exit(&pc->counts[slot], result);
}

static noinline notrace void on_exit_slowly(long result)
{
	struct tracectl_cpu *pc = tracectl_stream_admit(TRACECTL_CLASS_SYSCALL |
							TRACECTL_GATE_EXITS);
	struct tracectl_entered *entry;
	bool is_known;
	long nr;

	if (!pc)
		goto leave;
	is_known = tracectl_filter_is_by_cpu() && tracectl_filter_end_call(pc);
	entry = tracectl_entered_of(pc->entered, current->pid);
	nr = syscall_get_nr(current, task_pt_regs(current));
	if (entry->tid == current->pid)
		finish(entry, result, tracectl_clock_read(&pc->clock));
	else
		count_alone(pc, is_known, tracectl_classify(nr).slot, result);
leave:
	tracectl_stream_leave();
}

/*
 * A call that was counted when it began is counted when it ends, also when the gate
 * has been closed meanwhile: there is no record that would come too late.
 */
static noinline notrace void on_exit(long result)
{
	struct tracectl_entered *entry;

	if (unlikely(tracectl_stream_skips()))
		return;
	preempt_disable_notrace();
	entry = tracectl_entered_of(MINE(entered), current->pid);
	if (likely(entry->tid == current->pid &&
		   !tracectl_filter_is_by_cpu())) {
		finish(entry, result, now());
		tracectl_stream_leave();
	} else {
		on_exit_slowly(result);
	}
}

static __always_inline bool is_exit_dropped(const struct pt_regs *regs)
{
	return static_branch_unlikely(&tracectl_sorts) &&
	       tracectl_drops_exit(regs);
}

static void notrace probe_exit(void *data, struct pt_regs *regs, long result)
{
	if (tracectl_gate_open(TRACECTL_CLASS_SYSCALL | TRACECTL_GATE_EXITS) &&
	    !is_exit_dropped(regs))
		on_exit(result);
}

/* Where the clock is no counter of the CPU's. */
static void notrace probe_entry_slowly(void *data, struct pt_regs *regs,
				       long nr)
{
	if (!tracectl_gate_open(TRACECTL_CLASS_SYSCALL) || is_dropped(nr) ||
	    tracectl_skips_entry(nr))
		return;
	preempt_disable_notrace();
	on_entry_slowly(nr);
}

static void notrace probe_exit_slowly(void *data, struct pt_regs *regs,
				      long result)
{
	if (!tracectl_gate_open(TRACECTL_CLASS_SYSCALL | TRACECTL_GATE_EXITS) ||
	    is_exit_dropped(regs) || tracectl_stream_skips())
		return;
	preempt_disable_notrace();
	on_exit_slowly(result);
}

static struct tracectl_hook hooks[] = {
	{ .name = "sys_enter", .probe = probe_entry },
	{ .name = "sys_exit", .probe = probe_exit },
};
static struct tracectl_hook slow_hooks[] = {
	{ .name = "sys_enter", .probe = probe_entry_slowly },
	{ .name = "sys_exit", .probe = probe_exit_slowly },
};
static struct tracectl_hook *attached;

int tracectl_count_attach(void)
{
	bool has_counter = raw_cpu_read(tracectl_cpus.clock.mult);

	attached = has_counter ? hooks : slow_hooks;
	return tracectl_hooks_attach(attached, ARRAY_SIZE(hooks));
}

void tracectl_count_detach(void)
{
	tracectl_hooks_detach(attached, ARRAY_SIZE(hooks));
}
