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
	struct tracectl_place place;

	pc->totals->generated[TRACECTL_KIND_OPEN_HOW]++;
	place = tracectl_stream_begin(pc, 0, TRACECTL_KIND_OPEN_HOW);
	record = (void *)place.record;
	if (!record)
		return;
	tracectl_record_head(place,
			     TRACECTL_HEAD(TRACECTL_KIND_OPEN_HOW, 0, 3));
	record->flags = how->flags;
	record->mode = how->mode;
	record->resolve = how->resolve;
	tracectl_stream_commit(pc, (char *)(record + 1));
}

static __always_inline void on_how(const struct open_how *how)
{
	struct tracectl_cpu *pc;

	if (!tracectl_gate_open(TRACECTL_CLASS_OPEN_HOW))
		return;
	pc = tracectl_stream_enter(TRACECTL_CLASS_OPEN_HOW);
	if (pc)
		record_how(pc, how);
	tracectl_stream_leave();
}

/* do_sys_openat2(int dfd, const char __user *filename, struct open_how *how) */
static void notrace trace_how(unsigned long ip, unsigned long parent_ip,
			      struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
	on_how((void *)ftrace_regs_get_argument(fregs, 2));
}

static int probe_how(struct kprobe *kprobe, struct pt_regs *regs)
{
	on_how((void *)regs_get_kernel_argument(regs, 2));
	return 0;
}
NOKPROBE_SYMBOL(probe_how);

static struct ftrace_ops how_ops = {
	.func = trace_how,
	.flags = FTRACE_OPS_FL_PERMANENT | FTRACE_OPS_FL_ARGUMENTS,
};
static struct kprobe how_kprobe;
static bool how_is_kprobe;

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
 * PERMANENT, so that kernel.ftrace_enabled=0 is refused while it is attached
 * instead of silencing it.
 */
static int attach(struct ftrace_ops *ops)
{
	int err = register_ftrace_function(ops);

	if (err)
		clear_filter(ops);
	return err;
}

static void detach(struct ftrace_ops *ops)
{
	unregister_ftrace_function(ops);
	clear_filter(ops);
}

/*
 * ftrace, which saves a kprobe's look-up and registers: 100 instructions an open.
 * A kprobe where the function is out of ftrace's reach.
 */
int tracectl_open_how_attach(void)
{
	how_is_kprobe = set_filter(&how_ops, "do_sys_openat2");
	if (!how_is_kprobe)
		return attach(&how_ops);
	how_kprobe = (struct kprobe){
		.symbol_name = "do_sys_openat2",
		.pre_handler = probe_how,
	};
	return register_kprobe(&how_kprobe);
}

void tracectl_open_how_detach(void)
{
	if (how_is_kprobe)
		unregister_kprobe(&how_kprobe);
	else
		detach(&how_ops);
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
	struct tracectl_name *record;
	struct tracectl_place place;

	pc->totals->generated[TRACECTL_KIND_NAME]++;
	place = tracectl_stream_begin(pc, ALIGN(length + 1, TRACECTL_GRANULE),
				      TRACECTL_KIND_NAME);
	record = (void *)place.record;
	if (!record)
		return;
	tracectl_record_head(place,
			     TRACECTL_HEAD(TRACECTL_KIND_NAME, length, 1));
	record->dfd = dfd;
	record->source = TRACECTL_SOURCE_KERNEL_COPY;
	record->flags = name_flags();
	record->reserved = 0;
	tracectl_stream_commit(pc, tracectl_put_string((char *)(record + 1),
						       name, length));
}

/* do_file_open(int dfd, struct filename *name, const struct open_flags *op) */
static void notrace trace_name(unsigned long ip, unsigned long parent_ip,
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
	.func = trace_name,
	.flags = FTRACE_OPS_FL_PERMANENT | FTRACE_OPS_FL_ARGUMENTS,
};

int tracectl_open_name_attach(void)
{
	/* do_filp_open() was renamed in 7.0, 541003b576c3 */
	if (set_filter(&name_ops, "do_file_open") &&
	    set_filter(&name_ops, "do_filp_open"))
		return -ENOENT;
	return attach(&name_ops);
}

void tracectl_open_name_detach(void)
{
	detach(&name_ops);
}
