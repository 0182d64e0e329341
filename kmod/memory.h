/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TRACECTL_MEMORY_H
#define _TRACECTL_MEMORY_H

#include <linux/types.h>

#include "uapi/tracectl.h"

/* A call as its memory is read: @at is 0 or TRACECTL_USER_EXIT. */
struct tracectl_passing {
	unsigned long args[6];
	long result;
	const struct tracectl_command *commands; /* of the session, or NULL */
	u16 slot;
	u8 at;
	bool is_narrow; /* pointers and sizes of 4 bytes */
};

/* What is to be read, and what became of it. */
struct tracectl_piece {
	unsigned long address; /* NULL: nothing */
	size_t bytes; /* that there are */
	size_t most; /* that are wanted of them */
	size_t length; /* that were read */
	bool is_faulted;
};

struct tracectl_piece tracectl_piece_of(const struct tracectl_passing *call,
					const struct tracectl_read *read);
void tracectl_piece_copy(const struct tracectl_passing *call,
			 const struct tracectl_read *read,
			 struct tracectl_piece *piece, char *to);

bool tracectl_fault_in(unsigned long address, size_t length);

#endif
