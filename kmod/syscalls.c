// SPDX-License-Identifier: GPL-2.0
/* Entry and exit of system calls, at the mode change. */
#include <linux/kernel.h>
#include <linux/string.h>

#include "call.h"
#include "gate.h"
#include "probes.h"
#include "stream.h"
#include "tracepoint.h"

#define HEAD sizeof(struct tracectl_record)

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

static __always_inline void put_argument(char *to, u64 value)
{
	memcpy(to, &value, sizeof(value)); /* aligned to 4 only */
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
		put_argument(record + layout->offset[i], argument(regs, i));
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

/* Whether the call is filtered out, and counted as that. */
static __always_inline bool drops(long nr)
{
	if (!static_branch_unlikely(&tracectl_filters_calls))
		return false;
	return tracectl_filter_drops(
		likely(is_native(nr)) ? nr : tracectl_classify(nr).slot);
}

/* Another ABI than the kernel's own, or a number that no table has. */
static void put_other(struct tracectl_cpu *pc, struct pt_regs *regs, long nr,
		      struct tracectl_call call, struct tracectl_place place)
{
	const struct tracectl_layout *layout = &pc->layouts[call.slot];
	bool escaped = (call.id & TRACECTL_NR_ESCAPE) == TRACECTL_NR_ESCAPE;
	unsigned int shift = escaped ? sizeof(u64) : 0;
	unsigned int bytes = layout->bytes + shift;
	unsigned long args[6];
	int i;

	begin_call(pc, &pc->counts[call.slot], place.ns);
	tracectl_record_head(place,
			     TRACECTL_HEAD(TRACECTL_KIND_ENTRY, call.id,
					   bytes / TRACECTL_GRANULE - 1));
	if (escaped)
		*(u64 *)(place.record + HEAD) = nr;
	syscall_get_arguments(current, regs, args);
	for (i = 0; i < layout->args; i++)
		put_argument(place.record + shift + layout->offset[i], args[i]);
	tracectl_stream_commit(pc, place.record + bytes);
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

static noinline notrace void on_entry_slowly(struct pt_regs *regs, long nr)
{
	struct tracectl_cpu *pc = tracectl_stream_admit(TRACECTL_CLASS_SYSCALL);

	if (pc)
		record_entry(pc, regs, nr);
	tracectl_stream_leave();
}

/* Not inline: a closed gate shall not pay for this one's prologue. */
static noinline notrace void on_entry(struct pt_regs *regs, long nr)
{
	struct tracectl_place place;
	struct tracectl_cpu *pc;

	if (tracectl_stream_skips())
		return;
	if (drops(nr))
		return;
	preempt_disable_notrace();
	pc = this_cpu_ptr(&tracectl_cpus);
	if (likely(tracectl_stream_try(pc, TRACECTL_CLASS_SYSCALL, &place) &&
		   is_native(nr))) {
		tracectl_stream_mark(pc, place.record);
		put_entry(pc, regs, nr, place);
		tracectl_stream_leave();
	} else {
		on_entry_slowly(regs, nr);
	}
}

static void notrace probe_entry(void *data, struct pt_regs *regs, long nr)
{
	if (tracectl_gate_open(TRACECTL_CLASS_SYSCALL))
		on_entry(regs, nr);
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
	tracectl_stream_commit(pc, place.record + HEAD);
}

static void put_exit(struct tracectl_cpu *pc, enum tracectl_kind kind, u16 id,
		     long result, struct tracectl_place place)
{
	tracectl_record_head(place, TRACECTL_HEAD(kind, id, 1));
	*(u64 *)(place.record + HEAD) = result;
	tracectl_stream_commit(pc, place.record + sizeof(struct tracectl_exit));
}

static void record_exit(struct tracectl_cpu *pc, struct pt_regs *regs,
			long result)
{
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

static noinline notrace void on_exit_slowly(struct pt_regs *regs, long result)
{
	struct tracectl_cpu *pc = tracectl_stream_admit(TRACECTL_CLASS_SYSCALL);

	if (pc)
		record_exit(pc, regs, result);
	tracectl_stream_leave();
}

/* Not inline: a closed gate shall not pay for this one's prologue. */
static noinline notrace void on_exit(struct pt_regs *regs, long result)
{
	struct tracectl_place place;
	struct tracectl_cpu *pc;

	if (tracectl_stream_skips())
		return;
	if (drops(syscall_get_nr(current, regs)))
		return;
	preempt_disable_notrace();
	pc = this_cpu_ptr(&tracectl_cpus);
	if (likely(tracectl_stream_try(pc, TRACECTL_CLASS_SYSCALL, &place) &&
		   is_near(pc) && result == (s16)result)) {
		tracectl_stream_mark(pc, place.record);
		put_short_exit(pc, result, place);
		tracectl_stream_leave();
	} else {
		on_exit_slowly(regs, result);
	}
}

static void notrace probe_exit(void *data, struct pt_regs *regs, long result)
{
	if (tracectl_gate_open(TRACECTL_CLASS_SYSCALL))
		on_exit(regs, result);
}

static struct tracectl_hook hooks[] = {
	{ .name = "sys_enter", .probe = probe_entry },
	{ .name = "sys_exit", .probe = probe_exit },
};

int tracectl_syscalls_attach(void)
{
	return tracectl_hooks_attach(hooks, ARRAY_SIZE(hooks));
}

void tracectl_syscalls_detach(void)
{
	tracectl_hooks_detach(hooks, ARRAY_SIZE(hooks));
}
