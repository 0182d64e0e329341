/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TRACECTL_WITHHELD_H
#define _TRACECTL_WITHHELD_H

#include <linux/types.h>

#include "uapi/tracectl.h"

struct tracectl_cpu;

/* A call that is in progress, and told or filtered out only when it ends. */
struct tracectl_withheld {
	u64 ns; /* when it was entered */
	long nr;
	unsigned long args[6];
	u16 id; /* as an ENTRY's */
	u16 slot;
	u32 epoch; /* of the filter */
	bool matches; /* one of its names begins as wanted */
};

/* Those of a session, by the low bits of the tid. */
struct tracectl_withheld_table {
	pid_t *tids; /* 0: the place is free */
	struct tracectl_withheld *calls;
};

int tracectl_withheld_init(struct tracectl_withheld_table *table);
void tracectl_withheld_destroy(struct tracectl_withheld_table *table);
void tracectl_withheld_reject_all(struct tracectl_withheld_table *table);

/* With preemption off, and the table of the session there. */
struct tracectl_withheld *tracectl_withheld_claim(struct tracectl_cpu *pc);
struct tracectl_withheld *tracectl_withheld_find(struct tracectl_cpu *pc,
						 pid_t tid);
void tracectl_withheld_release(struct tracectl_cpu *pc,
			       struct tracectl_withheld *call);
void tracectl_withheld_reject(struct tracectl_cpu *pc,
			      struct tracectl_withheld *call);
void tracectl_withheld_rename(struct tracectl_cpu *pc, pid_t from, pid_t to);

#endif
