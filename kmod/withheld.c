// SPDX-License-Identifier: GPL-2.0
/* Calls that are kept back until they end. */
#include <linux/atomic.h>
#include <linux/cpumask.h>
#include <linux/errno.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/vmalloc.h>

#include "filter.h"
#include "stream.h"
#include "withheld.h"

/* More threads than that in calls at once are met nowhere. */
#define PLACES (1u << 16)
/*
 * A thread's call is in the first of so many places that was free, so that one
 * that sits in a call for days costs no other thread its calls.
 */
#define WAYS 8

int tracectl_withheld_init(struct tracectl_withheld_table *table)
{
	if (table->calls)
		return 0;
	table->tids = vzalloc(PLACES * sizeof(*table->tids));
	table->calls = vzalloc(PLACES * sizeof(*table->calls));
	if (table->tids && table->calls)
		return 0;
	tracectl_withheld_destroy(table);
	return -ENOMEM;
}

void tracectl_withheld_destroy(struct tracectl_withheld_table *table)
{
	vfree(table->tids);
	vfree(table->calls);
	*table = (struct tracectl_withheld_table){};
}

static unsigned int place_of(pid_t tid, unsigned int way)
{
	return (tid + way) % PLACES;
}

/*
 * A place for a call of the current thread; NULL when there is none. What it left
 * there of a call whose end was not seen is rejected.
 */
struct tracectl_withheld *tracectl_withheld_claim(struct tracectl_cpu *pc)
{
	const struct tracectl_withheld_table *table = pc->withheld;
	pid_t tid = current->pid, owner;
	unsigned int way, at;

	for (way = 0; way < WAYS; way++) {
		at = place_of(tid, way);
		owner = READ_ONCE(table->tids[at]);
		if (owner == tid)
			tracectl_withheld_reject(pc, &table->calls[at]);
		if (owner == tid || !owner)
			if (!cmpxchg(&table->tids[at], 0, tid))
				return &table->calls[at];
	}
	return NULL;
}

struct tracectl_withheld *tracectl_withheld_find(struct tracectl_cpu *pc,
						 pid_t tid)
{
	const struct tracectl_withheld_table *table = pc->withheld;
	unsigned int way, at;

	for (way = 0; way < WAYS; way++) {
		at = place_of(tid, way);
		if (READ_ONCE(table->tids[at]) == tid)
			return &table->calls[at];
	}
	return NULL;
}

void tracectl_withheld_release(struct tracectl_cpu *pc,
			       struct tracectl_withheld *call)
{
	const struct tracectl_withheld_table *table = pc->withheld;

	smp_store_release(&table->tids[call - table->calls], 0);
}

/* It is filtered out; its end, if that is seen, is for the caller to count. */
void tracectl_withheld_reject(struct tracectl_cpu *pc,
			      struct tracectl_withheld *call)
{
	const struct tracectl_withheld_table *table = pc->withheld;
	pid_t *tid = &table->tids[call - table->calls], owner = READ_ONCE(*tid);
	unsigned int slot = call->slot;

	/* The thread may be ending on another CPU. */
	if (!owner || cmpxchg(tid, owner, 0) != owner)
		return;
	pc->counts[slot].rejected++;
	tracectl_filter_count(slot);
}

/* Those whose end will not be seen: the gates are closed. */
void tracectl_withheld_reject_all(struct tracectl_withheld_table *table)
{
	unsigned int at;

	if (!table->calls)
		return;
	preempt_disable();
	for (at = 0; at < PLACES; at++)
		tracectl_withheld_reject(this_cpu_ptr(&tracectl_cpus),
					 &table->calls[at]);
	preempt_enable();
}

/* An exec gave the thread another tid. */
void tracectl_withheld_rename(struct tracectl_cpu *pc, pid_t from, pid_t to)
{
	struct tracectl_withheld *call = tracectl_withheld_find(pc, from),
				 *moved;

	if (!call)
		return;
	moved = tracectl_withheld_claim(pc);
	if (!moved) {
		tracectl_withheld_reject(pc, call);
		return;
	}
	*moved = *call;
	tracectl_withheld_release(pc, call);
}
