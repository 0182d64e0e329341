// SPDX-License-Identifier: GPL-2.0
/* Which clock a session takes. */
#include <linux/preempt.h>

#include "clock.h"

#ifdef CONFIG_X86_64
#include <linux/math64.h>

/*
 * Whether the kernel keeps its own time by the CPU's counter: a reading of its
 * clock lies between two of ours then. Only so is the counter known to run alike
 * on every CPU and in every state; a hypervisor's clock or an HPET counts in
 * other units.
 */
static bool keeps_time(void)
{
	struct system_time_snapshot snapshot;
	u64 before, after;

	before = rdtsc();
	ktime_get_snapshot_id(CLOCK_MONOTONIC, &snapshot);
	after = rdtsc();
	return snapshot.cycles >= before && snapshot.cycles <= after;
}

static u64 find_mult(void)
{
	if (check_tsc_unstable() || !tsc_khz || !keeps_time())
		return 0;
	return div_u64((u64)NSEC_PER_MSEC << 32, tsc_khz);
}
#else
static u64 find_mult(void)
{
	return 0;
}
#endif

/* From now on it is @now_ns. */
void tracectl_clock_set(struct tracectl_clock *clock, u64 now_ns)
{
	clock->offset_ns = 0;
	if (clock->mult)
		clock->offset_ns = now_ns - tracectl_clock_count(clock);
}

void tracectl_clock_start(struct tracectl_clock *clock)
{
	preempt_disable();
	clock->mult = find_mult();
	tracectl_clock_set(clock, ktime_get_mono_fast_ns());
	preempt_enable();
}
