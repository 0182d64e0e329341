/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TRACECTL_CGROUPS_H
#define _TRACECTL_CGROUPS_H

#include <linux/cgroup.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

/* The inode of the directory of cgroup v2 that @task is in. */
static inline u64 tracectl_cgroup_of(struct task_struct *task)
{
	u64 id;

	rcu_read_lock();
	id = cgroup_id(task_dfl_cgroup(task));
	rcu_read_unlock();
	return id;
}

int tracectl_cgroups_attach(void);
void tracectl_cgroups_detach(void);

#endif
