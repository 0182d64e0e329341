/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TRACECTL_WHOLE_H
#define _TRACECTL_WHOLE_H

#include <linux/string.h>

#include "stream.h"

struct pt_regs;

#define TRACECTL_HEAD_BYTES sizeof(struct tracectl_record)

static __always_inline void tracectl_put_argument(char *to, u64 value)
{
	memcpy(to, &value, sizeof(value)); /* aligned to 4 only */
}

/* The payload of an ENTRY. */
unsigned int tracectl_payload_granules(const struct tracectl_layout *layout,
				       u16 id);
void tracectl_put_payload(char *to, const struct tracectl_layout *layout,
			  u16 id, long nr, const unsigned long args[6]);

void tracectl_whole_withhold(struct tracectl_cpu *pc, struct pt_regs *regs,
			     long nr);
void tracectl_whole_judge(struct tracectl_cpu *pc,
			  struct tracectl_withheld *held, long result);

#endif
