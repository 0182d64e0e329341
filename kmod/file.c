// SPDX-License-Identifier: GPL-2.0
/*
 * What is behind a new file descriptor, as /proc/PID/fd would show it: the name of a
 * call does not tell, since links are followed, and many descriptors have no name.
 */
#include <linux/dcache.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "entry.h"
#include "name.h"
#include "probes.h"
#include "redact.h"
#include "stream.h"

/* PATH_MAX bytes, which d_path() fills from the end. */
static char __percpu *buffers;

static __always_inline void put_file(struct tracectl_cpu *pc, int fd,
				     const char *path, u8 flags)
{
	size_t length = strnlen(path, PATH_MAX - 1);
	/* What has no path is called by its kind: pipe:[12]. */
	struct tracectl_shown shown =
		path[0] == '/' ? tracectl_show(path, length)
			       : (struct tracectl_shown){ path, length };
	struct tracectl_file *record;
	struct tracectl_place place;

	length = tracectl_shown_length(&shown);
	if (shown.is_redacted)
		flags |= TRACECTL_NAME_REDACTED;

	place = tracectl_stream_begin(pc, ALIGN(length + 1, TRACECTL_GRANULE),
				      TRACECTL_KIND_FILE);
	pc->totals->generated[TRACECTL_KIND_FILE]++;
	record = (void *)place.record;
	if (!record)
		return;
	tracectl_record_head(place,
			     TRACECTL_HEAD(TRACECTL_KIND_FILE, length, 1));
	record->fd = fd;
	record->flags = flags;
	record->reserved0 = 0;
	record->reserved1 = 0;
	tracectl_stream_commit(pc, tracectl_put_shown((char *)(record + 1),
						      &shown));
}

/* A kernel thread's descriptors are the kernel's own. */
static noinline notrace void on_file(int fd, const struct file *file)
{
	u8 flags = tracectl_name_flags();
	struct tracectl_cpu *pc;
	const char *path;

	if (flags & TRACECTL_NAME_KTHREAD)
		return;
	pc = tracectl_stream_enter(TRACECTL_CLASS_FILE);
	if (pc) {
		path = d_path(&file->f_path, this_cpu_ptr(buffers), PATH_MAX);
		if (IS_ERR(path))
			put_file(pc, fd, "", flags | TRACECTL_NAME_TRUNCATED);
		else
			put_file(pc, fd, path, flags);
	}
	tracectl_stream_leave();
}

/* fd_install(unsigned int fd, struct file *file) */
static void notrace trace_install(unsigned long ip, unsigned long parent_ip,
				  struct ftrace_ops *ops,
				  struct ftrace_regs *fregs)
{
	if (tracectl_gate_open(TRACECTL_CLASS_FILE))
		on_file(ftrace_regs_get_argument(fregs, 0),
			(void *)ftrace_regs_get_argument(fregs, 1));
}

static struct ftrace_ops install_ops = {
	.func = trace_install,
	.flags = TRACECTL_ENTRY_FLAGS,
};
static const char *const install_functions[] = { "fd_install", NULL };

int tracectl_file_attach(void)
{
	int err;

	if (!TRACECTL_CAN_FILE)
		return -EOPNOTSUPP;
	buffers = __alloc_percpu(PATH_MAX, TRACECTL_GRANULE);
	if (!buffers)
		return -ENOMEM;
	err = tracectl_entry_attach(&install_ops, install_functions);
	if (err)
		free_percpu(buffers);
	return err;
}

void tracectl_file_detach(void)
{
	/* It waits for the probes that are running. */
	tracectl_entry_detach(&install_ops);
	free_percpu(buffers);
}
