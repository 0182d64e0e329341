// SPDX-License-Identifier: GPL-2.0
/* Entry and exit of system calls, at the mode change. */
#include <linux/kernel.h>
#include <linux/sched/task_stack.h>
#include <linux/string.h>

#include "call.h"
#include "drop.h"
#include "gate.h"
#include "probes.h"
#include "stream.h"
#include "tracepoint.h"
#include "whole.h"

/*
 * Grows when the thread is switched out, and only then. Equal at the entry and
 * at the exit: the thread never left this CPU.
 */
static __always_inline unsigned long switches(void)
{
#ifdef CONFIG_SCHED_INFO
	return current->sched_info.pcount;
#else
	return current->nvcsw + current->nivcsw;
#endif
}

/*
 * In order, each as 8 bytes at its offset: the next one overwrites the upper
 * half of a 4-byte one.
 */
static __always_inline void put_native(char *record,
				       const struct tracectl_layout *layout,
				       struct pt_regs *regs)
{
	int i;

#pragma GCC unroll 6
	for (i = 0; i < 6; i++) {
		if (i == layout->args)
			break;
		tracectl_put_argument(record + layout->offset[i],
				      argument(regs, i));
	}
}

static __always_inline void begin_call(struct tracectl_cpu *pc,
				       struct tracectl_syscall_counts *counts,
				       u64 ns)
{
	pc->entry_switches = switches();
	pc->entry_counts = counts;
	pc->entry = tracectl_count_entry(counts, pc->entered, ns);
}

static __always_inline void put_entry(struct tracectl_cpu *pc,
				      struct pt_regs *regs, long nr,
				      struct tracectl_place place)
{
	const struct tracectl_layout *layout = &pc->layouts[nr];

	begin_call(pc, &pc->counts[nr], place.ns);
	tracectl_record_head(place, layout->head);
	put_native(place.record, layout, regs);
	tracectl_stream_commit(pc, place.record + layout->bytes);
}

static __always_inline unsigned int slot_of(long nr)
{
	return likely(is_native(nr)) ? nr : tracectl_classify(nr).slot;
}

/* Another ABI than the kernel's own, or a number that no table has. */
static void put_other(struct tracectl_cpu *pc, struct pt_regs *regs, long nr,
		      struct tracectl_call call, struct tracectl_place place)
{
	const struct tracectl_layout *layout = &pc->layouts[call.slot];
	unsigned int granules = tracectl_payload_granules(layout, call.id);
	unsigned long args[6];

	begin_call(pc, &pc->counts[call.slot], place.ns);
	tracectl_record_head(place, TRACECTL_HEAD(TRACECTL_KIND_ENTRY, call.id,
						  granules));
	syscall_get_arguments(current, regs, args);
	tracectl_put_payload(place.record + TRACECTL_HEAD_BYTES, layout,
			     call.id, nr, args);
	tracectl_stream_commit(pc, place.record + TRACECTL_HEAD_BYTES +
					   granules * TRACECTL_GRANULE);
}

static void record_entry(struct tracectl_cpu *pc, struct pt_regs *regs, long nr)
{
	struct tracectl_place place;
	struct tracectl_call call = tracectl_classify(nr);

	place = tracectl_stream_begin(pc, 0, TRACECTL_KIND_ENTRY);
	if (!place.record) {
		tracectl_count_entry(&pc->counts[call.slot], pc->entered,
				     place.ns);
		pc->counts[call.slot].entries_lost++;
	} else if (is_native(nr)) {
		put_entry(pc, regs, nr, place);
	} else {
		put_other(pc, regs, nr, call, place);
	}
}

/* One of the events of a call, where no room can be made. */
static void lose(struct tracectl_cpu *pc, enum tracectl_kind kind)
{
	pc->totals->lost[kind]++;
	pc->totals->lost_by_cause[TRACECTL_LOST_FULL]++;
	pc->entry_switches = TRACECTL_NO_CALL;
}

/*
 * The short way to lose one: who has no time for his disk shall have it for his work.
 */
static void lose_entry(struct tracectl_cpu *pc, long nr)
{
	struct tracectl_syscall_counts *counts = &pc->counts[slot_of(nr)];

	tracectl_count_entry(counts, pc->entered,
			     tracectl_clock_read(&pc->clock));
	counts->entries_lost++;
	lose(pc, TRACECTL_KIND_ENTRY);
}

static noinline notrace void on_entry_slowly(long nr, struct pt_regs *regs)
{
	struct tracectl_cpu *pc = tracectl_admit_entry(nr);

	if (pc && tracectl_filter_is_by_cpu())
		tracectl_filter_begin_call(pc);
	if (pc && tracectl_stream_is_full(pc))
		lose_entry(pc, nr);
	else if (pc)
		record_entry(pc, regs, nr);
	tracectl_stream_leave();
}

static __always_inline void enter_call(long nr, struct pt_regs *regs)
{
	struct tracectl_place place;
	struct tracectl_cpu *pc;

	preempt_disable_notrace();
	pc = this_cpu_ptr(&tracectl_cpus);
	if (likely(tracectl_stream_try(pc, TRACECTL_CLASS_SYSCALL, &place) &&
		   is_native(nr))) {
		tracectl_stream_mark(pc, place.record);
		put_entry(pc, regs, nr, place);
		tracectl_stream_leave();
	} else {
		on_entry_slowly(nr, regs);
	}
}

/* Not by the short way, which does not look whether the CPU matters. */
static void enter_call_here(long nr, struct pt_regs *regs)
{
	preempt_disable_notrace();
	on_entry_slowly(nr, regs);
}

static void withhold_entry(struct pt_regs *regs, long nr)
{
	struct tracectl_cpu *pc;

	preempt_disable_notrace();
	pc = tracectl_admit_entry(nr);
	if (pc)
		tracectl_whole_withhold(pc, regs, nr);
	tracectl_stream_leave();
}

/* Of a session that does not record every call: one that is not dropped. */
static noinline notrace void on_entry_sorted(long nr, struct pt_regs *regs)
{
	u32 sorting = smp_load_acquire(&tracectl_sorting);

	if (tracectl_skips_entry(nr) ||
	    (!is_native(nr) &&
	     tracectl_filter_drops(tracectl_classify(nr).slot)))
		return;
	if (sorting & TRACECTL_FILTER_ENDS)
		withhold_entry(regs, nr);
	else if (sorting & TRACECTL_FILTER_CPUS)
		enter_call_here(nr, regs);
	else
		enter_call(nr, regs);
}

/*
 * Not inline: a closed gate shall not pay for this one's prologue. The arguments are
 * in an order that leaves one of the probe's where it is.
 */
static noinline notrace void on_entry(long nr, struct pt_regs *regs)
{
	if (!tracectl_skips_entry(nr))
		enter_call(nr, regs);
}

static void notrace probe_entry(void *data, struct pt_regs *regs, long nr)
{
	if (!tracectl_gate_open(TRACECTL_CLASS_SYSCALL))
		return;
	if (!static_branch_unlikely(&tracectl_sorts))
		on_entry(nr, regs);
	else if (!tracectl_drops_entry(nr))
		on_entry_sorted(nr, regs);
}

static __always_inline bool is_near(const struct tracectl_cpu *pc)
{
	return pc->entry_switches == switches();
}

static __always_inline void put_short_exit(struct tracectl_cpu *pc, long result,
					   struct tracectl_place place)
{
	struct tracectl_record *record = (void *)place.record;
	struct tracectl_syscall_counts *counts = pc->entry_counts;

	record->time = place.ns;
	record->id = result;
	record->kind = TRACECTL_KIND_EXIT_SHORT;
	record->granules = 0;
	tracectl_count_time(counts, pc->entry, place.ns, false);
	tracectl_count_exit(counts, result);
	pc->entry_switches = TRACECTL_NO_CALL;
	tracectl_stream_commit(pc, place.record + TRACECTL_HEAD_BYTES);
}

static void put_exit(struct tracectl_cpu *pc, enum tracectl_kind kind, u16 id,
		     long result, struct tracectl_place place)
{
	tracectl_record_head(place, TRACECTL_HEAD(kind, id, 1));
	*(u64 *)(place.record + TRACECTL_HEAD_BYTES) = result;
	tracectl_stream_commit(pc, place.record + sizeof(struct tracectl_exit));
}

static void record_exit(struct tracectl_cpu *pc, long result)
{
	struct pt_regs *regs = task_pt_regs(current);
	struct tracectl_call call =
		tracectl_classify(syscall_get_nr(current, regs));
	struct tracectl_syscall_counts *counts = &pc->counts[call.slot];
	struct tracectl_entered *entry =
		tracectl_entered_of(pc->entered, current->pid);
	struct tracectl_place place;

	place = tracectl_stream_begin(pc, 0, TRACECTL_KIND_EXIT);
	/* Only now: room may have been made in another sub-buffer. */
	if (is_near(pc)) {
		counts = pc->entry_counts;
		put_exit(pc, TRACECTL_KIND_EXIT_NEAR, call.id, result, place);
	} else {
		if (place.record)
			put_exit(pc, TRACECTL_KIND_EXIT, call.id, result,
				 place);
		else
			counts->exits_lost++;
	}
	if (entry->tid == current->pid)
		tracectl_count_time(counts, entry, place.ns, true);
	tracectl_count_exit(counts, result);
	pc->entry_switches = TRACECTL_NO_CALL;
}

static void lose_exit(struct tracectl_cpu *pc, long result)
{
	struct pt_regs *regs = task_pt_regs(current);
	struct tracectl_syscall_counts *counts =
		&pc->counts[slot_of(syscall_get_nr(current, regs))];
	struct tracectl_entered *entry =
		tracectl_entered_of(pc->entered, current->pid);

	if (entry->tid == current->pid)
		tracectl_count_time(counts, entry,
				    tracectl_clock_read(&pc->clock), true);
	tracectl_count_exit(counts, result);
	counts->exits_lost++;
	lose(pc, TRACECTL_KIND_EXIT);
}

static noinline notrace void on_exit_slowly(long result)
{
	struct tracectl_cpu *pc = tracectl_stream_admit(TRACECTL_CLASS_SYSCALL);

	if (pc && tracectl_stream_is_full(pc))
		lose_exit(pc, result);
	else if (pc)
		record_exit(pc, result);
	tracectl_stream_leave();
}

static __always_inline void leave_call(long result)
{
	struct tracectl_place place;
	struct tracectl_cpu *pc;

	preempt_disable_notrace();
	pc = this_cpu_ptr(&tracectl_cpus);
	if (likely(tracectl_stream_try(pc, TRACECTL_CLASS_SYSCALL, &place) &&
		   is_near(pc) && result == (s16)result)) {
		tracectl_stream_mark(pc, place.record);
		put_short_exit(pc, result, place);
		tracectl_stream_leave();
	} else {
		on_exit_slowly(result);
	}
}

/* Whether the exit is to be recorded; if not, it has been dealt with. */
static bool takes_exit(struct tracectl_cpu *pc, u32 sorting, unsigned int slot,
		       long result)
{
	struct tracectl_withheld *held = NULL;
	bool is_known;

	if (sorting & TRACECTL_SORTS_WITHHELD)
		held = tracectl_withheld_find(pc, current->pid);
	if (held) {
		tracectl_whole_judge(pc, held, result);
		return false;
	}
	is_known = tracectl_entered_of(pc->entered, current->pid)->tid ==
		   current->pid;
	if (sorting & TRACECTL_FILTER_CPUS)
		is_known |= tracectl_filter_end_call(pc);
	/* It began where nothing is recorded. */
	if (!is_known && !tracectl_gate_open(TRACECTL_CLASS_SYSCALL))
		return false;
	if (tracectl_filter_drops_exit(slot))
		return false;
	if (!is_known && (sorting & TRACECTL_FILTER_CPUS ||
			  !tracectl_filter_passes(pc, NULL, result, 0))) {
		tracectl_filter_count_rest();
		return false;
	}
	return true;
}

/* Of a session that does not record every call: one that is not dropped. */
static noinline notrace void on_exit_sorted(long result, struct pt_regs *regs)
{
	u32 sorting = smp_load_acquire(&tracectl_sorting);
	unsigned int slot = slot_of(syscall_get_nr(current, regs));
	struct tracectl_cpu *pc;

	if (tracectl_stream_skips())
		return;
	if (!(sorting & ~TRACECTL_FILTER_CALLS)) {
		if (!tracectl_filter_drops_exit(slot))
			leave_call(result);
		return;
	}
	pc = tracectl_stream_enter(TRACECTL_CLASS_SYSCALL |
				   TRACECTL_GATE_EXITS);
	if (pc && takes_exit(pc, sorting, slot, result))
		record_exit(pc, result);
	tracectl_stream_leave();
}

/* Without the registers, which are where the thread has them: one to keep less. */
static noinline notrace void on_exit(long result)
{
	if (likely(!tracectl_stream_skips()))
		leave_call(result);
}

static void notrace probe_exit(void *data, struct pt_regs *regs, long result)
{
	if (!tracectl_gate_open(TRACECTL_CLASS_SYSCALL | TRACECTL_GATE_EXITS))
		return;
	if (!static_branch_unlikely(&tracectl_sorts))
		on_exit(result);
	else if (!tracectl_drops_exit(regs))
		on_exit_sorted(result, regs);
}

static struct tracectl_hook hooks[] = {
	{ .name = "sys_enter", .probe = probe_entry },
	{ .name = "sys_exit", .probe = probe_exit },
};

int tracectl_syscalls_attach(void)
{
	if (tracectl_sorting & TRACECTL_SORTS_COUNTS)
		return tracectl_count_attach();
	return tracectl_hooks_attach(hooks, ARRAY_SIZE(hooks));
}

void tracectl_syscalls_detach(void)
{
	if (tracectl_sorting & TRACECTL_SORTS_COUNTS)
		tracectl_count_detach();
	else
		tracectl_hooks_detach(hooks, ARRAY_SIZE(hooks));
}
