/* SPDX-License-Identifier: GPL-2.0 */
#include <linux/compat.h>

static __always_inline bool is_native(long nr)
{
	return (unsigned long)nr < TRACECTL_SHAPES && !is_compat_task();
}

static __always_inline unsigned long number_in(const struct pt_regs *regs)
{
	return regs->syscallno;
}

/* The 32-bit ABI is that of 32-bit Arm, EABI. */
static inline enum tracectl_abi classify_abi(long *nr)
{
	return is_compat_task() ? TRACECTL_ABI_COMPAT : TRACECTL_ABI_NATIVE;
}

/* x0 is where the result will be; the entry keeps the argument aside. */
static __always_inline unsigned long argument(const struct pt_regs *regs, int i)
{
	return i ? regs->regs[i] : regs->orig_x0;
}
