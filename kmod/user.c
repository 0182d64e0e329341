// SPDX-License-Identifier: GPL-2.0
/*
 * User memory that the arguments of a call point to, where the kernel makes no copy
 * that could be had: read with preemption off, so that a page that is not there is a
 * fault to be told, and what is read may be being written. Which calls, which
 * arguments and how much is the session's to say.
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
#include "probes.h"
#include "redact.h"
#include "session.h"
#include "tracepoint.h"
#include "user.h"

/* More struct iovec of a call are not looked at. */
#define VECTORS 16

/* A call as it is read: @at is 0 or TRACECTL_USER_EXIT. */
struct passing {
	unsigned long args[6];
	long result;
	u8 at;
	bool is_narrow; /* pointers and sizes of 4 bytes */
};

/* What is to be read, and what became of it. */
struct piece {
	unsigned long address;
	size_t bytes; /* that there are */
	size_t most; /* that are wanted of them */
	size_t length; /* that were read */
	bool is_faulted;
};

static void copy(struct piece *piece, char *to, unsigned long from,
		 size_t length)
{
	size_t part;

	/* By page: what is resident is shown. */
	for (; length; length -= part) {
		part = min_t(size_t, length, PAGE_SIZE - offset_in_page(from));
		if (copy_from_user_nofault(to + piece->length,
					   (const void __user *)from, part)) {
			piece->is_faulted = true;
			return;
		}
		piece->length += part;
		from += part;
	}
}

static void copy_path(struct piece *piece, char *to)
{
	long length;

	pagefault_disable();
	length = strncpy_from_user(to, (const char __user *)piece->address,
				   piece->most);
	pagefault_enable();
	piece->is_faulted = length < 0;
	piece->length = max(length, 0l);
	/* Without a NUL there is more. */
	piece->bytes = piece->length + (piece->length == piece->most);
}

/* The number in user memory at index @at of words as wide as the call's pointers. */
static unsigned long word_at(const struct passing *call, unsigned long address,
			     unsigned int at, bool *is_faulted)
{
	size_t size = call->is_narrow ? sizeof(u32) : sizeof(u64);
	u64 word = 0;

	if (copy_from_user_nofault(
		    &word, (const void __user *)(address + at * size), size))
		*is_faulted = true;
	return word;
}

/* What @count struct iovec, at the piece's address, point to. */
static void copy_vector(const struct passing *call, struct piece *piece,
			char *to, unsigned long count)
{
	unsigned long from, length;
	size_t room = piece->most;
	unsigned int i;

	piece->bytes = 0;
	for (i = 0;
	     i < min_t(unsigned long, count, VECTORS) && !piece->is_faulted;
	     i++) {
		from = word_at(call, piece->address, 2 * i, &piece->is_faulted);
		length = word_at(call, piece->address, 2 * i + 1,
				 &piece->is_faulted);
		if (call->at)
			length = min_t(unsigned long, length,
				       call->result - piece->bytes);
		piece->bytes += length;
		length = min_t(unsigned long, length, room);
		copy(piece, to, from, length);
		room -= length;
	}
}

static void copy_piece(const struct passing *call,
		       const struct tracectl_read *read, struct piece *piece,
		       char *to)
{
	unsigned long count;

	switch (read->form) {
	case TRACECTL_FORM_PATH:
		copy_path(piece, to);
		return;
	case TRACECTL_FORM_VECTOR:
		copy_vector(call, piece, to, call->args[read->count]);
		return;
	case TRACECTL_FORM_MESSAGE_VECTOR:
	case TRACECTL_FORM_MESSAGE:
		/* struct msghdr: name, namelen, iov, iovlen, ... */
		count = word_at(call, piece->address, 3, &piece->is_faulted);
		piece->address =
			word_at(call, piece->address, 2, &piece->is_faulted);
		if (piece->is_faulted)
			return;
		if (read->form == TRACECTL_FORM_MESSAGE) {
			copy_vector(call, piece, to, count);
			return;
		}
		piece->bytes = min_t(unsigned long, count, VECTORS) *
			       (call->is_narrow ? 8 : 16);
		piece->most = min(piece->bytes, piece->most);
	}
	copy(piece, to, piece->address, piece->most);
}

static struct piece piece_of(const struct passing *call,
			     const struct tracectl_read *read)
{
	struct piece piece = { .address = call->args[read->argument] };
	unsigned long count = 1;

	if (read->count == TRACECTL_COUNT_RESULT)
		count = call->result;
	else if (read->count < TRACECTL_COUNT_RESULT)
		count = call->args[read->count];
	/* Else it could be more than a size holds. */
	piece.bytes = min_t(unsigned long, count, U32_MAX) * read->bytes;
	piece.most = read->most;
	if (read->form == TRACECTL_FORM_BYTES)
		piece.most = min(piece.bytes, piece.most);
	return piece;
}

static u8 redact(char *text, struct piece *piece)
{
	struct tracectl_shown shown = tracectl_show(text, piece->length);

	if (!shown.is_redacted)
		return 0;
	tracectl_put_hash(text + shown.kept, shown.hash);
	piece->length = tracectl_shown_length(&shown);
	return TRACECTL_USER_REDACTED;
}

static void put_piece(struct tracectl_cpu *pc, const struct passing *call,
		      const struct tracectl_read *read)
{
	struct piece piece = piece_of(call, read);
	u8 flags = call->at;
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
	copy_piece(call, read, &piece, text);
	if (read->form == TRACECTL_FORM_PATH)
		tracectl_divergence_keep(pc, read->argument, text, piece.length,
					 !piece.is_faulted);
	if (piece.is_faulted)
		flags |= TRACECTL_USER_FAULTED;
	else if (piece.length < piece.bytes)
		flags |= TRACECTL_USER_TRUNCATED;
	if (read->form == TRACECTL_FORM_PATH)
		flags |= redact(text, &piece);
	string = ALIGN(piece.length + 1, TRACECTL_GRANULE);
	memset(text + piece.length, 0, string - piece.length);
	tracectl_record_head(place, TRACECTL_HEAD(TRACECTL_KIND_USER,
						  piece.length, 1));
	record->argument = read->argument;
	record->form = read->form;
	record->source = TRACECTL_SOURCE_USER_COPY;
	record->flags = flags;
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

static void read_all(struct pt_regs *regs, long nr, long result, u8 at)
{
	unsigned int slot = tracectl_classify(nr).slot;
	const struct tracectl_read *reads = reads_of(slot);
	struct passing call = { .result = result, .at = at };
	struct tracectl_cpu *pc;
	int i;

	if (!reads || !reads->form || tracectl_filter_skips())
		return;
	call.is_narrow = slot >= TRACECTL_ABI_COMPAT * TRACECTL_SHAPES;
	syscall_get_arguments(current, regs, call.args);
	pc = tracectl_stream_enter(TRACECTL_CLASS_USER);
	for (i = 0; pc && i < TRACECTL_READS && reads[i].form; i++)
		if (reads[i].flags == at)
			put_piece(pc, &call, &reads[i]);
	tracectl_stream_leave();
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

static bool is_valid(const struct tracectl_read *read)
{
	return read->form <= TRACECTL_FORM_MESSAGE && read->argument < 6 &&
	       read->count <= TRACECTL_COUNT_ONE &&
	       !(read->flags & ~TRACECTL_USER_EXIT) &&
	       read->most <= TRACECTL_USER_BYTES &&
	       (read->form != TRACECTL_FORM_VECTOR || read->count < 6);
}

/* What the session is to read; nothing if it has not that class. */
int tracectl_user_init(struct tracectl_session *session, u64 user_reads)
{
	const unsigned int count = (TRACECTL_SLOTS - 1) * TRACECTL_READS;
	struct tracectl_read *reads;
	unsigned int i;

	if (!(session->classes & TRACECTL_CLASS_USER))
		return session->classes & TRACECTL_CLASS_DIVERGENCE ? -EINVAL
								    : 0;
	reads = vmemdup_user(u64_to_user_ptr(user_reads),
			     count * sizeof(*reads));
	if (IS_ERR(reads))
		return PTR_ERR(reads);
	session->reads = reads;
	for (i = 0; i < count; i++)
		if (!is_valid(&reads[i]))
			return -EINVAL;
	return session->classes & TRACECTL_CLASS_DIVERGENCE
		       ? tracectl_divergence_init(session)
		       : 0;
}

void tracectl_user_destroy(struct tracectl_session *session)
{
	kvfree(session->reads);
	tracectl_divergence_destroy(session);
}
