/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TRACECTL_FILTER_H
#define _TRACECTL_FILTER_H

#include <linux/types.h>

struct tracectl_cpu;

/* Which threads a session records. */
struct tracectl_filter {
	pid_t owner_tgid; /* the recorder, left out */
	unsigned long *followed; /* a bit a tid, or NULL for every thread */
};

int tracectl_filter_init(struct tracectl_filter *filter, pid_t target);
int tracectl_filter_follow(struct tracectl_filter *filter, pid_t target);
void tracectl_filter_destroy(struct tracectl_filter *filter);

bool tracectl_filter_admit(struct tracectl_cpu *pc);
void tracectl_filter_fork(pid_t parent, pid_t child);
void tracectl_filter_rename(pid_t from, pid_t to);
void tracectl_filter_exit(pid_t tid);

#endif
