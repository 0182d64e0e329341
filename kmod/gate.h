/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TRACECTL_GATE_H
#define _TRACECTL_GATE_H

#include <linux/percpu.h>

struct tracectl_session;

/*
 * The classes of events that a CPU records. A probe's first act is to read its
 * own CPU's gate; a store for each CPU opens or closes all, whatever the number
 * of threads.
 */
DECLARE_PER_CPU(u32, tracectl_gate);

/*
 * Beside the classes: of calls only the exits of those that began on a CPU that
 * records them. Without these an entry would be taken for that of a later exit.
 */
#define TRACECTL_GATE_EXITS (1u << 31)

static __always_inline bool tracectl_gate_open(u32 class)
{
	return raw_cpu_read(tracectl_gate) & class;
}

void tracectl_gates_open(const struct tracectl_session *session);
void tracectl_gates_close(void);

#endif
