// SPDX-License-Identifier: GPL-2.0
/* The gates of all CPUs. */
#include <linux/cpumask.h>

#include "gate.h"
#include "session.h"

DEFINE_PER_CPU(u32, tracectl_gate);

static void set(unsigned int cpu, u32 classes)
{
	WRITE_ONCE(per_cpu(tracectl_gate, cpu), classes);
}

/* On each CPU for what @session records there. */
void tracectl_gates_open(const struct tracectl_session *session)
{
	u32 elsewhere = session->classes & TRACECTL_CLASS_TASK;
	int cpu;

	if (session->classes & TRACECTL_CLASS_SYSCALL)
		elsewhere |= TRACECTL_GATE_EXITS;
	for_each_possible_cpu (cpu)
		set(cpu, tracectl_filter_has_cpu(&session->selection, cpu)
				 ? session->classes
				 : elsewhere);
}

void tracectl_gates_close(void)
{
	int cpu;

	for_each_possible_cpu (cpu)
		set(cpu, 0);
}
