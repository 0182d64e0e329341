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

#include "drop.h"
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

	if (!tracectl_wants(TRACECTL_CLASS_PATH))
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

/* TRACECTL_SYMLINK_FUNCTIONS: a text, which is never walked. */
static void notrace trace_target(unsigned long ip, unsigned long parent_ip,
				 struct ftrace_ops *ops,
				 struct ftrace_regs *fregs)
{
	const char *text;

	if (!tracectl_wants(TRACECTL_CLASS_PATH) || current->flags & PF_KTHREAD)
		return;
	text = tracectl_symlink_text((void *)ftrace_regs_get_argument(
		fregs, TRACECTL_SYMLINK_ARGUMENT));
	if (text)
		tracectl_name_record(TRACECTL_CLASS_PATH, TRACECTL_SITE_TARGET,
				     AT_FDCWD, text);
}

static struct tracectl_entry entries[] = {
	{ .ops = { .func = trace_lookup, .flags = TRACECTL_ENTRY_FLAGS },
	  .functions = { "filename_lookup" } },
	/* 5.10 has no function below it. */
	{ .ops = { .func = trace_parent, .flags = TRACECTL_ENTRY_FLAGS },
	  .functions = { "__filename_parentat", "filename_parentat" } },
	{ .ops = { .func = trace_target, .flags = TRACECTL_ENTRY_FLAGS },
	  .functions = { TRACECTL_SYMLINK_FUNCTIONS },
	  .is_optional = true },
};

int tracectl_path_attach(void)
{
	return tracectl_entries_attach(entries, ARRAY_SIZE(entries));
}

void tracectl_path_detach(void)
{
	tracectl_entries_detach(entries, ARRAY_SIZE(entries));
}
