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
 * CPU's tid or skip_tid, so that the common case is one comparison.
 */
noinline bool tracectl_filter_admit(struct tracectl_cpu *pc)
{
	struct tracectl_filter *filter;
	pid_t tid = current->pid;

	if (pc->skip_tid == tid)
		goto skip;
	filter = &pc->session->filter;
	if (filter->followed ? !test_bit(tid, filter->followed)
			     : current->tgid == filter->owner_tgid) {
		pc->skip_tid = tid;
		goto skip;
	}
	pc->tid = tid;
	pc->task_pending = true;
	pc->end = NULL;
	return true;
skip:
	pc->totals->filtered++;
	return false;
}

/* Of the session whose probe is running; every CPU names the same one. */
static unsigned long *followed_tids(void)
{
	return raw_cpu_read(tracectl_cpus.session)->filter.followed;
}

static void forget(pid_t *remembered, pid_t tid)
{
	if (READ_ONCE(*remembered) == tid)
		cmpxchg(remembered, tid, 0);
}

/*
 * @child is about to run. A tid is used again some time after its thread is
 * gone, and what a CPU remembers of the old thread is not true of the new one.
 */
void tracectl_filter_fork(pid_t parent, pid_t child)
{
	unsigned long *followed = followed_tids();
	int cpu;

	for_each_possible_cpu (cpu) {
		struct tracectl_cpu *pc = per_cpu_ptr(&tracectl_cpus, cpu);

		forget(&pc->tid, child);
		forget(&pc->skip_tid, child);
		forget(&pc->entry_tid, child);
	}
	if (followed && test_bit(parent, followed))
		set_bit(child, followed);
}

/* exec in a thread other than the leader: the thread takes the leader's tid. */
void tracectl_filter_rename(pid_t from, pid_t to)
{
	unsigned long *followed = followed_tids();

	if (followed && from != to && test_and_clear_bit(from, followed))
		set_bit(to, followed);
}

void tracectl_filter_exit(pid_t tid)
{
	unsigned long *followed = followed_tids();

	if (followed)
		clear_bit(tid, followed);
}
