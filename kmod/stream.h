/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TRACECTL_STREAM_H
#define _TRACECTL_STREAM_H

#include <linux/bitops.h>
#include <linux/limits.h>
#include <linux/percpu.h>
#include <linux/sched.h>

#include "clock.h"
#include "counters.h"
#include "filter.h"
#include "gate.h"
#include "uapi/tracectl.h"

struct rchan;
struct rchan_buf;
struct tracectl_session;

/* Within it the low 32 bits of a time are enough. */
#define TRACECTL_EPOCH_NS (1ull << 31)

/*
 * No record is longer, its string apart: an ENTRY with its number escaped, and
 * half a granule that its last argument, stored as 8 bytes, may spill into.
 */
#define TRACECTL_FIXED_MAX (8 + 7 * 8 + 4)

/* tracectl_cpu.entry_switches of no call */
#define TRACECTL_NO_CALL ULONG_MAX

/* How the ENTRY of a system call looks. */
struct tracectl_layout {
	u64 head; /* but for the time */
	u8 bytes;
	u8 args;
	u8 offset[6]; /* of each argument in the record */
};

/* What one CPU counted; owned by the session, outlives the tracing. */
struct tracectl_totals {
	u64 filtered;
	u64 self;
	u64 subbufs;
	u64 generated[TRACECTL_KINDS];
	u64 lost[TRACECTL_KINDS];
	u64 lost_by_cause[TRACECTL_LOST_CAUSES];
	struct tracectl_syscall_counts syscalls[TRACECTL_SLOTS];
};

/*
 * The writer of one CPU. Only that CPU writes it, with preemption off; others
 * do so while no probe can run. Sub-buffers are published whole, by relay's
 * barrier, so where it writes is of no interest to a reader.
 */
struct tracectl_cpu {
	struct task_struct *task; /* whose records are being written */
	char *pos;
	char *limit; /* from here on a record is written the slow way; NULL: any */
	unsigned long
		*bitmap; /* the start bitmap, its bit 0 that of address 0 */
	u64 epoch_ns; /* of the last TIME record, or of the sub-buffer */
	struct tracectl_clock clock;
	const struct tracectl_layout *layouts; /* by slot */
	struct tracectl_syscall_counts *counts; /* by slot */
	struct tracectl_entered *entered; /* by tid */

	/* the call that task is in, if its ENTRY is in the open sub-buffer */
	unsigned long entry_switches;
	struct tracectl_syscall_counts *entry_counts;
	struct tracectl_entered *entry;

	u64 filtered; /* goes to totals at the end */
	u64 self; /* of filtered, helpers', but for the skipped thread */
	u64 skips_from; /* filtered, when the skipped thread became that */
	bool skips_self; /* it is a helper's */
	const struct tracectl_withheld_table *withheld;
	struct tracectl_totals *totals;
	struct rchan_buf *buf;
	struct tracectl_session *session;
	char *subbuf; /* NULL: none is open */
	bool task_pending;
};

DECLARE_PER_CPU(struct tracectl_cpu, tracectl_cpus);

/* Where a record goes, and its time. */
struct tracectl_place {
	char *record; /* NULL: there is no room, which has been counted */
	u64 ns;
};

/*
 * Whether the current thread is filtered out for all that this CPU knows; then it
 * is counted. What is not told here is by tracectl_stream_admit().
 */
static __always_inline bool tracectl_stream_skips(void)
{
	if (!tracectl_filter_skips())
		return false;
	this_cpu_inc(tracectl_cpus.filtered);
	return true;
}

/* The first look of a probe of what is told within a call. */
static __always_inline bool tracectl_stream_wants(u32 class)
{
	return tracectl_gate_open(class) && !tracectl_stream_skips();
}

bool tracectl_stream_is_full(const struct tracectl_cpu *pc);
struct tracectl_place tracectl_stream_lose(struct tracectl_cpu *pc,
					   enum tracectl_kind kind,
					   enum tracectl_lost cause, u64 ns);
struct tracectl_place tracectl_stream_make_room(struct tracectl_cpu *pc,
						unsigned int string,
						enum tracectl_kind kind,
						u64 ns);

static __always_inline struct tracectl_cpu *tracectl_stream_admit(u32 class)
{
	struct tracectl_cpu *pc = this_cpu_ptr(&tracectl_cpus);

	if (unlikely(!tracectl_gate_open(class)))
		return NULL;
	if (likely(pc->task == current) || tracectl_filter_admit(pc))
		return pc;
	return NULL;
}

/*
 * What every probe does after a first look at the gate: preemption goes off until
 * tracectl_stream_leave(), and the gate is read again, so that no record is
 * written once the gates are closed and synchronize_rcu() has returned. NULL: the
 * current thread is not to be recorded.
 */
static __always_inline struct tracectl_cpu *tracectl_stream_enter(u32 class)
{
	preempt_disable_notrace();
	return tracectl_stream_admit(class);
}

/*
 * The same for what tells who @task is, which the filter of threads lets through.
 * NULL is about none of them.
 */
static __always_inline struct tracectl_cpu *
tracectl_stream_enter_task(const struct task_struct *task)
{
	struct tracectl_cpu *pc;

	preempt_disable_notrace();
	pc = this_cpu_ptr(&tracectl_cpus);
	if (tracectl_gate_open(TRACECTL_CLASS_TASK) &&
	    tracectl_filter_identify(pc, task))
		return pc;
	return NULL;
}

static __always_inline void tracectl_stream_leave(void)
{
	preempt_enable_notrace();
}

static __always_inline bool
tracectl_stream_has_room(const struct tracectl_cpu *pc,
			 struct tracectl_place place, unsigned int string)
{
	return place.record + string < pc->limit &&
	       place.ns - pc->epoch_ns < TRACECTL_EPOCH_NS;
}

/* A record starts here, says the start bitmap. */
static __always_inline void tracectl_stream_mark(const struct tracectl_cpu *pc,
						 const char *record)
{
	__set_bit((unsigned long)record / TRACECTL_GRANULE, pc->bitmap);
}

/*
 * Room for a record without a string, by the short way only: of the thread that
 * was recorded last, in a sub-buffer that has room, by the CPU's counter (on x86-64
 * without one the time is 0, and before any epoch). It calls nothing there, so that
 * the caller need not save a register. False: there is the long way,
 * tracectl_stream_admit() and what follows.
 */
static __always_inline bool tracectl_stream_try(struct tracectl_cpu *pc,
						u32 class,
						struct tracectl_place *place)
{
	if (unlikely(!tracectl_gate_open(class) || pc->task != current))
		return false;
	place->record = pc->pos;
	place->ns = tracectl_clock_count(&pc->clock);
	return likely(tracectl_stream_has_room(pc, *place, 0));
}

/*
 * Room for a record that ends with @string bytes of text. The start bitmap has
 * it already; tracectl_stream_commit() must follow.
 */
static __always_inline struct tracectl_place
tracectl_stream_begin(struct tracectl_cpu *pc, unsigned int string,
		      enum tracectl_kind kind)
{
	struct tracectl_place place = {
		.record = pc->pos,
		.ns = tracectl_clock_read(&pc->clock),
	};

	if (unlikely(!tracectl_stream_has_room(pc, place, string)))
		return tracectl_stream_make_room(pc, string, kind, place.ns);
	tracectl_stream_mark(pc, place.record);
	return place;
}

static __always_inline void tracectl_stream_commit(struct tracectl_cpu *pc,
						   char *end)
{
	pc->pos = end;
}

/* The header of a record, without its time, as one granule. */
#define TRACECTL_HEAD(kind, id, granules) \
	((u64)(id) << 32 | (u64)(kind) << 48 | (u64)(granules) << 56)

static __always_inline void tracectl_record_head(struct tracectl_place place,
						 u64 head)
{
	*(u64 *)place.record = (u32)place.ns | head;
}

int tracectl_stream_open(struct tracectl_session *session);
void tracectl_stream_close(struct tracectl_session *session);
void tracectl_stream_begin_session(struct tracectl_session *session);
void tracectl_stream_end_session(struct tracectl_session *session);
void tracectl_stream_forget_calls(struct tracectl_session *session);
int tracectl_stream_flush(struct tracectl_session *session, unsigned int cpu);
u64 tracectl_stream_filtered(const struct tracectl_session *session,
			     unsigned int cpu);
u64 tracectl_stream_self(const struct tracectl_session *session,
			 unsigned int cpu);
u64 tracectl_totals_generated(const struct tracectl_totals *totals);

#endif
