/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TRACECTL_ENTRY_H
#define _TRACECTL_ENTRY_H

#include <linux/ftrace.h>

/* How a tracectl_entry_attach() wants its @ops; .func is the probe. */
#define TRACECTL_ENTRY_FLAGS (FTRACE_OPS_FL_PERMANENT | FTRACE_OPS_FL_ARGUMENTS)

/* A probe of a family that is attached as a whole. */
struct tracectl_entry {
	struct ftrace_ops ops;
	const char *functions[3]; /* ends with NULL */
	bool is_optional; /* not every kernel has one */
	bool is_attached;
};

int tracectl_entry_attach(struct ftrace_ops *ops, const char *const *functions);
void tracectl_entry_detach(struct ftrace_ops *ops);
int tracectl_entries_attach(struct tracectl_entry *entries, int count);
void tracectl_entries_detach(struct tracectl_entry *entries, int count);

#endif
