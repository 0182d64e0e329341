// SPDX-License-Identifier: GPL-2.0
/* How errors are classed, and what a CPU has counted. */
#include <linux/errno.h>
#include <linux/percpu.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "counters.h"
#include "session.h"

const u8 tracectl_errno_class[TRACECTL_ERRNO_MAX] = {
	[ENOENT] = TRACECTL_ERRNO_NOENT,
	[ENOTDIR] = TRACECTL_ERRNO_NOENT,
	[EPERM] = TRACECTL_ERRNO_PERM,
	[EACCES] = TRACECTL_ERRNO_PERM,
	[EAGAIN] = TRACECTL_ERRNO_AGAIN,
	[EINPROGRESS] = TRACECTL_ERRNO_AGAIN,
	[EINTR] = TRACECTL_ERRNO_INTR,
	[EBADF] = TRACECTL_ERRNO_BADF,
	[EINVAL] = TRACECTL_ERRNO_INVAL,
	[ENOSYS] = TRACECTL_ERRNO_INVAL,
	[ETIMEDOUT] = TRACECTL_ERRNO_TIMEDOUT,
	[ETIME] = TRACECTL_ERRNO_TIMEDOUT,
};

/* They are counted apart: a call that is filtered out has not its CPU's to itself. */
static int copy_filtered(const struct tracectl_session *session,
			 unsigned int cpu,
			 struct tracectl_syscall_counts __user *counts)
{
	const u64 *filtered = per_cpu_ptr(session->selection.filtered, cpu);
	const u64 *skipped = filtered + TRACECTL_SLOTS;
	int i;

	for (i = 0; i < TRACECTL_SLOTS; i++)
		if ((filtered[i] &&
		     put_user(filtered[i], &counts[i].filtered)) ||
		    (skipped[i] && put_user(skipped[i], &counts[i].skipped)))
			return -EFAULT;
	return 0;
}

/* What @cpu, a possible one, has counted. Answers 0 or an error. */
long tracectl_counters_answer(const struct tracectl_session *session,
			      unsigned int cpu,
			      struct tracectl_counters __user *arg)
{
	const struct tracectl_totals *totals = session->totals[cpu];
	struct tracectl_counters answer = {};
	u64 syscalls;
	int i;

	if (get_user(syscalls, &arg->syscalls))
		return -EFAULT;
	if (copy_to_user(u64_to_user_ptr(syscalls), totals->syscalls,
			 sizeof(totals->syscalls)) ||
	    copy_filtered(session, cpu, u64_to_user_ptr(syscalls)))
		return -EFAULT;
	answer.syscalls = syscalls;
	answer.cpu = cpu;
	answer.filtered = tracectl_stream_filtered(session, cpu);
	answer.self = tracectl_stream_self(session, cpu);
	answer.subbufs = totals->subbufs;
	memcpy(answer.generated, totals->generated, sizeof(answer.generated));
	memcpy(answer.lost, totals->lost, sizeof(answer.lost));
	memcpy(answer.lost_by_cause, totals->lost_by_cause,
	       sizeof(answer.lost_by_cause));
	/* The probes count these by system call only. */
	for (i = 0; i < TRACECTL_SLOTS; i++) {
		answer.generated[TRACECTL_KIND_ENTRY] +=
			totals->syscalls[i].entries;
		answer.generated[TRACECTL_KIND_EXIT] +=
			totals->syscalls[i].exits;
	}
	return copy_to_user(arg, &answer, sizeof(answer)) ? -EFAULT : 0;
}
