// SPDX-License-Identifier: GPL-2.0
/*
 * Paths of every call but the opens, where the kernel begins to walk them. Not at
 * putname(), which all of them reach, too: that is after the call's work, which a
 * blocked call has not done, and in 7.2 a struct filename does not tell which
 * argument it was.
 */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/namei.h>
#include <linux/sched.h>

#include "entry.h"
#include "name.h"
#include "probes.h"

/* Kernel threads walk paths of their own, devtmpfs for one. */
static __always_inline bool is_wanted(const struct filename *name)
{
	return !IS_ERR_OR_NULL(name) && !tracectl_is_kernel_name(name) &&
	       !(current->flags & PF_KTHREAD);
}

static __always_inline void on_path(struct ftrace_regs *fregs,
				    enum tracectl_site site)
{
	const struct filename *name;

	if (!tracectl_gate_open(TRACECTL_CLASS_PATH))
		return;
	name = (void *)ftrace_regs_get_argument(fregs, 1);
	/* The walk of a stale handle is the same name's once more. */
	if (is_wanted(name) &&
	    !(ftrace_regs_get_argument(fregs, 2) & LOOKUP_REVAL))
		tracectl_name_record(TRACECTL_CLASS_PATH, site,
				     ftrace_regs_get_argument(fregs, 0),
				     name->name);
}

/* filename_lookup(int dfd, struct filename *name, unsigned flags, ...) */
static void notrace trace_lookup(unsigned long ip, unsigned long parent_ip,
				 struct ftrace_ops *ops,
				 struct ftrace_regs *fregs)
{
	on_path(fregs, TRACECTL_SITE_LOOKUP);
}

/* __filename_parentat(int dfd, struct filename *name, unsigned flags, ...) */
static void notrace trace_parent(unsigned long ip, unsigned long parent_ip,
				 struct ftrace_ops *ops,
				 struct ftrace_regs *fregs)
{
	on_path(fregs, TRACECTL_SITE_PARENT);
}

/* do_symlinkat(struct filename *from, ...): a text, which is never walked. */
static void notrace trace_target(unsigned long ip, unsigned long parent_ip,
				 struct ftrace_ops *ops,
				 struct ftrace_regs *fregs)
{
	const struct filename *name;

	if (!tracectl_gate_open(TRACECTL_CLASS_PATH))
		return;
	name = (void *)ftrace_regs_get_argument(fregs, 0);
	if (is_wanted(name))
		tracectl_name_record(TRACECTL_CLASS_PATH, TRACECTL_SITE_TARGET,
				     AT_FDCWD, name->name);
}

static struct {
	struct ftrace_ops ops;
	const char *functions[3];
	bool is_optional;
	bool is_attached;
} sites[] = {
	{ .ops = { .func = trace_lookup, .flags = TRACECTL_ENTRY_FLAGS },
	  .functions = { "filename_lookup" } },
	/* 5.10 has no function below it. */
	{ .ops = { .func = trace_parent, .flags = TRACECTL_ENTRY_FLAGS },
	  .functions = { "__filename_parentat", "filename_parentat" } },
	{ .ops = { .func = trace_target, .flags = TRACECTL_ENTRY_FLAGS },
	  .functions = { TRACECTL_SYMLINK_FUNCTIONS },
	  .is_optional = true },
};

static void detach(int count)
{
	while (count--)
		if (sites[count].is_attached)
			tracectl_entry_detach(&sites[count].ops);
}

int tracectl_path_attach(void)
{
	int i, err;

	for (i = 0; i < ARRAY_SIZE(sites); i++) {
		err = tracectl_entry_attach(&sites[i].ops, sites[i].functions);
		sites[i].is_attached = !err;
		if (err && !(err == -ENOENT && sites[i].is_optional)) {
			detach(i);
			return err;
		}
	}
	return 0;
}

void tracectl_path_detach(void)
{
	detach(ARRAY_SIZE(sites));
}
