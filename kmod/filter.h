/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TRACECTL_FILTER_H
#define _TRACECTL_FILTER_H

#include <linux/bitmap.h>
#include <linux/jump_label.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/types.h>

#include "uapi/tracectl.h"

struct tracectl_cpu;

/* Which threads a session records, and which of their calls. */
struct tracectl_selection {
	pid_t owner_tgid; /* the recorder, left out */
	unsigned long *followed; /* a bit a tid, or NULL for every thread */
	struct tracectl_filter *terms; /* RCU */
	u64 __percpu *filtered; /* entries and exits, by slot */
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

/* Calls that are filtered out, by slot; while any are. */
DECLARE_STATIC_KEY_FALSE(tracectl_filters_calls);
extern DECLARE_BITMAP(tracectl_unwanted, TRACECTL_SLOTS);
extern u64 __percpu *tracectl_filtered; /* of the session */

/* Also counts a call that is. On any CPU, too. */
static __always_inline bool tracectl_filter_drops(unsigned int slot)
{
	if (!test_bit(slot, tracectl_unwanted))
		return false;
	this_cpu_inc(tracectl_filtered[slot]);
	return true;
}

bool tracectl_filter_admit(struct tracectl_cpu *pc);
bool tracectl_filter_identify(struct tracectl_cpu *pc,
			      const struct task_struct *task);
bool tracectl_filter_switch(struct tracectl_cpu *pc, struct task_struct *next);
void tracectl_filter_forget(struct task_struct *task);
void tracectl_filter_fork(struct task_struct *parent,
			  struct task_struct *child);
void tracectl_filter_exec(struct task_struct *task, pid_t from);
void tracectl_filter_exit(pid_t tid);

#endif
