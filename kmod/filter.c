// SPDX-License-Identifier: GPL-2.0
/* Which threads are recorded: every one but the recorder's, or a process tree. */
#include <linux/pid.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/threads.h>
#include <linux/vmalloc.h>

#include "filter.h"
#include "session.h"
#include "stream.h"

DEFINE_PER_CPU(struct task_struct *, tracectl_skipped);

int tracectl_filter_init(struct tracectl_filter *filter, pid_t target)
{
	filter->owner_tgid = current->tgid;
	if (!target)
		return 0;
	filter->followed = vzalloc(BITS_TO_LONGS(PID_MAX_LIMIT) * sizeof(long));
	return filter->followed ? 0 : -ENOMEM;
}

void tracectl_filter_destroy(struct tracectl_filter *filter)
{
	vfree(filter->followed);
}

/*
 * Follows the threads that @target, a process of the caller's pid namespace,
 * has. The fork probe is attached: a thread that starts meanwhile is taken in by
 * it if its parent already was, else by the second round.
 */
int tracectl_filter_follow(struct tracectl_filter *filter, pid_t target)
{
	struct task_struct *task, *thread;
	int round, err = -ESRCH;

	for (round = 0; round < 2; round++) {
		rcu_read_lock();
		task = pid_task(find_vpid(target), PIDTYPE_TGID);
		if (task) {
			for_each_thread (task, thread)
				set_bit(thread->pid, filter->followed);
			err = 0;
		}
		rcu_read_unlock();
	}
	return err;
}

/*
 * The thread is not the one this CPU recorded last. The answer is kept in the
 * CPU's task or in tracectl_skipped, so that the common case is one comparison.
 */
noinline bool tracectl_filter_admit(struct tracectl_cpu *pc)
{
	const struct tracectl_filter *filter = &pc->session->filter;

	if (filter->followed ? !test_bit(current->pid, filter->followed)
			     : current->tgid == filter->owner_tgid) {
		raw_cpu_write(tracectl_skipped, current);
		pc->filtered++;
		return false;
	}
	pc->task = current;
	pc->task_pending = true;
	pc->limit = NULL;
	pc->entry_switches = TRACECTL_NO_CALL;
	return true;
}

/* Of the session whose probe is running; every CPU names the same one. */
static unsigned long *followed_tids(void)
{
	return raw_cpu_read(tracectl_cpus.session)->filter.followed;
}

static void forget_one(struct task_struct **remembered,
		       struct task_struct *task)
{
	if (READ_ONCE(*remembered) == task)
		cmpxchg(remembered, task, NULL);
}

/* What CPUs remember of @task is not true any more. */
static void forget(struct task_struct *task)
{
	int cpu;

	for_each_possible_cpu (cpu) {
		forget_one(&per_cpu(tracectl_cpus, cpu).task, task);
		forget_one(&per_cpu(tracectl_skipped, cpu), task);
	}
}

/* No probe runs. */
void tracectl_filter_reset(void)
{
	int cpu;

	for_each_possible_cpu (cpu)
		per_cpu(tracectl_skipped, cpu) = NULL;
}

/* @child is about to run, perhaps where another thread's task_struct was. */
void tracectl_filter_fork(struct task_struct *parent, struct task_struct *child)
{
	unsigned long *followed = followed_tids();

	forget(child);
	if (followed && test_bit(parent->pid, followed))
		set_bit(child->pid, followed);
}

/* exec in a thread other than the leader: the thread takes the leader's tid. */
void tracectl_filter_rename(struct task_struct *task, pid_t from)
{
	unsigned long *followed = followed_tids();

	if (task->pid == from)
		return;
	if (followed && test_and_clear_bit(from, followed))
		set_bit(task->pid, followed);
	forget(task);
}

void tracectl_filter_exit(pid_t tid)
{
	unsigned long *followed = followed_tids();

	if (followed)
		clear_bit(tid, followed);
}
