/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TRACECTL_ENTRY_H
#define _TRACECTL_ENTRY_H

#include <linux/ftrace.h>

/* How a tracectl_entry_attach() wants its @ops; .func is the probe. */
#define TRACECTL_ENTRY_FLAGS (FTRACE_OPS_FL_PERMANENT | FTRACE_OPS_FL_ARGUMENTS)

int tracectl_entry_attach(struct ftrace_ops *ops, const char *const *functions);
void tracectl_entry_detach(struct ftrace_ops *ops);

#endif
