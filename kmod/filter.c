// SPDX-License-Identifier: GPL-2.0
/* Which threads are recorded, and which of their calls. */
#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/pid.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/threads.h>
#include <linux/vmalloc.h>

#include "filter.h"
#include "session.h"
#include "stream.h"

DEFINE_PER_CPU(struct task_struct *, tracectl_skipped);

DEFINE_STATIC_KEY_FALSE(tracectl_filters_calls);
DECLARE_BITMAP(tracectl_unwanted, TRACECTL_SLOTS);
u64 __percpu *tracectl_filtered;

int tracectl_filter_init(struct tracectl_selection *selection, pid_t target)
{
	selection->owner_tgid = current->tgid;
	selection->filtered =
		__alloc_percpu(TRACECTL_SLOTS * sizeof(u64), sizeof(u64));
	selection->terms = kzalloc(sizeof(*selection->terms), GFP_KERNEL);
	if (!selection->filtered || !selection->terms)
		return -ENOMEM;
	if (!target)
		return 0;
	selection->followed =
		vzalloc(BITS_TO_LONGS(PID_MAX_LIMIT) * sizeof(long));
	return selection->followed ? 0 : -ENOMEM;
}

void tracectl_filter_destroy(struct tracectl_selection *selection)
{
	vfree(selection->followed);
	free_percpu(selection->filtered);
	kfree(selection->terms);
}

static int check(const struct tracectl_filter *terms)
{
	const u32 known = TRACECTL_FILTER_UID | TRACECTL_FILTER_COMM |
			  TRACECTL_FILTER_CGROUP | TRACECTL_FILTER_CALLS;
	int i;

	if (terms->flags & ~known ||
	    strnlen(terms->comm, sizeof(terms->comm)) == sizeof(terms->comm))
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(terms->reserved); i++)
		if (terms->reserved[i])
			return -EINVAL;
	return 0;
}

/* Sets the terms of a session that is not tracing yet, or is by then. */
int tracectl_filter_set(struct tracectl_selection *selection,
			const struct tracectl_filter *terms)
{
	struct tracectl_filter *old = selection->terms, *new;
	int err = check(terms);

	if (err)
		return err;
	new = kmemdup(terms, sizeof(*terms), GFP_KERNEL);
	if (!new)
		return -ENOMEM;
	smp_store_release(&selection->terms, new);
	/* Nobody judges a thread by the old ones any more. */
	synchronize_rcu();
	kfree(old);
	return 0;
}

/* The calls among @terms, for the probes of the session. */
static void set_calls(const struct tracectl_filter *terms)
{
	unsigned int slot;

	if (!(terms->flags & TRACECTL_FILTER_CALLS)) {
		static_branch_disable(&tracectl_filters_calls);
		return;
	}
	for (slot = 0; slot < TRACECTL_SLOTS - 1; slot++) {
		if (terms->calls[slot / 64] & BIT_ULL(slot % 64))
			clear_bit(slot, tracectl_unwanted);
		else
			set_bit(slot, tracectl_unwanted);
	}
	static_branch_enable(&tracectl_filters_calls);
}

/*
 * What CPUs remember was judged by other terms. The CPU itself may write it at the
 * same time, but by the new terms, and is asked once more then.
 */
static void forget_all(void)
{
	int cpu;

	for_each_possible_cpu (cpu) {
		WRITE_ONCE(per_cpu(tracectl_skipped, cpu), NULL);
		WRITE_ONCE(per_cpu(tracectl_cpus, cpu).task, NULL);
	}
}

/* Before the first probe, and after each change of the terms. */
void tracectl_filter_begin_session(struct tracectl_selection *selection)
{
	tracectl_filtered = selection->filtered;
	set_calls(selection->terms);
	forget_all();
}

/* No probe runs any more. */
void tracectl_filter_end_session(void)
{
	static_branch_disable(&tracectl_filters_calls);
}

/*
 * Follows the threads that @target, a process of the caller's pid namespace,
 * has. The fork probe is attached: a thread that starts meanwhile is taken in by
 * it if its parent already was, else by the second round.
 */
int tracectl_filter_follow(struct tracectl_selection *selection, pid_t target)
{
	struct task_struct *task, *thread;
	int round, err = -ESRCH;

	for (round = 0; round < 2; round++) {
		rcu_read_lock();
		task = pid_task(find_vpid(target), PIDTYPE_TGID);
		if (task) {
			for_each_thread (task, thread)
				set_bit(thread->pid, selection->followed);
			err = 0;
		}
		rcu_read_unlock();
	}
	return err;
}

static bool is_below(struct task_struct *task, u64 cgroup)
{
	struct cgroup *at;
	bool found = false;

	rcu_read_lock();
	for (at = task_dfl_cgroup(task); at && !found; at = cgroup_parent(at))
		found = cgroup_id(at) == cgroup;
	rcu_read_unlock();
	return found;
}

static bool is_wanted(const struct tracectl_selection *selection,
		      struct task_struct *task)
{
	const struct tracectl_filter *terms =
		smp_load_acquire(&selection->terms);

	if (selection->followed ? !test_bit(task->pid, selection->followed)
				: task->tgid == selection->owner_tgid)
		return false;
	if (likely(!(terms->flags & ~TRACECTL_FILTER_CALLS)))
		return true;
	if (terms->flags & TRACECTL_FILTER_UID &&
	    __kuid_val(task_uid(task)) != terms->uid)
		return false;
	if (terms->flags & TRACECTL_FILTER_COMM &&
	    strncmp(task->comm, terms->comm, sizeof(terms->comm)))
		return false;
	return !(terms->flags & TRACECTL_FILTER_CGROUP) ||
	       is_below(task, terms->cgroup);
}

static void admit(struct tracectl_cpu *pc)
{
	pc->task = current;
	pc->task_pending = true;
	pc->limit = NULL;
	pc->entry_switches = TRACECTL_NO_CALL;
}

/*
 * The thread is not the one this CPU recorded last. The answer is kept in the
 * CPU's task or in tracectl_skipped, so that the common case is one comparison.
 */
noinline bool tracectl_filter_admit(struct tracectl_cpu *pc)
{
	if (!is_wanted(&pc->session->selection, current)) {
		raw_cpu_write(tracectl_skipped, current);
		pc->filtered++;
		return false;
	}
	admit(pc);
	return true;
}

/* What tells who @task is; NULL: about none, of all of them. */
bool tracectl_filter_identify(struct tracectl_cpu *pc,
			      const struct task_struct *task)
{
	const struct tracectl_selection *selection = &pc->session->selection;

	if (pc->task == current)
		return true;
	if (selection->followed && task &&
	    !test_bit(task->pid, selection->followed)) {
		pc->filtered++;
		return false;
	}
	admit(pc);
	/* This one record of it; the next is judged anew. */
	if (!is_wanted(selection, current))
		pc->task = NULL;
	return true;
}

/* The current thread makes room for @next. */
bool tracectl_filter_switch(struct tracectl_cpu *pc, struct task_struct *next)
{
	const struct tracectl_selection *selection = &pc->session->selection;
	bool wanted;

	if (pc->task == current)
		return true;
	wanted = is_wanted(selection, current);
	if (!wanted && !is_wanted(selection, next)) {
		pc->filtered++;
		return false;
	}
	admit(pc);
	if (!wanted)
		pc->task = NULL;
	return true;
}

/* Of the session whose probe is running; every CPU names the same one. */
static unsigned long *followed_tids(void)
{
	return raw_cpu_read(tracectl_cpus.session)->selection.followed;
}

static void forget_one(struct task_struct **remembered,
		       struct task_struct *task)
{
	if (READ_ONCE(*remembered) == task)
		cmpxchg(remembered, task, NULL);
}

/* What CPUs remember of @task is not true any more. */
void tracectl_filter_forget(struct task_struct *task)
{
	int cpu;

	for_each_possible_cpu (cpu) {
		forget_one(&per_cpu(tracectl_cpus, cpu).task, task);
		forget_one(&per_cpu(tracectl_skipped, cpu), task);
	}
}

/* @child is about to run, perhaps where another thread's task_struct was. */
void tracectl_filter_fork(struct task_struct *parent, struct task_struct *child)
{
	unsigned long *followed = followed_tids();

	tracectl_filter_forget(child);
	if (followed && test_bit(parent->pid, followed))
		set_bit(child->pid, followed);
}

/*
 * @task has another name now. In a thread other than the leader it takes the
 * leader's tid, too.
 */
void tracectl_filter_exec(struct task_struct *task, pid_t from)
{
	unsigned long *followed = followed_tids();

	if (followed && task->pid != from && test_and_clear_bit(from, followed))
		set_bit(task->pid, followed);
	tracectl_filter_forget(task);
}

void tracectl_filter_exit(pid_t tid)
{
	unsigned long *followed = followed_tids();

	if (followed)
		clear_bit(tid, followed);
}
