// SPDX-License-Identifier: GPL-2.0
/* Parameters of opens, from the kernel's own copies. */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/ftrace.h>
#include <linux/kprobes.h>
#include <linux/openat2.h>

#include "drop.h"
#include "entry.h"
#include "name.h"
#include "probes.h"
#include "stream.h"

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

	if (!tracectl_wants(TRACECTL_CLASS_OPEN_HOW))
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
static const char *const how_functions[] = { "do_sys_openat2", NULL };
static struct kprobe how_kprobe;
static bool how_is_kprobe;

/*
 * ftrace, which saves a kprobe's look-up and registers: 100 instructions an open.
 * A kprobe where the function is out of ftrace's reach.
 */
int tracectl_open_how_attach(void)
{
	int err = tracectl_entry_attach(&how_ops, how_functions);

	how_is_kprobe = err == -ENOENT;
	if (!how_is_kprobe)
		return err;
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
		tracectl_entry_detach(&how_ops);
}

/* do_file_open(int dfd, struct filename *name, const struct open_flags *op) */
static void notrace trace_name(unsigned long ip, unsigned long parent_ip,
			       struct ftrace_ops *ops,
			       struct ftrace_regs *fregs)
{
	const struct filename *name;

	if (!tracectl_stream_wants(TRACECTL_CLASS_OPEN_NAME))
		return;
	name = (void *)ftrace_regs_get_argument(fregs, 1);
	if (!IS_ERR_OR_NULL(name))
		tracectl_name_record(TRACECTL_CLASS_OPEN_NAME,
				     TRACECTL_SITE_OPEN,
				     ftrace_regs_get_argument(fregs, 0),
				     name->name);
}

static struct ftrace_ops name_ops = {
	.func = trace_name,
	.flags = FTRACE_OPS_FL_PERMANENT | FTRACE_OPS_FL_ARGUMENTS,
};

/* do_filp_open() was renamed in 7.0, 541003b576c3 */
static const char *const name_functions[] = { "do_file_open", "do_filp_open",
					      NULL };

int tracectl_open_name_attach(void)
{
	return tracectl_entry_attach(&name_ops, name_functions);
}

void tracectl_open_name_detach(void)
{
	tracectl_entry_detach(&name_ops);
}
