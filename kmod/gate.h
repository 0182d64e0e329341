/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TRACECTL_GATE_H
#define _TRACECTL_GATE_H

#include <linux/percpu.h>

/*
 * The classes of events that a CPU records. A probe's first act is to read its
 * own CPU's gate; a store for each CPU opens or closes all, whatever the number
 * of threads.
 */
DECLARE_PER_CPU(u32, tracectl_gate);

static __always_inline bool tracectl_gate_open(u32 class)
{
	return raw_cpu_read(tracectl_gate) & class;
}

static inline void tracectl_gate_set(u32 classes)
{
	int cpu;

	for_each_possible_cpu (cpu)
		WRITE_ONCE(per_cpu(tracectl_gate, cpu), classes);
}

#endif
