/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TRACECTL_CALL_H
#define _TRACECTL_CALL_H

#include "arch.h"

#define TRACECTL_NR_MAX (TRACECTL_NR_ESCAPE - 1)

/* A system call of any ABI as its records and counters name it. */
struct tracectl_call {
	unsigned int slot;
	u16 id;
};

static inline struct tracectl_call tracectl_classify(long nr)
{
	enum tracectl_abi abi = classify_abi(&nr);
	struct tracectl_call call = {
		.slot = TRACECTL_SLOTS - 1,
		.id = TRACECTL_NR_ESCAPE | abi << TRACECTL_NR_BITS,
	};

	if (nr >= 0 && nr <= TRACECTL_NR_MAX)
		call.id = nr | abi << TRACECTL_NR_BITS;
	if (nr >= 0 && nr < TRACECTL_SHAPES)
		call.slot = abi * TRACECTL_SHAPES + nr;
	return call;
}

#endif
