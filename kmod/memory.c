// SPDX-License-Identifier: GPL-2.0
/*
 * One piece of user memory that a call's argument points to. It is copied with
 * preemption off, so that a page that is not there is a fault to be told, and what is
 * read may be being written.
 */
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "memory.h"

/* More struct iovec of a call are not looked at. */
#define VECTORS 16

/* By page: what is resident is shown. Without @to each is only brought in. */
static void copy(struct tracectl_piece *piece, char *to, unsigned long from,
		 size_t length)
{
	size_t part;

	for (; length; length -= part) {
		part = min_t(size_t, length, PAGE_SIZE - offset_in_page(from));
		if (to ? copy_from_user_nofault(to + piece->length,
						(const void __user *)from, part)
		       : !tracectl_fault_in(from, part)) {
			piece->is_faulted = true;
			return;
		}
		piece->length += part;
		from += part;
	}
}

/* Whether there is a NUL among the @most bytes. */
static bool ends_within(unsigned long address, size_t most)
{
	long length;

	pagefault_disable();
	length = strnlen_user((const char __user *)address, most);
	pagefault_enable();
	return length > 0 && length <= most;
}

static void fetch_path(unsigned long address, size_t most)
{
	size_t part;

	for (; most; most -= part) {
		part = min_t(size_t, most, PAGE_SIZE - offset_in_page(address));
		if (!tracectl_fault_in(address, 1) ||
		    ends_within(address, part))
			return;
		address += part;
	}
}

static void copy_path(struct tracectl_piece *piece, char *to)
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

/* An array in user memory of words as wide as the call's pointers. */
struct words {
	unsigned long address;
	size_t size; /* of a word */
	bool is_fetched; /* brought in first */
	bool is_faulted;
};

static unsigned long word_at(struct words *words, unsigned int at)
{
	unsigned long from = words->address + at * words->size;
	u64 word = 0;

	if ((words->is_fetched && !tracectl_fault_in(from, words->size)) ||
	    copy_from_user_nofault(&word, (const void __user *)from,
				   words->size))
		words->is_faulted = true;
	return word;
}

static struct words words_of(const struct tracectl_passing *call,
			     unsigned long address, bool is_fetched)
{
	return (struct words){
		.address = address,
		.size = call->is_narrow ? sizeof(u32) : sizeof(u64),
		.is_fetched = is_fetched,
	};
}

/* What @count struct iovec, at the piece's address, point to. */
static void copy_vector(const struct tracectl_passing *call,
			struct tracectl_piece *piece, char *to,
			unsigned long count)
{
	struct words words = words_of(call, piece->address, !to);
	unsigned long from, length;
	size_t room = piece->most;
	unsigned int i;

	piece->bytes = 0;
	for (i = 0;
	     i < min_t(unsigned long, count, VECTORS) && !piece->is_faulted;
	     i++) {
		from = word_at(&words, 2 * i);
		length = word_at(&words, 2 * i + 1);
		piece->is_faulted = words.is_faulted;
		if (call->at)
			length = min_t(unsigned long, length,
				       call->result - piece->bytes);
		piece->bytes += length;
		length = min_t(unsigned long, length, room);
		copy(piece, to, from, length);
		room -= length;
	}
}

/* struct msghdr: name, namelen, iov, iovlen, ... */
static void copy_message(const struct tracectl_passing *call,
			 struct tracectl_piece *piece, char *to, bool is_vector)
{
	struct words words = words_of(call, piece->address, !to);
	unsigned long count = word_at(&words, 3);

	piece->address = word_at(&words, 2);
	piece->is_faulted = words.is_faulted;
	if (piece->is_faulted)
		return;
	if (!is_vector) {
		copy_vector(call, piece, to, count);
		return;
	}
	piece->bytes = min_t(unsigned long, count, VECTORS) * 2 * words.size;
	piece->most = min(piece->bytes, piece->most);
	copy(piece, to, piece->address, piece->most);
}

/* With preemption off; or, to bring it in (@to is NULL), where it may sleep. */
void tracectl_piece_copy(const struct tracectl_passing *call,
			 const struct tracectl_read *read,
			 struct tracectl_piece *piece, char *to)
{
	switch (read->form) {
	case TRACECTL_FORM_PATH:
		if (to)
			copy_path(piece, to);
		else
			fetch_path(piece->address, piece->most);
		return;
	case TRACECTL_FORM_VECTOR:
		copy_vector(call, piece, to, call->args[read->count]);
		return;
	case TRACECTL_FORM_MESSAGE_VECTOR:
	case TRACECTL_FORM_MESSAGE:
		copy_message(call, piece, to,
			     read->form == TRACECTL_FORM_MESSAGE_VECTOR);
		return;
	default:
		copy(piece, to, piece->address, piece->most);
	}
}

/* How many bytes the command of the call says. */
static size_t bytes_of_command(const struct tracectl_passing *call, u32 value)
{
	const struct tracectl_command *command = call->commands;
	int i;

	for (i = 0; command && i < TRACECTL_COMMANDS && command->bytes;
	     i++, command++)
		if (command->value == value && command->slot == call->slot &&
		    (command->flags == call->at ||
		     command->flags & TRACECTL_READ_BOTH))
			return command->bytes;
	return 0;
}

struct tracectl_piece tracectl_piece_of(const struct tracectl_passing *call,
					const struct tracectl_read *read)
{
	struct tracectl_piece piece = {
		.address = call->args[read->argument],
		.most = read->most,
	};
	unsigned long count = 1;

	if (read->form == TRACECTL_FORM_COMMAND) {
		piece.bytes = bytes_of_command(call, call->args[read->count]);
		piece.most = piece.bytes;
		if (!piece.bytes)
			piece.address = 0;
		return piece;
	}
	if (read->count == TRACECTL_COUNT_RESULT)
		count = call->result;
	else if (read->count < TRACECTL_COUNT_RESULT)
		count = call->args[read->count];
	/* Else it could be more than a size holds. */
	piece.bytes = min_t(unsigned long, count, U32_MAX) * read->bytes;
	if (read->form == TRACECTL_FORM_BYTES ||
	    read->form == TRACECTL_FORM_ADDRESS)
		piece.most = min(piece.bytes, piece.most);
	return piece;
}
