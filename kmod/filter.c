// SPDX-License-Identifier: GPL-2.0
/* Which threads are recorded, and which of their calls. */
#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/pid.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/threads.h>
#include <linux/vmalloc.h>

#include "call.h"
#include "filter.h"
#include "helpers.h"
#include "name.h"
#include "session.h"
#include "stream.h"

DEFINE_PER_CPU(struct task_struct *, tracectl_skipped);

DEFINE_STATIC_KEY_FALSE(tracectl_sorts);
u32 tracectl_sorting;
DECLARE_BITMAP(tracectl_unwanted, TRACECTL_SLOTS);
DECLARE_BITMAP(tracectl_unwanted_exits, TRACECTL_SLOTS);
u64 __percpu *tracectl_filtered;
DEFINE_PER_CPU(u64, tracectl_filtered_rest);

static unsigned long *alloc_tids(void)
{
	return vzalloc(BITS_TO_LONGS(PID_MAX_LIMIT) * sizeof(long));
}

int tracectl_filter_init(struct tracectl_selection *selection, pid_t target)
{
	selection->filtered =
		__alloc_percpu(TRACECTL_FILTERED * sizeof(u64), sizeof(u64));
	selection->terms = kzalloc(sizeof(*selection->terms), GFP_KERNEL);
	if (!selection->filtered || !selection->terms)
		return -ENOMEM;
	if (!target)
		return 0;
	selection->followed = alloc_tids();
	return selection->followed ? 0 : -ENOMEM;
}

void tracectl_filter_destroy(struct tracectl_selection *selection)
{
	vfree(selection->followed);
	vfree(selection->begun);
	free_percpu(selection->filtered);
	tracectl_withheld_destroy(&selection->withheld);
	kfree(selection->terms);
}

static int check(const struct tracectl_filter *terms)
{
	const u32 known = TRACECTL_FILTER_THREADS | TRACECTL_FILTER_CALLS |
			  TRACECTL_FILTER_CPUS | TRACECTL_FILTER_ENDS;
	int i;

	if (terms->flags & ~known ||
	    strnlen(terms->comm, sizeof(terms->comm)) == sizeof(terms->comm) ||
	    strnlen(terms->path, sizeof(terms->path)) == sizeof(terms->path))
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(terms->reserved); i++)
		if (terms->reserved[i])
			return -EINVAL;
	return 0;
}

static bool are_threads_same(const struct tracectl_filter *one,
			     const struct tracectl_filter *other)
{
	return !((one->flags ^ other->flags) & TRACECTL_FILTER_THREADS) &&
	       one->uid == other->uid && one->cgroup == other->cgroup &&
	       !memcmp(one->comm, other->comm, sizeof(one->comm));
}

/* The ends of calls that began are not seen: they are not those of later ones. */
void tracectl_filter_forget_calls(struct tracectl_selection *selection)
{
	if (selection->begun)
		bitmap_zero(selection->begun, PID_MAX_LIMIT);
}

static int watch_cpus(struct tracectl_selection *selection)
{
	if (!selection->begun)
		selection->begun = alloc_tids();
	else if (!(selection->terms->flags & TRACECTL_FILTER_CPUS))
		tracectl_filter_forget_calls(selection);
	return selection->begun ? 0 : -ENOMEM;
}

/* Sets the terms of a session that is not tracing yet, or is by then. */
int tracectl_filter_set(struct tracectl_selection *selection,
			const struct tracectl_filter *terms)
{
	struct tracectl_filter *old = selection->terms, *new;
	int err = check(terms);

	if (!err && terms->flags & TRACECTL_FILTER_ENDS)
		err = tracectl_withheld_init(&selection->withheld);
	if (!err && terms->flags & TRACECTL_FILTER_CPUS)
		err = watch_cpus(selection);
	if (err)
		return err;
	new = kmemdup(terms, sizeof(*terms), GFP_KERNEL);
	if (!new)
		return -ENOMEM;
	if (!are_threads_same(old, new))
		WRITE_ONCE(selection->epoch, selection->epoch + 1);
	smp_store_release(&selection->terms, new);
	/* Nobody judges a thread by the old ones any more. */
	synchronize_rcu();
	kfree(old);
	return 0;
}

static void set_unwanted(const struct tracectl_filter *terms)
{
	bool has_calls = terms->flags & TRACECTL_FILTER_CALLS;
	/* On a CPU where no call begins that is recorded nothing is counted. */
	bool has_exits = !(terms->flags & TRACECTL_FILTER_CPUS);
	unsigned int slot;
	bool unwanted;

	for (slot = 0; slot < TRACECTL_SLOTS - 1; slot++) {
		unwanted = has_calls &&
			   !(terms->calls[slot / 64] & BIT_ULL(slot % 64));
		assign_bit(slot, tracectl_unwanted, unwanted);
		assign_bit(slot, tracectl_unwanted_exits,
			   unwanted && has_exits);
	}
}

/* @nr is of another ABI than the kernel's own, or of no call that there is. */
void tracectl_filter_count_skipped_other(long nr)
{
	tracectl_filter_count_skipped(tracectl_classify(nr).slot);
}

static void look_at_names(bool is_wanted)
{
	static bool is_looking; /* under the session's lock */

	if (is_wanted && !is_looking)
		static_branch_inc(&tracectl_inspects_names);
	else if (!is_wanted && is_looking)
		static_branch_dec(&tracectl_inspects_names);
	is_looking = is_wanted;
}

/* What is done with calls, for the probes of the session. */
static void set_sorting(const struct tracectl_selection *selection)
{
	const struct tracectl_filter *terms = selection->terms;
	u32 sorting = terms->flags & ~TRACECTL_FILTER_THREADS;
	int cpu;

	set_unwanted(terms);
	if (selection->counts_only)
		sorting |= TRACECTL_SORTS_COUNTS;
	if (selection->withheld.calls)
		sorting |= TRACECTL_SORTS_WITHHELD;
	for_each_possible_cpu (cpu)
		WRITE_ONCE(per_cpu(tracectl_cpus, cpu).withheld,
			   &selection->withheld);
	smp_store_release(&tracectl_sorting, sorting);
	if (sorting & ~TRACECTL_SORTS_COUNTS)
		static_branch_enable(&tracectl_sorts);
	else
		static_branch_disable(&tracectl_sorts);
	look_at_names(sorting & (TRACECTL_FILTER_PATH | TRACECTL_FILTER_CALLS));
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
	set_sorting(selection);
	forget_all();
}

/* No probe runs any more. */
void tracectl_filter_end_session(void)
{
	tracectl_sorting = 0;
	static_branch_disable(&tracectl_sorts);
	look_at_names(false);
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

/* A worker of io_uring is no fork: no tracepoint told of it. */
static bool is_followed(const unsigned long *followed,
			const struct task_struct *task)
{
	return test_bit(task->pid, followed) ||
	       (task->flags & PF_IO_WORKER && test_bit(task->tgid, followed));
}

static bool is_wanted(const struct tracectl_selection *selection,
		      struct task_struct *task)
{
	const struct tracectl_filter *terms =
		smp_load_acquire(&selection->terms);

	if (selection->followed ? !is_followed(selection->followed, task)
				: tracectl_is_helper(task->tgid))
		return false;
	if (likely(!(terms->flags & TRACECTL_FILTER_THREADS)))
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
 * What was filtered out of recorders and their helpers. Between two looks at threads
 * it is all of the one that is skipped, so that skipping it costs no more.
 */
u64 tracectl_filter_self(const struct tracectl_cpu *pc)
{
	u64 self = READ_ONCE(pc->self);

	if (READ_ONCE(pc->skips_self))
		self += READ_ONCE(pc->filtered) - READ_ONCE(pc->skips_from);
	return self;
}

/*
 * The thread is not the one this CPU recorded last. The answer is kept in the
 * CPU's task or in tracectl_skipped, so that the common case is one comparison.
 */
noinline bool tracectl_filter_admit(struct tracectl_cpu *pc)
{
	const struct tracectl_selection *selection = &pc->session->selection;

	if (!is_wanted(selection, current)) {
		pc->self = tracectl_filter_self(pc);
		pc->skips_self = tracectl_is_helper(current->tgid);
		pc->skips_from = pc->filtered;
		raw_cpu_write(tracectl_skipped, current);
		pc->filtered++;
		return false;
	}
	admit(pc);
	return true;
}

/* An event that is not of the skipped thread alone. */
static void filter_out(struct tracectl_cpu *pc)
{
	pc->filtered++;
	pc->skips_from++;
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
		filter_out(pc);
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
		filter_out(pc);
		return false;
	}
	admit(pc);
	if (!wanted)
		pc->task = NULL;
	return true;
}

static bool has_failed(const struct tracectl_filter *terms, long result)
{
	unsigned int error = IS_ERR_VALUE(result) ? -result : 0;

	if (!error)
		return false;
	if (error >= TRACECTL_ERRNO_WORDS * 64)
		error = 0;
	return terms->errnos[error / 64] & BIT_ULL(error % 64);
}

/*
 * Whether a call that ends with @result after @ns is one that is wanted. Without a
 * @call, whose entry was not seen, only the result can tell.
 */
bool tracectl_filter_passes(const struct tracectl_cpu *pc,
			    const struct tracectl_withheld *call, long result,
			    u64 ns)
{
	const struct tracectl_selection *selection = &pc->session->selection;
	const struct tracectl_filter *terms =
		smp_load_acquire(&selection->terms);

	/* Filtered out and in again meanwhile: it may be another call's end. */
	if (call && READ_ONCE(selection->epoch) - call->epoch > 1)
		return false;
	if (terms->flags & TRACECTL_FILTER_FAILED && !has_failed(terms, result))
		return false;
	if (terms->flags & TRACECTL_FILTER_SLOWER &&
	    (!call || ns < terms->slower_ns))
		return false;
	return !(terms->flags & TRACECTL_FILTER_PATH) ||
	       (call && call->matches);
}

/* Whether calls are recorded that begin on @cpu. */
bool tracectl_filter_has_cpu(const struct tracectl_selection *selection,
			     unsigned int cpu)
{
	const struct tracectl_filter *terms = selection->terms;

	if (!(terms->flags & TRACECTL_FILTER_CPUS))
		return true;
	return cpu / 64 < TRACECTL_CPU_WORDS &&
	       terms->cpus[cpu / 64] & BIT_ULL(cpu % 64);
}

/*
 * Only a bit a thread tells whether a call that ends has been let in: its place among
 * those entered may be another thread's by then.
 */
void tracectl_filter_begin_call(const struct tracectl_cpu *pc)
{
	set_bit(current->pid, pc->session->selection.begun);
}

/* Whether the call that the current thread leaves was let in when it began. */
bool tracectl_filter_end_call(const struct tracectl_cpu *pc)
{
	return test_and_clear_bit(current->pid, pc->session->selection.begun);
}

/* A path of the call that the current thread is in. Preemption is off. */
void tracectl_filter_match(const char *name)
{
	struct tracectl_cpu *pc = this_cpu_ptr(&tracectl_cpus);
	const struct tracectl_filter *terms =
		smp_load_acquire(&pc->session->selection.terms);
	struct tracectl_withheld *call =
		tracectl_withheld_find(pc, current->pid);

	if (call && !strncmp(name, terms->path, strlen(terms->path)))
		call->matches = true;
}

/* Of the session whose probe is running; every CPU names the same one. */
static struct tracectl_selection *current_selection(void)
{
	return &raw_cpu_read(tracectl_cpus.session)->selection;
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

/* @child is about to run. */
void tracectl_filter_fork(struct task_struct *parent, struct task_struct *child)
{
	unsigned long *followed = current_selection()->followed;

	if (followed && test_bit(parent->pid, followed))
		set_bit(child->pid, followed);
}

static bool has_withheld(void)
{
	return READ_ONCE(tracectl_sorting) & TRACECTL_SORTS_WITHHELD;
}

/* The call that thread @tid is in will not end. */
static void reject_withheld(pid_t tid)
{
	struct tracectl_withheld *call;
	struct tracectl_cpu *pc;

	preempt_disable_notrace();
	pc = this_cpu_ptr(&tracectl_cpus);
	while ((call = tracectl_withheld_find(pc, tid)))
		tracectl_withheld_reject(pc, call);
	preempt_enable_notrace();
}

static void move_tid(unsigned long *tids, pid_t from, pid_t to)
{
	if (tids && from != to && test_and_clear_bit(from, tids))
		set_bit(to, tids);
}

/*
 * @task has another name now. In a thread other than the leader it takes the
 * leader's tid, too.
 */
void tracectl_filter_exec(struct task_struct *task, pid_t from)
{
	const struct tracectl_selection *selection = current_selection();

	move_tid(selection->followed, from, task->pid);
	move_tid(selection->begun, from, task->pid);
	tracectl_filter_forget(task);
	if (task->pid != from && has_withheld()) {
		preempt_disable_notrace();
		tracectl_withheld_rename(this_cpu_ptr(&tracectl_cpus), from,
					 task->pid);
		preempt_enable_notrace();
	}
}

void tracectl_filter_exit(pid_t tid)
{
	const struct tracectl_selection *selection = current_selection();

	if (selection->followed)
		clear_bit(tid, selection->followed);
	if (selection->begun)
		clear_bit(tid, selection->begun);
	if (has_withheld())
		reject_withheld(tid);
}
