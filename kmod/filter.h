/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TRACECTL_FILTER_H
#define _TRACECTL_FILTER_H

#include <linux/bitmap.h>
#include <linux/jump_label.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/types.h>

#include "uapi/tracectl.h"
#include "withheld.h"

struct tracectl_cpu;

/* Terms that only the end of a call can answer. */
#define TRACECTL_FILTER_ENDS \
	(TRACECTL_FILTER_FAILED | TRACECTL_FILTER_SLOWER | TRACECTL_FILTER_PATH)
/* Of threads; what CPUs remember, and calls that are withheld, hang on them. */
#define TRACECTL_FILTER_THREADS \
	(TRACECTL_FILTER_UID | TRACECTL_FILTER_COMM | TRACECTL_FILTER_CGROUP)

/* Which threads a session records, and which of their calls. */
struct tracectl_selection {
	unsigned long *followed; /* a bit a tid, or NULL for every thread */
	unsigned long *begun; /* the same; once calls are chosen by CPU */
	struct tracectl_filter *terms; /* RCU */
	u64 __percpu *filtered; /* TRACECTL_FILTERED numbers */
	struct tracectl_withheld_table withheld; /* once it is needed */
	u32 epoch; /* counts changes of which threads */
	bool counts_only;
};

int tracectl_filter_init(struct tracectl_selection *selection, pid_t target);
int tracectl_filter_set(struct tracectl_selection *selection,
			const struct tracectl_filter *terms);
int tracectl_filter_follow(struct tracectl_selection *selection, pid_t target);
void tracectl_filter_destroy(struct tracectl_selection *selection);
void tracectl_filter_begin_session(struct tracectl_selection *selection);
void tracectl_filter_end_session(void);

/* The thread that this CPU filtered out last. */
DECLARE_PER_CPU(struct task_struct *, tracectl_skipped);

/*
 * The short way out for a thread that is filtered out. Right on any CPU, so
 * preemption need not be off.
 */
static __always_inline bool tracectl_filter_skips(void)
{
	return raw_cpu_read(tracectl_skipped) == current;
}

/* While calls are not all of them treated alike... */
DECLARE_STATIC_KEY_FALSE(tracectl_sorts);
/* ...but by TRACECTL_FILTER_... of their own terms, and these: */
extern u32 tracectl_sorting;
#define TRACECTL_SORTS_COUNTS (1u << 31) /* they are counted only */
#define TRACECTL_SORTS_WITHHELD (1u << 30) /* there may be withheld ones */

/* Calls are chosen by the CPU that they begin on. */
static __always_inline bool tracectl_filter_is_by_cpu(void)
{
	return static_branch_unlikely(&tracectl_sorts) &&
	       smp_load_acquire(&tracectl_sorting) & TRACECTL_FILTER_CPUS;
}

extern DECLARE_BITMAP(tracectl_unwanted, TRACECTL_SLOTS);
/* The same, or none where an exit is not to be judged by its number alone. */
extern DECLARE_BITMAP(tracectl_unwanted_exits, TRACECTL_SLOTS);

/*
 * Of the session: calls that were filtered out by their own terms, by slot, then those
 * of threads that are, counted as they begin. The rest of the former, their exits and
 * parameters, is one number a CPU: it needs no look where that is.
 */
#define TRACECTL_FILTERED (2 * TRACECTL_SLOTS)
extern u64 __percpu *tracectl_filtered;
DECLARE_PER_CPU(u64, tracectl_filtered_rest);

/* These count on any CPU, with preemption on, too. */
static __always_inline void tracectl_filter_count(unsigned int slot)
{
	this_cpu_inc(tracectl_filtered[slot]);
}

static __always_inline void tracectl_filter_count_skipped(unsigned long slot)
{
	this_cpu_inc(tracectl_filtered[TRACECTL_SLOTS + slot]);
}

void tracectl_filter_count_skipped_other(long nr);

static __always_inline void tracectl_filter_count_rest(void)
{
	this_cpu_inc(tracectl_filtered_rest);
}

/* Also counts a call that is filtered out by its number. */
static __always_inline bool tracectl_filter_drops(unsigned int slot)
{
	if (!test_bit(slot, tracectl_unwanted))
		return false;
	tracectl_filter_count(slot);
	return true;
}

/* The same at its end. */
static __always_inline bool tracectl_filter_drops_exit(unsigned int slot)
{
	if (!test_bit(slot, tracectl_unwanted))
		return false;
	tracectl_filter_count_rest();
	return true;
}

bool tracectl_filter_passes(const struct tracectl_cpu *pc,
			    const struct tracectl_withheld *call, long result,
			    u64 ns);
bool tracectl_filter_has_cpu(const struct tracectl_selection *selection,
			     unsigned int cpu);
void tracectl_filter_forget_calls(struct tracectl_selection *selection);
void tracectl_filter_begin_call(const struct tracectl_cpu *pc);
bool tracectl_filter_end_call(const struct tracectl_cpu *pc);
void tracectl_filter_match(const char *name);
bool tracectl_filter_admit(struct tracectl_cpu *pc);
bool tracectl_filter_identify(struct tracectl_cpu *pc,
			      const struct task_struct *task);
bool tracectl_filter_switch(struct tracectl_cpu *pc, struct task_struct *next);
void tracectl_filter_forget(struct task_struct *task);
void tracectl_filter_fork(struct task_struct *parent,
			  struct task_struct *child);
void tracectl_filter_exec(struct task_struct *task, pid_t from);
void tracectl_filter_exit(pid_t tid);
void tracectl_filter_forget(struct task_struct *task);
u64 tracectl_filter_self(const struct tracectl_cpu *pc);

#endif
