// SPDX-License-Identifier: GPL-2.0
/* Threads that begin, change their image, name or user, and end. */
#include <linux/binfmts.h>
#include <linux/cred.h>
#include <linux/pid_namespace.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "argv.h"
#include "cgroups.h"
#include "entry.h"
#include "filter.h"
#include "probes.h"
#include "stream.h"
#include "redact.h"
#include "tracepoint.h"

static pid_t parent_of(const struct task_struct *task)
{
	pid_t pid;

	rcu_read_lock();
	pid = rcu_dereference(task->real_parent)->tgid;
	rcu_read_unlock();
	return pid;
}

static void record_fork(struct tracectl_cpu *pc, struct task_struct *child)
{
	struct tracectl_place place;
	struct tracectl_fork *record;

	place = tracectl_stream_begin(pc, 0, TRACECTL_KIND_FORK);
	pc->totals->generated[TRACECTL_KIND_FORK]++;
	record = (void *)place.record;
	if (!record)
		return;
	tracectl_record_head(place, TRACECTL_HEAD(TRACECTL_KIND_FORK, 0, 6));
	record->tid = child->pid;
	record->tgid = child->tgid;
	record->uid = __kuid_val(task_uid(child));
	record->inner_tid = task_pid_nr_ns(child, task_active_pid_ns(child));
	record->ppid = parent_of(child);
	record->reserved = 0;
	record->cgroup = tracectl_cgroup_of(child);
	/* It may be the end of a path, of which its parent's EXEC has a hash. */
	if (static_branch_unlikely(&tracectl_redacts))
		memset(record->comm, 0, sizeof(record->comm));
	else
		memcpy(record->comm, child->comm, sizeof(record->comm));
	tracectl_stream_commit(pc, (char *)(record + 1));
}

/* The filter follows processes also while the gate is closed. */
static void notrace probe_fork(void *data, struct task_struct *parent,
			       struct task_struct *child)
{
	struct tracectl_cpu *pc;

	tracectl_filter_fork(parent, child);
	pc = tracectl_stream_enter_task(child);
	if (pc)
		record_fork(pc, child);
	tracectl_stream_leave();
}

static void record_exec(struct tracectl_cpu *pc, pid_t old_tid,
			const char *path)
{
	struct tracectl_shown shown =
		tracectl_show(path, strnlen(path, PATH_MAX - 1));
	size_t length = tracectl_shown_length(&shown);
	size_t string = ALIGN(length + 1, TRACECTL_GRANULE);
	struct tracectl_place place;
	struct tracectl_exec *record;

	place = tracectl_stream_begin(pc, string, TRACECTL_KIND_EXEC);
	pc->totals->generated[TRACECTL_KIND_EXEC]++;
	record = (void *)place.record;
	if (!record)
		return;
	tracectl_record_head(place,
			     TRACECTL_HEAD(TRACECTL_KIND_EXEC, length, 4));
	record->old_tid = old_tid;
	record->uid = __kuid_val(current_uid());
	memcpy(record->comm, current->comm, sizeof(record->comm));
	record->cgroup = tracectl_cgroup_of(current);
	if (shown.is_redacted) {
		/* It is the end of the path. */
		tracectl_put_hash(record->comm, shown.hash);
		record->comm[sizeof(record->comm) - 1] = '\0';
	}
	tracectl_stream_commit(pc, tracectl_put_shown((char *)(record + 1),
						      &shown));
}

static void notrace probe_exec(void *data, struct task_struct *task,
			       pid_t old_tid, struct linux_binprm *bprm)
{
	struct tracectl_cpu *pc;

	tracectl_filter_exec(task, old_tid);
	pc = tracectl_stream_enter_task(task);
	if (pc)
		record_exec(pc, old_tid, bprm->filename);
	tracectl_stream_leave();
	pc = tracectl_stream_enter(TRACECTL_CLASS_ARGV);
	if (pc)
		tracectl_argv_record(pc, bprm);
	tracectl_stream_leave();
}

static void record_exit(struct tracectl_cpu *pc, struct task_struct *task)
{
	struct tracectl_place place;
	struct tracectl_task_exit *record;

	place = tracectl_stream_begin(pc, 0, TRACECTL_KIND_TASK_EXIT);
	pc->totals->generated[TRACECTL_KIND_TASK_EXIT]++;
	record = (void *)place.record;
	if (!record)
		return;
	tracectl_record_head(place,
			     TRACECTL_HEAD(TRACECTL_KIND_TASK_EXIT, 0, 1));
	record->code = task->exit_code;
	record->reserved = 0;
	tracectl_stream_commit(pc, (char *)(record + 1));
}

/* From 7.x on a flag follows, which is not needed: group_dead. */
static void notrace probe_exit(void *data, struct task_struct *task)
{
	struct tracectl_cpu *pc;

	pc = tracectl_stream_enter_task(task);
	if (pc)
		record_exit(pc, task);
	tracectl_stream_leave();
	tracectl_entered_of(raw_cpu_read(tracectl_cpus.entered), task->pid)
		->tid = 0;
	tracectl_filter_exit(task->pid);
}

/* Nor is one of io_uring's workers that takes its task_struct told of by a fork. */
static void notrace probe_free(void *data, struct task_struct *task)
{
	tracectl_filter_forget(task);
}

static void record_rename(struct tracectl_cpu *pc,
			  const struct task_struct *task, const char *comm)
{
	struct tracectl_place place;
	struct tracectl_rename *record;

	place = tracectl_stream_begin(pc, 0, TRACECTL_KIND_RENAME);
	pc->totals->generated[TRACECTL_KIND_RENAME]++;
	record = (void *)place.record;
	if (!record)
		return;
	tracectl_record_head(place, TRACECTL_HEAD(TRACECTL_KIND_RENAME, 0, 3));
	record->tid = task->pid;
	record->reserved = 0;
	/* What is longer is cut off by the kernel, too. */
	memset(record->comm, 0, sizeof(record->comm));
	memcpy(record->comm, comm, strnlen(comm, sizeof(record->comm) - 1));
	tracectl_stream_commit(pc, (char *)(record + 1));
}

/* An exec's name is told by its EXEC. */
static void notrace probe_rename(void *data, struct task_struct *task,
				 const char *comm)
{
	struct tracectl_cpu *pc;

	if (current->in_execve)
		return;
	pc = tracectl_stream_enter_task(task);
	if (pc)
		record_rename(pc, task, comm);
	tracectl_stream_leave();
	tracectl_filter_forget(task);
}

static void record_setuid(struct tracectl_cpu *pc, kuid_t uid)
{
	struct tracectl_place place;
	struct tracectl_setuid *record;

	place = tracectl_stream_begin(pc, 0, TRACECTL_KIND_SETUID);
	pc->totals->generated[TRACECTL_KIND_SETUID]++;
	record = (void *)place.record;
	if (!record)
		return;
	tracectl_record_head(place, TRACECTL_HEAD(TRACECTL_KIND_SETUID, 0, 1));
	record->uid = __kuid_val(uid);
	record->reserved = 0;
	tracectl_stream_commit(pc, (char *)(record + 1));
}

/* commit_creds(struct cred *new) */
static void notrace trace_setuid(unsigned long ip, unsigned long parent_ip,
				 struct ftrace_ops *ops,
				 struct ftrace_regs *fregs)
{
	const struct cred *new = (void *)ftrace_regs_get_argument(fregs, 0);
	struct tracectl_cpu *pc;

	if (current->in_execve || uid_eq(new->uid, current_uid()))
		return;
	pc = tracectl_stream_enter_task(current);
	if (pc)
		record_setuid(pc, new->uid);
	tracectl_stream_leave();
	tracectl_filter_forget(current);
}

static struct tracectl_hook hooks[] = {
	{ .name = "sched_process_fork", .probe = probe_fork },
	{ .name = "sched_process_exec", .probe = probe_exec },
	{ .name = "sched_process_exit", .probe = probe_exit },
	{ .name = "sched_process_free", .probe = probe_free },
	{ .name = "task_rename", .probe = probe_rename },
};

static struct tracectl_entry users = {
	.ops = { .func = trace_setuid, .flags = TRACECTL_ENTRY_FLAGS },
	.functions = { "commit_creds" },
};

int tracectl_tasks_attach(void)
{
	int err = tracectl_hooks_attach(hooks, ARRAY_SIZE(hooks));

	if (err)
		return err;
	err = tracectl_cgroups_attach();
	if (err) {
		tracectl_hooks_detach(hooks, ARRAY_SIZE(hooks));
		return err;
	}
	/* Where ftrace is switched off, a user is known from fork and exec alone. */
	users.is_attached = !tracectl_entry_attach(&users.ops, users.functions);
	return 0;
}

void tracectl_tasks_detach(void)
{
	tracectl_entries_detach(&users, 1);
	tracectl_cgroups_detach();
	tracectl_hooks_detach(hooks, ARRAY_SIZE(hooks));
}
