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
#include "text.h"

#define NAME_BYTES sizeof(struct tracectl_name)

static __always_inline void put_how(struct tracectl_cpu *pc,
				    const struct open_how *how,
				    struct tracectl_place place)
{
	struct tracectl_open_how *record = (void *)place.record;

	pc->totals->generated[TRACECTL_KIND_OPEN_HOW]++;
	tracectl_record_head(place,
			     TRACECTL_HEAD(TRACECTL_KIND_OPEN_HOW, 0, 3));
	record->flags = how->flags;
	record->mode = how->mode;
	record->resolve = how->resolve;
	tracectl_stream_commit(pc, (char *)(record + 1));
}

static noinline notrace void on_how_slowly(const struct open_how *how)
{
	struct tracectl_cpu *pc =
		tracectl_stream_admit(TRACECTL_CLASS_OPEN_HOW);
	struct tracectl_place place;

	if (pc) {
		place = tracectl_stream_begin(pc, 0, TRACECTL_KIND_OPEN_HOW);
		if (place.record)
			put_how(pc, how, place);
		else
			pc->totals->generated[TRACECTL_KIND_OPEN_HOW]++;
	}
	tracectl_stream_leave();
}

static __always_inline void on_how(const struct open_how *how)
{
	struct tracectl_place place;
	struct tracectl_cpu *pc;

	if (!tracectl_gate_open(TRACECTL_CLASS_OPEN_HOW))
		return;
	preempt_disable_notrace();
	pc = this_cpu_ptr(&tracectl_cpus);
	if (likely(tracectl_stream_try(pc, TRACECTL_CLASS_OPEN_HOW, &place))) {
		tracectl_stream_mark(pc, place.record);
		put_how(pc, how, place);
		tracectl_stream_leave();
	} else {
		on_how_slowly(how);
	}
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

static __always_inline void put_name(struct tracectl_cpu *pc, int dfd,
				     size_t length, struct tracectl_place place)
{
	struct tracectl_name *record = (void *)place.record;

	pc->totals->generated[TRACECTL_KIND_NAME]++;
	tracectl_record_head(place,
			     TRACECTL_HEAD(TRACECTL_KIND_NAME, length, 1));
	record->dfd = dfd;
	record->source = TRACECTL_SOURCE_KERNEL_COPY;
	record->flags = name_flags();
	record->reserved = 0;
}

static noinline notrace void on_name_slowly(int dfd, const char *name)
{
	struct tracectl_cpu *pc =
		tracectl_stream_admit(TRACECTL_CLASS_OPEN_NAME);
	size_t length = strnlen(name, PATH_MAX - 1);
	struct tracectl_place place;

	if (!pc)
		goto leave;
	place = tracectl_stream_begin(pc, ALIGN(length + 1, TRACECTL_GRANULE),
				      TRACECTL_KIND_NAME);
	if (!place.record) {
		pc->totals->generated[TRACECTL_KIND_NAME]++;
		goto leave;
	}
	put_name(pc, dfd, length, place);
	tracectl_stream_commit(pc, tracectl_put_text(place.record + NAME_BYTES,
						     name, length));
leave:
	tracectl_stream_leave();
}

static __always_inline void on_name(int dfd, const char *name)
{
	struct tracectl_place place;
	struct tracectl_cpu *pc;
	size_t length;

	preempt_disable_notrace();
	pc = this_cpu_ptr(&tracectl_cpus);
	if (likely(tracectl_stream_try(pc, TRACECTL_CLASS_OPEN_NAME, &place) &&
		   place.record + PATH_MAX < pc->limit &&
		   IS_ALIGNED((unsigned long)name, TRACECTL_GRANULE))) {
		tracectl_stream_mark(pc, place.record);
		length = tracectl_put_words(place.record + NAME_BYTES, name);
		put_name(pc, dfd, length, place);
		tracectl_stream_commit(pc, place.record + NAME_BYTES +
						   ALIGN(length + 1,
							 TRACECTL_GRANULE));
		tracectl_stream_leave();
	} else {
		on_name_slowly(dfd, name);
	}
}

/* do_file_open(int dfd, struct filename *name, const struct open_flags *op) */
static void notrace trace_name(unsigned long ip, unsigned long parent_ip,
			       struct ftrace_ops *ops,
			       struct ftrace_regs *fregs)
{
	const struct filename *name;

	if (!tracectl_gate_open(TRACECTL_CLASS_OPEN_NAME))
		return;
	name = (void *)ftrace_regs_get_argument(fregs, 1);
	if (!IS_ERR_OR_NULL(name))
		on_name((int)ftrace_regs_get_argument(fregs, 0), name->name);
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
