// SPDX-License-Identifier: GPL-2.0
/*
 * Test-only: /proc/attached lists the tracepoints that have a probe. The kernel
 * has no such list of its own for probes that modules register.
 */
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/tracepoint.h>

static void print(struct tracepoint *tracepoint, void *seq)
{
	if (rcu_access_pointer(tracepoint->funcs))
		seq_printf(seq, "%s\n", tracepoint->name);
}

static int show(struct seq_file *seq, void *unused)
{
	for_each_kernel_tracepoint(print, seq);
	return 0;
}

static int __init attached_init(void)
{
	return proc_create_single("attached", 0444, NULL, show) ? 0 : -ENOMEM;
}

static void __exit attached_exit(void)
{
	remove_proc_entry("attached", NULL);
}

module_init(attached_init);
module_exit(attached_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("lists tracepoints with probes");
