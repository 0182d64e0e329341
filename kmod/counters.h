/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TRACECTL_COUNTERS_H
#define _TRACECTL_COUNTERS_H

#include <linux/bitops.h>
#include <linux/err.h>
#include <linux/minmax.h>
#include <linux/sched.h>

#include "uapi/tracectl.h"

/*
 * When a thread entered the call that it is in, by the low bits of its tid. Two
 * threads may share a place; the call that was entered first is not timed then.
 */
struct tracectl_entered {
	u64 ns;
	pid_t tid; /* 0: none */
	u32 counts; /* where calls are counted only: their offset in bytes */
};

#define TRACECTL_ENTERED (1u << 16)

struct tracectl_session;

long tracectl_counters_answer(const struct tracectl_session *session,
			      unsigned int cpu,
			      struct tracectl_counters __user *arg);

/* errno to enum tracectl_errno */
#define TRACECTL_ERRNO_MAX 256
extern const u8 tracectl_errno_class[TRACECTL_ERRNO_MAX];

static __always_inline struct tracectl_entered *
tracectl_entered_of(struct tracectl_entered *entered, pid_t tid)
{
	return &entered[tid % TRACECTL_ENTERED];
}

static __always_inline struct tracectl_entered *
tracectl_count_entry(struct tracectl_syscall_counts *counts,
		     struct tracectl_entered *entered, u64 ns)
{
	pid_t tid = current->pid;

	entered = tracectl_entered_of(entered, tid);
	entered->ns = ns;
	entered->tid = tid;
	counts->entries++;
	return entered;
}

/* @ns: when it ended. A call that is not @is_long takes less than 2^32 ns. */
static __always_inline void
tracectl_count_time(struct tracectl_syscall_counts *counts,
		    struct tracectl_entered *entered, u64 ns, bool is_long)
{
	/* No array for UBSAN to check, whose call would need a stack. */
	u64 *latency = counts->latency;
	unsigned int log;

	ns -= entered->ns;
	entered->tid = 0;
	log = __fls(ns | 1);
	if (is_long)
		log = min_t(unsigned int, log, TRACECTL_LATENCIES - 1);
	/* Cheaper than a bound, and enough for a clock that steps back. */
	log %= TRACECTL_LATENCIES;
	latency[log]++;
	counts->total_ns += ns;
}

/* Not its time. */
static __always_inline void
tracectl_count_exit(struct tracectl_syscall_counts *counts, long result)
{
	u64 *errors = counts->errors;
	const u8 *class_of = tracectl_errno_class;

	counts->exits++;
	/* The kernel's own, ERESTARTSYS and its like, begin with 512. */
	if (unlikely(IS_ERR_VALUE(result)))
		errors[result > -TRACECTL_ERRNO_MAX ? class_of[-result]
						    : TRACECTL_ERRNO_INTR]++;
}

#endif
