// SPDX-License-Identifier: GPL-2.0
/*
 * Probes at a function's entry, by ftrace: 100 instructions a call less than a
 * kprobe, which looks itself up and saves every register.
 */
#include <linux/errno.h>
#include <linux/string.h>

#include "entry.h"

static int set_filter(struct ftrace_ops *ops, const char *function)
{
	return ftrace_set_filter(ops, (unsigned char *)function,
				 strlen(function), 1);
}

/* 5.10 does not export ftrace_free_filter(); an empty one holds no memory. */
static void clear_filter(struct ftrace_ops *ops)
{
	ftrace_set_filter(ops, NULL, 0, 1);
}

/*
 * At the first of @functions, which ends with NULL, that this kernel has; -ENOENT
 * without any. PERMANENT, so that kernel.ftrace_enabled=0 is refused while it is
 * attached instead of silencing it.
 */
int tracectl_entry_attach(struct ftrace_ops *ops, const char *const *functions)
{
	int err;

	while (*functions && set_filter(ops, *functions))
		functions++;
	if (!*functions)
		return -ENOENT;
	err = register_ftrace_function(ops);
	if (err)
		clear_filter(ops);
	return err;
}

void tracectl_entry_detach(struct ftrace_ops *ops)
{
	unregister_ftrace_function(ops);
	clear_filter(ops);
}

/* 0 or an error, with nothing left attached. */
int tracectl_entries_attach(struct tracectl_entry *entries, int count)
{
	struct tracectl_entry *entry;
	int i, err;

	for (i = 0; i < count; i++) {
		entry = &entries[i];
		err = tracectl_entry_attach(&entry->ops, entry->functions);
		entry->is_attached = !err;
		if (err && !(err == -ENOENT && entry->is_optional)) {
			tracectl_entries_detach(entries, i);
			return err;
		}
	}
	return 0;
}

void tracectl_entries_detach(struct tracectl_entry *entries, int count)
{
	while (count--)
		if (entries[count].is_attached)
			tracectl_entry_detach(&entries[count].ops);
}
