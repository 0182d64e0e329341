/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TRACECTL_CLOCK_H
#define _TRACECTL_CLOCK_H

#include <linux/ktime.h>
#include <linux/types.h>
#ifdef CONFIG_X86_64
#include <asm/msr.h>
#include <asm/tsc.h>
#endif

/*
 * The session's clock, in ns: CLOCK_MONOTONIC when the session began, counted on
 * from there by the CPU's own counter where the kernel's clock is that counter,
 * too. ktime_get_mono_fast_ns(), its stand-in elsewhere, takes 30 instructions
 * more, half of what a whole record takes.
 */
struct tracectl_clock {
	u64 mult; /* ns a cycle, times 2^32; 0: there is no counter */
	u64 offset_ns;
};

void tracectl_clock_start(struct tracectl_clock *clock);
void tracectl_clock_set(struct tracectl_clock *clock, u64 now_ns);

#ifdef CONFIG_X86_64
/* Not mul_u64_u64_shr(): its __int128 makes gcc align the stack of every probe. */
static __always_inline u64
tracectl_clock_count(const struct tracectl_clock *clock)
{
	u64 low = rdtsc(), high;

	asm("mulq %2\n\tshrdq $32, %1, %0"
	    : "+a"(low), "=d"(high)
	    : "rm"(clock->mult)
	    : "cc");
	return low + clock->offset_ns;
}
#else
/*
 * arm64's counter runs at 10 to 100 MHz, too coarse for the duration of a call.
 * What the short way saves without a counter is bytes.
 */
static __always_inline u64
tracectl_clock_count(const struct tracectl_clock *clock)
{
	return ktime_get_mono_fast_ns();
}
#endif

static __always_inline u64
tracectl_clock_read(const struct tracectl_clock *clock)
{
	if (IS_ENABLED(CONFIG_X86_64) && likely(clock->mult))
		return tracectl_clock_count(clock);
	return ktime_get_mono_fast_ns();
}

#endif
