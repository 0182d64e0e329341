// SPDX-License-Identifier: GPL-2.0
/* Parameters of opens, from the kernel's own copies. */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/ftrace.h>
#include <linux/kprobes.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "probes.h"
#include "stream.h"

static void record_how(struct tracectl_cpu *pc, const struct open_how *how)
{
	struct tracectl_open_how *record;
	u64 now;

	pc->totals->generated[TRACECTL_KIND_OPEN_HOW]++;
	record = tracectl_stream_begin(pc, sizeof(*record),
				       TRACECTL_KIND_OPEN_HOW, &now);
	if (!record)
		return;
	*(u64 *)record =
		tracectl_record_head(now, 0, TRACECTL_KIND_OPEN_HOW, 3);
	record->flags = how->flags;
	record->mode = how->mode;
	record->resolve = how->resolve;
	tracectl_stream_commit(pc, sizeof(*record));
}

/* do_sys_openat2(int dfd, const char __user *filename, struct open_how *how) */
static int probe_how(struct kprobe *kprobe, struct pt_regs *regs)
{
	struct tracectl_cpu *pc;

	if (!tracectl_gate_open(TRACECTL_CLASS_OPEN_HOW))
		return 0;
	pc = tracectl_stream_enter(TRACECTL_CLASS_OPEN_HOW);
	if (pc)
		record_how(pc, (void *)regs_get_kernel_argument(regs, 2));
	tracectl_stream_leave();
	return 0;
}
NOKPROBE_SYMBOL(probe_how);

static struct kprobe how_kprobe;

int tracectl_open_how_attach(void)
{
	how_kprobe = (struct kprobe){
		.symbol_name = "do_sys_openat2",
		.pre_handler = probe_how,
	};
	return register_kprobe(&how_kprobe);
}

void tracectl_open_how_detach(void)
{
	unregister_kprobe(&how_kprobe);
}

static u8 name_flags(void)
{
	if (current->flags & PF_IO_WORKER)
		return TRACECTL_NAME_IO_WORKER;
	if (current->flags & PF_KTHREAD)
		return TRACECTL_NAME_KTHREAD;
	return 0;
}

static void record_name(struct tracectl_cpu *pc, int dfd, const char *name)
{
	size_t length = strnlen(name, PATH_MAX - 1);
	size_t string = ALIGN(length + 1, TRACECTL_GRANULE);
	struct tracectl_name *record;
	u64 now;

	pc->totals->generated[TRACECTL_KIND_NAME]++;
	record = tracectl_stream_begin(pc, sizeof(*record) + string,
				       TRACECTL_KIND_NAME, &now);
	if (!record)
		return;
	*(u64 *)record =
		tracectl_record_head(now, length, TRACECTL_KIND_NAME, 1);
	record->dfd = dfd;
	record->source = TRACECTL_SOURCE_KERNEL_COPY;
	record->flags = name_flags();
	record->reserved = 0;
	*(u64 *)((char *)(record + 1) + string - TRACECTL_GRANULE) = 0;
	memcpy(record + 1, name, length);
	tracectl_stream_commit(pc, sizeof(*record) + string);
}

/* do_file_open(int dfd, struct filename *name, const struct open_flags *op) */
static void notrace probe_name(unsigned long ip, unsigned long parent_ip,
			       struct ftrace_ops *ops,
			       struct ftrace_regs *fregs)
{
	const struct filename *name;
	struct tracectl_cpu *pc;

	if (!tracectl_gate_open(TRACECTL_CLASS_OPEN_NAME))
		return;
	name = (void *)ftrace_regs_get_argument(fregs, 1);
	if (IS_ERR_OR_NULL(name))
		return;
	pc = tracectl_stream_enter(TRACECTL_CLASS_OPEN_NAME);
	if (pc)
		record_name(pc, (int)ftrace_regs_get_argument(fregs, 0),
			    name->name);
	tracectl_stream_leave();
}

static struct ftrace_ops name_ops = {
	.func = probe_name,
	.flags = FTRACE_OPS_FL_PERMANENT | FTRACE_OPS_FL_ARGUMENTS,
};

static int set_filter(const char *function)
{
	return ftrace_set_filter(&name_ops, (unsigned char *)function,
				 strlen(function), 1);
}

/* 5.10 does not export ftrace_free_filter(); an empty one holds no memory. */
static void clear_filter(void)
{
	ftrace_set_filter(&name_ops, NULL, 0, 1);
}

int tracectl_open_name_attach(void)
{
	int err;

	/*
	 * ftrace, not a kprobe: 198 instructions an open against 320. PERMANENT,
	 * so that kernel.ftrace_enabled=0 is refused while it is attached instead
	 * of silencing it.
	 */
	/* do_filp_open() was renamed in 7.0, 541003b576c3 */
	if (set_filter("do_file_open") && set_filter("do_filp_open"))
		return -ENOENT;
	err = register_ftrace_function(&name_ops);
	if (err)
		clear_filter();
	return err;
}

void tracectl_open_name_detach(void)
{
	unregister_ftrace_function(&name_ops);
	clear_filter();
}
