// SPDX-License-Identifier: GPL-2.0
/*
 * Calls that are counted and timed, and not recorded: probes of their own, so that
 * neither they nor those that record pay for the other.
 */
#include <linux/kernel.h>

#include "call.h"
#include "gate.h"
#include "probes.h"
#include "stream.h"
#include "tracepoint.h"

static __always_inline void begin(struct tracectl_cpu *pc, unsigned int slot,
				  u64 ns)
{
	tracectl_count_entry(&pc->counts[slot], pc->entered, ns)->slot = slot;
}

static noinline notrace void on_entry_slowly(long nr)
{
	struct tracectl_cpu *pc = tracectl_stream_admit(TRACECTL_CLASS_SYSCALL);
	unsigned int slot = tracectl_classify(nr).slot;

	if (pc && !tracectl_filter_drops(slot))
		begin(pc, slot, tracectl_clock_read(&pc->clock));
	tracectl_stream_leave();
}

static noinline notrace void on_entry(long nr)
{
	struct tracectl_cpu *pc;

	if (tracectl_stream_skips())
		return;
	preempt_disable_notrace();
	pc = this_cpu_ptr(&tracectl_cpus);
	if (likely(tracectl_stream_is_ready(pc, TRACECTL_CLASS_SYSCALL) &&
		   is_native(nr) && !test_bit(nr, tracectl_unwanted))) {
		begin(pc, nr, tracectl_clock_count(&pc->clock));
		tracectl_stream_leave();
	} else {
		on_entry_slowly(nr);
	}
}

static void notrace probe_entry(void *data, struct pt_regs *regs, long nr)
{
	if (tracectl_gate_open(TRACECTL_CLASS_SYSCALL))
		on_entry(nr);
}

static __always_inline void finish(struct tracectl_cpu *pc,
				   struct tracectl_entered *entry, long result,
				   u64 ns)
{
	/* exec changes the number, and sigreturn has none. */
	struct tracectl_syscall_counts *counts = &pc->counts[entry->slot];

	tracectl_count_time(counts, entry, ns, true);
	tracectl_count_exit(counts, result);
}

/* An exit without its entry. */
static void count_alone(struct tracectl_cpu *pc, unsigned int slot, long result)
{
	/* It began where nothing is counted. */
	if (!tracectl_gate_open(TRACECTL_CLASS_SYSCALL))
		return;
	if (READ_ONCE(tracectl_sorting) & TRACECTL_FILTER_CPUS)
		tracectl_filter_count(slot);
	else if (!tracectl_filter_drops(slot))
		tracectl_count_exit(&pc->counts[slot], result);
}

static noinline notrace void on_exit_slowly(struct pt_regs *regs, long result)
{
	struct tracectl_cpu *pc = tracectl_stream_admit(TRACECTL_CLASS_SYSCALL |
							TRACECTL_GATE_EXITS);
	struct tracectl_entered *entry;
	long nr;

	if (!pc)
		goto leave;
	entry = tracectl_entered_of(pc->entered, current->pid);
	nr = syscall_get_nr(current, regs);
	if (entry->tid == current->pid)
		finish(pc, entry, result, tracectl_clock_read(&pc->clock));
	else
		count_alone(pc, tracectl_classify(nr).slot, result);
leave:
	tracectl_stream_leave();
}

static noinline notrace void on_exit(struct pt_regs *regs, long result)
{
	struct tracectl_entered *entry;
	struct tracectl_cpu *pc;

	if (tracectl_stream_skips())
		return;
	preempt_disable_notrace();
	pc = this_cpu_ptr(&tracectl_cpus);
	entry = tracectl_entered_of(pc->entered, current->pid);
	if (likely(tracectl_stream_is_ready(pc, TRACECTL_CLASS_SYSCALL) &&
		   entry->tid == current->pid)) {
		finish(pc, entry, result, tracectl_clock_count(&pc->clock));
		tracectl_stream_leave();
	} else {
		on_exit_slowly(regs, result);
	}
}

static void notrace probe_exit(void *data, struct pt_regs *regs, long result)
{
	if (tracectl_gate_open(TRACECTL_CLASS_SYSCALL | TRACECTL_GATE_EXITS))
		on_exit(regs, result);
}

static struct tracectl_hook hooks[] = {
	{ .name = "sys_enter", .probe = probe_entry },
	{ .name = "sys_exit", .probe = probe_exit },
};

int tracectl_count_attach(void)
{
	return tracectl_hooks_attach(hooks, ARRAY_SIZE(hooks));
}

void tracectl_count_detach(void)
{
	tracectl_hooks_detach(hooks, ARRAY_SIZE(hooks));
}
