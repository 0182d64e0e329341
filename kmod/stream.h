/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TRACECTL_STREAM_H
#define _TRACECTL_STREAM_H

#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/timekeeping.h>

#include "filter.h"
#include "gate.h"
#include "uapi/tracectl.h"

struct rchan;
struct rchan_buf;
struct tracectl_session;

/* A longer gap between two records needs a TIME record. */
#define TRACECTL_GAP_NS (1ull << 31)

/* Where the arguments of a system call go in its ENTRY. */
struct tracectl_layout {
	u8 args;
	u8 granules;
	u8 offset[6];
};

/* What one CPU counted; owned by the session, outlives the tracing. */
struct tracectl_totals {
	u64 filtered;
	u64 subbufs;
	u64 generated[TRACECTL_KINDS];
	u64 lost[TRACECTL_KINDS];
	u64 lost_by_cause[TRACECTL_LOST_CAUSES];
	struct tracectl_syscall_counts syscalls[TRACECTL_SLOTS];
};

/*
 * The writer of one CPU. Only that CPU writes it, with preemption off; others
 * do so while no probe can run. Sub-buffers are published whole, by relay's
 * barrier, so pos and end are of no interest to a reader.
 */
struct tracectl_cpu {
	char *pos;
	char *end; /* NULL sends the next record the slow way */
	u64 last_ns;
	unsigned long *bitmap;
	struct tracectl_totals *totals;
	const struct tracectl_layout *layouts; /* by slot */

	pid_t tid; /* whose records are being written */
	pid_t skip_tid; /* the last one that was filtered out */

	/* the call that this CPU's thread is in */
	pid_t entry_tid;
	unsigned long entry_switches;
	u64 entry_ns;

	struct rchan_buf *buf;
	struct tracectl_session *session;
	char *subbuf; /* NULL: none is open */
	bool task_pending;
};

DECLARE_PER_CPU(struct tracectl_cpu, tracectl_cpus);

void *tracectl_stream_make_room(struct tracectl_cpu *pc, unsigned int bytes,
				enum tracectl_kind kind, u64 *now);

/*
 * What every probe does after a first look at the gate: preemption goes off until
 * tracectl_stream_leave(), and the gate is read again, so that no record is
 * written once the gates are closed and synchronize_rcu() has returned. NULL: the
 * current thread is not to be recorded.
 */
static __always_inline struct tracectl_cpu *tracectl_stream_enter(u32 class)
{
	struct tracectl_cpu *pc;

	preempt_disable_notrace();
	pc = this_cpu_ptr(&tracectl_cpus);
	if (unlikely(!tracectl_gate_open(class)))
		return NULL;
	if (likely(pc->tid == current->pid) || tracectl_filter_admit(pc))
		return pc;
	return NULL;
}

static __always_inline void tracectl_stream_leave(void)
{
	preempt_enable_notrace();
}

/*
 * Room for a record of @bytes, and its time. NULL: it is counted as lost. The
 * start bitmap has it already; tracectl_stream_commit() must follow.
 */
static __always_inline void *tracectl_stream_begin(struct tracectl_cpu *pc,
						   unsigned int bytes,
						   enum tracectl_kind kind,
						   u64 *now)
{
	u64 ns = ktime_get_mono_fast_ns();
	char *pos = pc->pos;

	*now = ns;
	if (unlikely(pos + bytes > pc->end ||
		     ns - pc->last_ns >= TRACECTL_GAP_NS))
		return tracectl_stream_make_room(pc, bytes, kind, now);
	pc->last_ns = ns;
	__set_bit((pos - pc->subbuf) / TRACECTL_GRANULE, pc->bitmap);
	return pos;
}

static __always_inline void tracectl_stream_commit(struct tracectl_cpu *pc,
						   unsigned int bytes)
{
	pc->pos += bytes;
}

/* The header of a record as one granule. */
static __always_inline u64 tracectl_record_head(u64 now, u16 id,
						enum tracectl_kind kind,
						u8 granules)
{
	return (u32)now | (u64)id << 32 | (u64)kind << 48 | (u64)granules << 56;
}

int tracectl_stream_open(struct tracectl_session *session);
void tracectl_stream_close(struct tracectl_session *session);
void tracectl_stream_begin_session(struct tracectl_session *session);
void tracectl_stream_end_session(struct tracectl_session *session);
void tracectl_stream_forget_calls(void);
int tracectl_stream_flush(struct tracectl_session *session, unsigned int cpu);

#endif
