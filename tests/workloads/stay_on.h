/* SPDX-License-Identifier: GPL-2.0 */
/* _GNU_SOURCE comes before it. */
#include <err.h>
#include <sched.h>

static inline void stay_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		err(1, "CPU %d", cpu);
}
