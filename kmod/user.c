// SPDX-License-Identifier: GPL-2.0
/*
 * User memory that the arguments of a call point to, where the kernel makes no copy
 * that could be had. Which calls, which arguments and how much is the session's to
 * say.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "call.h"
#include "divergence.h"
#include "memory.h"
#include "probes.h"
#include "redact.h"
#include "session.h"
#include "tracepoint.h"
#include "user.h"

static bool is_compared(u8 form)
{
	return form == TRACECTL_FORM_PATH || form == TRACECTL_FORM_ADDRESS;
}

static u8 redact(u8 form, char *text, struct tracectl_piece *piece)
{
	struct tracectl_shown shown =
		form == TRACECTL_FORM_ADDRESS
			? tracectl_show_address(text, piece->length)
			: tracectl_show(text, piece->length);

	if (!shown.is_redacted)
		return 0;
	tracectl_put_hash(text + shown.kept, shown.hash);
	piece->length = tracectl_shown_length(&shown);
	return TRACECTL_USER_REDACTED;
}

static void keep(const struct tracectl_cpu *pc,
		 const struct tracectl_read *read,
		 const struct tracectl_piece *piece, const char *text)
{
	struct tracectl_entered_text entered = {
		.text = text,
		.length = piece->length,
		.is_known = !piece->is_faulted,
		.is_address = read->form == TRACECTL_FORM_ADDRESS,
	};

	tracectl_divergence_keep(pc, read->argument, &entered);
}

static u8 flags_of(const struct tracectl_passing *call,
		   const struct tracectl_piece *piece)
{
	if (piece->is_faulted)
		return call->at | TRACECTL_USER_FAULTED;
	return call->at |
	       (piece->length < piece->bytes ? TRACECTL_USER_TRUNCATED : 0);
}

static void put_piece(struct tracectl_cpu *pc,
		      const struct tracectl_passing *call,
		      const struct tracectl_read *read)
{
	struct tracectl_piece piece = tracectl_piece_of(call, read);
	struct tracectl_user *record;
	struct tracectl_place place;
	size_t string;
	char *text;

	if (!piece.address)
		return;
	string = ALIGN(piece.most + TRACECTL_HASH_DIGITS + 1, TRACECTL_GRANULE);
	place = tracectl_stream_begin(pc, string, TRACECTL_KIND_USER);
	pc->totals->generated[TRACECTL_KIND_USER]++;
	record = (void *)place.record;
	if (!record)
		return;
	text = (char *)(record + 1);
	tracectl_piece_copy(call, read, &piece, text);
	record->flags = flags_of(call, &piece);
	if (is_compared(read->form)) {
		keep(pc, read, &piece, text);
		record->flags |= redact(read->form, text, &piece);
	}
	string = ALIGN(piece.length + 1, TRACECTL_GRANULE);
	memset(text + piece.length, 0, string - piece.length);
	tracectl_record_head(place, TRACECTL_HEAD(TRACECTL_KIND_USER,
						  piece.length, 1));
	record->argument = read->argument;
	record->form = read->form;
	record->source = TRACECTL_SOURCE_USER_COPY;
	record->given = min_t(size_t, piece.bytes, U32_MAX);
	tracectl_stream_commit(pc, text + string);
}

/*
 * Those of the call, or NULL if there are none or the call is filtered out. None while
 * entries are withheld: they would come before it.
 */
static const struct tracectl_read *reads_of(unsigned int slot)
{
	const struct tracectl_session *session =
		raw_cpu_read(tracectl_cpus.session);

	if (slot == TRACECTL_SLOTS - 1 ||
	    (static_branch_unlikely(&tracectl_sorts) &&
	     (test_bit(slot, tracectl_unwanted) ||
	      READ_ONCE(tracectl_sorting) & TRACECTL_FILTER_ENDS)))
		return NULL;
	return &session->reads[slot * TRACECTL_READS];
}

static bool is_due(const struct tracectl_read *read, u8 at)
{
	return read->flags == at || read->flags & TRACECTL_READ_BOTH;
}

static bool is_any_due(const struct tracectl_read *reads, u8 at)
{
	int i;

	for (i = 0; i < TRACECTL_READS && reads[i].form; i++)
		if (is_due(&reads[i], at))
			return true;
	return false;
}

/*
 * Whether the thread is recorded; what its call points to is then brought in, where
 * that may sleep. It can be gone again before it is read, which is a fault then.
 */
static bool fetch_all(const struct tracectl_passing *call,
		      const struct tracectl_read *reads)
{
	bool is_recorded = tracectl_stream_enter(TRACECTL_CLASS_USER);
	struct tracectl_piece piece;
	int i;

	tracectl_stream_leave();
	for (i = 0; is_recorded && i < TRACECTL_READS && reads[i].form; i++) {
		piece = tracectl_piece_of(call, &reads[i]);
		if (piece.address && is_due(&reads[i], call->at))
			tracectl_piece_copy(call, &reads[i], &piece, NULL);
	}
	return is_recorded;
}

/* Apart: a call of which nothing is read need not clear what this keeps. */
static noinline void read_due(struct pt_regs *regs, unsigned int slot,
			      const struct tracectl_read *reads, long result,
			      u8 at)
{
	struct tracectl_passing call = {
		.result = result,
		.slot = slot,
		.at = at,
		.is_narrow = slot >= TRACECTL_ABI_COMPAT * TRACECTL_SHAPES,
		.commands = raw_cpu_read(tracectl_cpus.session)->commands,
	};
	struct tracectl_cpu *pc;
	int i;

	syscall_get_arguments(current, regs, call.args);
	/* What a call has used is there when it ends. */
	if (TRACECTL_CALL_PROBES_SLEEP && at != TRACECTL_USER_EXIT &&
	    !fetch_all(&call, reads))
		return;
	pc = tracectl_stream_enter(TRACECTL_CLASS_USER);
	for (i = 0; pc && i < TRACECTL_READS && reads[i].form; i++)
		if (is_due(&reads[i], at))
			put_piece(pc, &call, &reads[i]);
	tracectl_stream_leave();
}

static void read_all(struct pt_regs *regs, long nr, long result, u8 at)
{
	unsigned int slot = tracectl_classify(nr).slot;
	const struct tracectl_read *reads = reads_of(slot);

	if (reads && is_any_due(reads, at) && !tracectl_filter_skips())
		read_due(regs, slot, reads, result, at);
}

static void notrace probe_entry(void *data, struct pt_regs *regs, long nr)
{
	if (!tracectl_gate_open(TRACECTL_CLASS_USER))
		return;
	tracectl_divergence_forget();
	read_all(regs, nr, 0, 0);
}

static void notrace probe_exit(void *data, struct pt_regs *regs, long result)
{
	if (tracectl_gate_open(TRACECTL_CLASS_USER) && !IS_ERR_VALUE(result))
		read_all(regs, syscall_get_nr(current, regs), result,
			 TRACECTL_USER_EXIT);
}

/* Within the call: after its ENTRY and before its EXIT. */
static struct tracectl_hook hooks[] = {
	{ .name = "sys_enter", .probe = probe_entry, .priority = -1 },
	{ .name = "sys_exit", .probe = probe_exit, .priority = 1 },
};

int tracectl_user_attach(void)
{
	return tracectl_hooks_attach(hooks, ARRAY_SIZE(hooks));
}

void tracectl_user_detach(void)
{
	tracectl_hooks_detach(hooks, ARRAY_SIZE(hooks));
}

static bool are_valid_flags(u32 flags)
{
	return !(flags & ~(TRACECTL_USER_EXIT | TRACECTL_READ_BOTH));
}

static bool is_valid(const struct tracectl_read *read)
{
	return read->form <= TRACECTL_FORM_COMMAND && read->argument < 6 &&
	       read->count <= TRACECTL_COUNT_ONE &&
	       are_valid_flags(read->flags) &&
	       read->most <= TRACECTL_USER_BYTES &&
	       ((read->form != TRACECTL_FORM_VECTOR &&
		 read->form != TRACECTL_FORM_COMMAND) ||
		read->count < 6);
}

static int read_commands(struct tracectl_session *session, u64 user_commands)
{
	struct tracectl_command *commands;
	int i;

	if (!user_commands)
		return 0;
	commands = memdup_user(u64_to_user_ptr(user_commands),
			       TRACECTL_COMMANDS * sizeof(*commands));
	if (IS_ERR(commands))
		return PTR_ERR(commands);
	session->commands = commands;
	for (i = 0; i < TRACECTL_COMMANDS; i++)
		if (commands[i].bytes > TRACECTL_USER_BYTES ||
		    !are_valid_flags(commands[i].flags))
			return -EINVAL;
	return 0;
}

/* What the session is to read; nothing if it has not that class. */
int tracectl_user_init(struct tracectl_session *session,
		       const struct tracectl_config *config)
{
	const unsigned int count = (TRACECTL_SLOTS - 1) * TRACECTL_READS;
	struct tracectl_read *reads;
	unsigned int i;
	int err;

	if (!(session->classes & TRACECTL_CLASS_USER))
		return session->classes & TRACECTL_CLASS_DIVERGENCE ? -EINVAL
								    : 0;
	reads = vmemdup_user(u64_to_user_ptr(config->reads),
			     count * sizeof(*reads));
	if (IS_ERR(reads))
		return PTR_ERR(reads);
	session->reads = reads;
	for (i = 0; i < count; i++)
		if (!is_valid(&reads[i]))
			return -EINVAL;
	err = read_commands(session, config->commands);
	if (!err && session->classes & TRACECTL_CLASS_DIVERGENCE)
		err = tracectl_divergence_init(session);
	return err;
}

void tracectl_user_destroy(struct tracectl_session *session)
{
	kvfree(session->reads);
	kfree(session->commands);
	tracectl_divergence_destroy(session);
}
