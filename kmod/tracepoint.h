/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TRACECTL_TRACEPOINT_H
#define _TRACECTL_TRACEPOINT_H

#include <linux/tracepoint.h>

/* A probe on a tracepoint that is not exported; found by name at load. */
struct tracectl_hook {
	const char *name;
	void *probe;
	int priority; /* over that of others; the higher is called first */
	struct tracepoint *tracepoint;
};

int tracectl_hooks_attach(struct tracectl_hook *hooks, int count);
void tracectl_hooks_detach(struct tracectl_hook *hooks, int count);

#endif
