/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TRACECTL_FILTER_H
#define _TRACECTL_FILTER_H

#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/types.h>

struct tracectl_cpu;

/* Which threads a session records. */
struct tracectl_filter {
	pid_t owner_tgid; /* the recorder, left out */
	unsigned long *followed; /* a bit a tid, or NULL for every thread */
};

int tracectl_filter_init(struct tracectl_filter *filter, pid_t target);
int tracectl_filter_follow(struct tracectl_filter *filter, pid_t target);
void tracectl_filter_destroy(struct tracectl_filter *filter);

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

bool tracectl_filter_admit(struct tracectl_cpu *pc);
void tracectl_filter_reset(void);
void tracectl_filter_fork(struct task_struct *parent,
			  struct task_struct *child);
void tracectl_filter_rename(struct task_struct *task, pid_t from);
void tracectl_filter_exit(pid_t tid);

#endif
