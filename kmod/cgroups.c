// SPDX-License-Identifier: GPL-2.0
/* Directories of cgroup v2 that are made, and threads that are put into them. */
#include <linux/limits.h>
#include <linux/sched/signal.h>
#include <linux/string.h>

#include "cgroups.h"
#include "filter.h"
#include "stream.h"
#include "redact.h"
#include "tracepoint.h"

/* The directories of v1 count their inodes a hierarchy. */
static bool is_v2(const struct cgroup *cgroup)
{
	return cgroup->root == &cgrp_dfl_root;
}

static void record_cgroup(struct tracectl_cpu *pc, struct cgroup *cgroup,
			  const char *path)
{
	size_t length = strnlen(path, PATH_MAX - 1);
	size_t string = ALIGN(length + 1, TRACECTL_GRANULE);
	struct tracectl_place place;
	const struct tracectl_shown shown = { path, length };
	struct tracectl_cgroup *record;

	place = tracectl_stream_begin(pc, string, TRACECTL_KIND_CGROUP);
	pc->totals->generated[TRACECTL_KIND_CGROUP]++;
	record = (void *)place.record;
	if (!record)
		return;
	tracectl_record_head(place,
			     TRACECTL_HEAD(TRACECTL_KIND_CGROUP, length, 1));
	record->cgroup = cgroup_id(cgroup);
	tracectl_stream_commit(pc, tracectl_put_shown((char *)(record + 1),
						      &shown));
}

/* Of everybody: the thread that will be in it is not there yet. */
static void notrace probe_mkdir(void *data, struct cgroup *cgroup,
				const char *path)
{
	struct tracectl_cpu *pc;

	if (!is_v2(cgroup))
		return;
	pc = tracectl_stream_enter_task(NULL);
	if (pc)
		record_cgroup(pc, cgroup, path);
	tracectl_stream_leave();
}

static void record_attach(struct tracectl_cpu *pc, struct cgroup *cgroup,
			  const struct task_struct *task, bool whole)
{
	struct tracectl_place place;
	struct tracectl_attach *record;

	place = tracectl_stream_begin(pc, 0, TRACECTL_KIND_ATTACH);
	pc->totals->generated[TRACECTL_KIND_ATTACH]++;
	record = (void *)place.record;
	if (!record)
		return;
	tracectl_record_head(place, TRACECTL_HEAD(TRACECTL_KIND_ATTACH, 0, 2));
	record->tid = task->pid;
	record->whole = whole;
	record->cgroup = cgroup_id(cgroup);
	tracectl_stream_commit(pc, (char *)(record + 1));
}

/* The filter may have judged them by where they were. */
static void forget(struct task_struct *task, bool whole)
{
	struct task_struct *thread;

	tracectl_filter_forget(task);
	if (!whole)
		return;
	rcu_read_lock();
	for_each_thread (task, thread)
		tracectl_filter_forget(thread);
	rcu_read_unlock();
}

static void notrace probe_attach(void *data, struct cgroup *cgroup,
				 const char *path, struct task_struct *task,
				 bool whole)
{
	struct tracectl_cpu *pc;

	if (!is_v2(cgroup))
		return;
	pc = tracectl_stream_enter_task(task);
	if (pc)
		record_attach(pc, cgroup, task, whole);
	tracectl_stream_leave();
	forget(task, whole);
}

static struct tracectl_hook hooks[] = {
	{ .name = "cgroup_mkdir", .probe = probe_mkdir },
	{ .name = "cgroup_attach_task", .probe = probe_attach },
};

int tracectl_cgroups_attach(void)
{
	return tracectl_hooks_attach(hooks, ARRAY_SIZE(hooks));
}

void tracectl_cgroups_detach(void)
{
	tracectl_hooks_detach(hooks, ARRAY_SIZE(hooks));
}
