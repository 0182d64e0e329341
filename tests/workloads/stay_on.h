/* SPDX-License-Identifier: GPL-2.0 */
/* _GNU_SOURCE comes before it. */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

/* Two threads of one CPU take turns, and do not race. */
static inline void stay_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set)) {
		perror("sched_setaffinity");
		exit(1);
	}
}
