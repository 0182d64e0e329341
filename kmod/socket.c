// SPDX-License-Identifier: GPL-2.0
/* Addresses of sockets: the kernel's copies, before a call uses them or hands them out. */
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/socket.h>

#include "divergence.h"
#include "drop.h"
#include "entry.h"
#include "probes.h"
#include "redact.h"
#include "stream.h"

static __always_inline void put_address(struct tracectl_cpu *pc,
					enum tracectl_address_site site,
					const void *address, size_t length)
{
	struct tracectl_shown shown = tracectl_show_address(address, length);
	struct tracectl_address *record;
	struct tracectl_place place;
	size_t string;

	length = tracectl_shown_length(&shown);
	string = ALIGN(length + 1, TRACECTL_GRANULE);

	place = tracectl_stream_begin(pc, string, TRACECTL_KIND_ADDRESS);
	pc->totals->generated[TRACECTL_KIND_ADDRESS]++;
	record = (void *)place.record;
	if (!record)
		return;
	tracectl_record_head(place,
			     TRACECTL_HEAD(TRACECTL_KIND_ADDRESS, length, 1));
	record->site = site;
	record->flags =
		current->flags & PF_IO_WORKER ? TRACECTL_NAME_IO_WORKER : 0;
	record->reserved0 = 0;
	record->reserved1 = 0;
	if (shown.is_redacted)
		record->flags |= TRACECTL_NAME_REDACTED;
	tracectl_stream_commit(pc, tracectl_put_shown((char *)(record + 1),
						      &shown));
}

/* A kernel thread's sockets are the kernel's own. */
static noinline notrace void on_address(enum tracectl_address_site site,
					const void *address, int length)
{
	struct tracectl_cpu *pc;
	size_t bytes = min_t(size_t, length, TRACECTL_ADDRESS_BYTES);

	if (!address || length <= 0 || current->flags & PF_KTHREAD)
		return;
	pc = tracectl_stream_enter(TRACECTL_CLASS_SOCKET);
	if (pc)
		put_address(pc, site, address, bytes);
	tracectl_stream_leave();
	if (site != TRACECTL_ADDRESS_ANSWER &&
	    static_branch_unlikely(&tracectl_compares_names))
		tracectl_divergence_compare_address(address, bytes);
}

/* security_socket_connect(struct socket *, struct sockaddr *, int length) */
static void notrace trace_connect(unsigned long ip, unsigned long parent_ip,
				  struct ftrace_ops *ops,
				  struct ftrace_regs *fregs)
{
	if (tracectl_wants(TRACECTL_CLASS_SOCKET))
		on_address(TRACECTL_ADDRESS_CONNECT,
			   (void *)ftrace_regs_get_argument(fregs, 1),
			   ftrace_regs_get_argument(fregs, 2));
}

/* security_socket_bind(struct socket *, struct sockaddr *, int length) */
static void notrace trace_bind(unsigned long ip, unsigned long parent_ip,
			       struct ftrace_ops *ops,
			       struct ftrace_regs *fregs)
{
	if (tracectl_wants(TRACECTL_CLASS_SOCKET))
		on_address(TRACECTL_ADDRESS_BIND,
			   (void *)ftrace_regs_get_argument(fregs, 1),
			   ftrace_regs_get_argument(fregs, 2));
}

/* security_socket_sendmsg(struct socket *, struct msghdr *, int size) */
static void notrace trace_send(unsigned long ip, unsigned long parent_ip,
			       struct ftrace_ops *ops,
			       struct ftrace_regs *fregs)
{
	const struct msghdr *message;

	if (!tracectl_wants(TRACECTL_CLASS_SOCKET))
		return;
	message = (void *)ftrace_regs_get_argument(fregs, 1);
	on_address(TRACECTL_ADDRESS_SEND, message->msg_name,
		   message->msg_namelen);
}

/* move_addr_to_user(struct sockaddr_storage *, int length, void __user *, int __user *) */
static void notrace trace_answer(unsigned long ip, unsigned long parent_ip,
				 struct ftrace_ops *ops,
				 struct ftrace_regs *fregs)
{
	if (tracectl_wants(TRACECTL_CLASS_SOCKET))
		on_address(TRACECTL_ADDRESS_ANSWER,
			   (void *)ftrace_regs_get_argument(fregs, 0),
			   ftrace_regs_get_argument(fregs, 1));
}

static struct tracectl_entry entries[] = {
	{ .ops = { .func = trace_connect, .flags = TRACECTL_ENTRY_FLAGS },
	  .functions = { "security_socket_connect" } },
	{ .ops = { .func = trace_bind, .flags = TRACECTL_ENTRY_FLAGS },
	  .functions = { "security_socket_bind" } },
	{ .ops = { .func = trace_send, .flags = TRACECTL_ENTRY_FLAGS },
	  .functions = { "security_socket_sendmsg" } },
	/* Static, so that a compiler may have put it into its callers. */
	{ .ops = { .func = trace_answer, .flags = TRACECTL_ENTRY_FLAGS },
	  .functions = { "move_addr_to_user" },
	  .is_optional = true },
};

int tracectl_socket_attach(void)
{
	return tracectl_entries_attach(entries, ARRAY_SIZE(entries));
}

void tracectl_socket_detach(void)
{
	tracectl_entries_detach(entries, ARRAY_SIZE(entries));
}
