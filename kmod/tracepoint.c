// SPDX-License-Identifier: GPL-2.0
/* Tracepoints by name: the ones needed are not exported as symbols. */
#include <linux/string.h>

#include "tracepoint.h"

static void match(struct tracepoint *tracepoint, void *hook_)
{
	struct tracectl_hook *hook = hook_;

	if (!strcmp(tracepoint->name, hook->name))
		hook->tracepoint = tracepoint;
}

static int attach(struct tracectl_hook *hook)
{
	if (!hook->tracepoint)
		for_each_kernel_tracepoint(match, hook);
	if (!hook->tracepoint)
		return -ENOENT;
	return tracepoint_probe_register_prio(
		hook->tracepoint, hook->probe, NULL,
		TRACEPOINT_DEFAULT_PRIO + hook->priority);
}

int tracectl_hooks_attach(struct tracectl_hook *hooks, int count)
{
	int i, err;

	for (i = 0; i < count; i++) {
		err = attach(&hooks[i]);
		if (err) {
			tracectl_hooks_detach(hooks, i);
			return err;
		}
	}
	return 0;
}

/* The caller synchronizes. */
void tracectl_hooks_detach(struct tracectl_hook *hooks, int count)
{
	while (count--)
		tracepoint_probe_unregister(hooks[count].tracepoint,
					    hooks[count].probe, NULL);
}
