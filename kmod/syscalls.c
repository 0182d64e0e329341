// SPDX-License-Identifier: GPL-2.0
/* Entry and exit of system calls, at the mode change. */
#include <linux/kernel.h>
#include <linux/string.h>

#include "arch.h"
#include "gate.h"
#include "probes.h"
#include "stream.h"
#include "tracepoint.h"

#define HEAD sizeof(struct tracectl_record)
#define NR_MAX (TRACECTL_NR_ESCAPE - 1)

/* A system call as its records and counters name it. */
struct call {
	unsigned int slot;
	u16 id;
};

static noinline struct call classify(long nr)
{
	enum tracectl_abi abi = classify_abi(&nr);
	struct call call = {
		.slot = TRACECTL_SLOTS - 1,
		.id = TRACECTL_NR_ESCAPE | abi << TRACECTL_NR_BITS,
	};

	if (nr >= 0 && nr <= NR_MAX)
		call.id = nr | abi << TRACECTL_NR_BITS;
	if (nr >= 0 && nr < TRACECTL_SHAPES)
		call.slot = abi * TRACECTL_SHAPES + nr;
	return call;
}

static __always_inline struct call call_of(long nr)
{
	if (likely(is_native(nr)))
		return (struct call){ .slot = nr, .id = nr };
	return classify(nr);
}

/*
 * Grows when the thread is switched out, and only then. Equal at the entry and
 * at the exit: the thread never left this CPU.
 */
static __always_inline unsigned long switches(void)
{
	return current->nvcsw + current->nivcsw;
}

static __always_inline void put_argument(char *to, u64 value)
{
	memcpy(to, &value, sizeof(value)); /* aligned to 4 only */
}

/*
 * In order, each as 8 bytes at its offset: the next one overwrites the upper
 * half of a 4-byte one.
 */
static __always_inline void put_native(char *payload,
				       const struct tracectl_layout *layout,
				       struct pt_regs *regs)
{
	int i;

#pragma GCC unroll 6
	for (i = 0; i < 6; i++) {
		if (i == layout->args)
			break;
		put_argument(payload + layout->offset[i], argument(regs, i));
	}
}

static noinline void put_other(char *payload,
			       const struct tracectl_layout *layout,
			       struct pt_regs *regs)
{
	unsigned long args[6];
	int i;

	syscall_get_arguments(current, regs, args);
	for (i = 0; i < layout->args; i++)
		put_argument(payload + layout->offset[i], args[i]);
}

static const struct tracectl_layout escape_layout = {
	.args = 6,
	.granules = 7,
	.offset = { 8, 16, 24, 32, 40, 48 },
};

static __always_inline void record_entry(struct tracectl_cpu *pc,
					 struct pt_regs *regs, long nr)
{
	struct call call = call_of(nr);
	const struct tracectl_layout *layout = &pc->layouts[call.slot];
	unsigned int bytes;
	char *record;
	u64 now;

	if (unlikely((call.id & TRACECTL_NR_ESCAPE) == TRACECTL_NR_ESCAPE))
		layout = &escape_layout;
	bytes = HEAD + layout->granules * TRACECTL_GRANULE;

	pc->totals->syscalls[call.slot].entries++;
	record = tracectl_stream_begin(pc, bytes, TRACECTL_KIND_ENTRY, &now);
	pc->entry_tid = current->pid;
	pc->entry_switches = switches();
	pc->entry_ns = now;
	if (unlikely(!record)) {
		pc->totals->syscalls[call.slot].entries_lost++;
		return;
	}
	*(u64 *)record = tracectl_record_head(now, call.id, TRACECTL_KIND_ENTRY,
					      layout->granules);
	if (likely(call.slot < TRACECTL_SHAPES)) {
		put_native(record + HEAD, layout, regs);
	} else {
		if (layout == &escape_layout)
			*(u64 *)(record + HEAD) = nr;
		put_other(record + HEAD, layout, regs);
	}
	tracectl_stream_commit(pc, bytes);
}

/* Not inline: a closed gate shall not pay for this one's prologue. */
static noinline notrace void on_entry(struct pt_regs *regs, long nr)
{
	struct tracectl_cpu *pc = tracectl_stream_enter(TRACECTL_CLASS_SYSCALL);

	if (pc)
		record_entry(pc, regs, nr);
	tracectl_stream_leave();
}

static void notrace probe_entry(void *data, struct pt_regs *regs, long nr)
{
	if (tracectl_gate_open(TRACECTL_CLASS_SYSCALL))
		on_entry(regs, nr);
}

static __always_inline bool knows_duration(struct tracectl_cpu *pc, u64 now)
{
	return pc->entry_tid == current->pid &&
	       pc->entry_switches == switches() &&
	       now - pc->entry_ns <= U32_MAX;
}

static __always_inline void record_exit(struct tracectl_cpu *pc,
					struct pt_regs *regs, long result)
{
	struct call call = call_of(syscall_get_nr(current, regs));
	enum tracectl_kind kind = TRACECTL_KIND_EXIT_WIDE;
	u64 now, value = result;
	u64 *record;

	pc->totals->syscalls[call.slot].exits++;
	record = tracectl_stream_begin(pc, sizeof(struct tracectl_exit),
				       TRACECTL_KIND_EXIT, &now);
	if (unlikely(!record)) {
		pc->totals->syscalls[call.slot].exits_lost++;
	} else {
		if (likely(knows_duration(pc, now) && result == (s32)result)) {
			kind = TRACECTL_KIND_EXIT;
			value = (u32)result | (now - pc->entry_ns) << 32;
		}
		record[0] = tracectl_record_head(now, call.id, kind, 1);
		record[1] = value;
		tracectl_stream_commit(pc, sizeof(struct tracectl_exit));
	}
	pc->entry_tid = 0;
}

/* Not inline: a closed gate shall not pay for this one's prologue. */
static noinline notrace void on_exit(struct pt_regs *regs, long result)
{
	struct tracectl_cpu *pc = tracectl_stream_enter(TRACECTL_CLASS_SYSCALL);

	if (pc)
		record_exit(pc, regs, result);
	tracectl_stream_leave();
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
