// SPDX-License-Identifier: GPL-2.0
/* Threads that begin, change their image and end. */
#include <linux/binfmts.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "argv.h"
#include "probes.h"
#include "filter.h"
#include "stream.h"
#include "redact.h"
#include "tracepoint.h"

static void record_fork(struct tracectl_cpu *pc, struct task_struct *child)
{
	struct tracectl_place place;
	struct tracectl_fork *record;

	place = tracectl_stream_begin(pc, 0, TRACECTL_KIND_FORK);
	pc->totals->generated[TRACECTL_KIND_FORK]++;
	record = (void *)place.record;
	if (!record)
		return;
	tracectl_record_head(place, TRACECTL_HEAD(TRACECTL_KIND_FORK, 0, 1));
	record->tid = child->pid;
	record->tgid = child->tgid;
	tracectl_stream_commit(pc, (char *)(record + 1));
}

/* The filter follows processes also while the gate is closed. */
static void notrace probe_fork(void *data, struct task_struct *parent,
			       struct task_struct *child)
{
	struct tracectl_cpu *pc;

	tracectl_filter_fork(parent, child);
	pc = tracectl_stream_enter(TRACECTL_CLASS_TASK);
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
			     TRACECTL_HEAD(TRACECTL_KIND_EXEC, length, 3));
	record->old_tid = old_tid;
	record->reserved = 0;
	memcpy(record->comm, current->comm, sizeof(record->comm));
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
	pc = tracectl_stream_enter(TRACECTL_CLASS_TASK);
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

	pc = tracectl_stream_enter(TRACECTL_CLASS_TASK);
	if (pc)
		record_exit(pc, task);
	tracectl_stream_leave();
	tracectl_entered_of(raw_cpu_read(tracectl_cpus.entered), task->pid)
		->tid = 0;
	tracectl_filter_exit(task->pid);
}

static struct tracectl_hook hooks[] = {
	{ .name = "sched_process_fork", .probe = probe_fork },
	{ .name = "sched_process_exec", .probe = probe_exec },
	{ .name = "sched_process_exit", .probe = probe_exit },
};

int tracectl_tasks_attach(void)
{
	return tracectl_hooks_attach(hooks, ARRAY_SIZE(hooks));
}

void tracectl_tasks_detach(void)
{
	tracectl_hooks_detach(hooks, ARRAY_SIZE(hooks));
}
