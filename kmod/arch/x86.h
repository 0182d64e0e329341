/* SPDX-License-Identifier: GPL-2.0 */
static __always_inline bool is_native(long nr)
{
	return (unsigned long)nr < TRACECTL_SHAPES && !in_ia32_syscall();
}

/*
 * The number of the call that @regs are of, in place of syscall_get_nr(), which cuts
 * off what a program has put above it: that is no number of a native call then.
 */
static __always_inline unsigned long number_in(const struct pt_regs *regs)
{
	return regs->orig_ax;
}

static inline enum tracectl_abi classify_abi(long *nr)
{
	if (in_ia32_syscall())
		return TRACECTL_ABI_COMPAT;
	if (*nr >= 0 && (*nr & __X32_SYSCALL_BIT)) {
		*nr &= ~__X32_SYSCALL_BIT;
		return TRACECTL_ABI_X32;
	}
	return TRACECTL_ABI_NATIVE;
}

static __always_inline unsigned long argument(const struct pt_regs *regs, int i)
{
	switch (i) {
	case 0:
		return regs->di;
	case 1:
		return regs->si;
	case 2:
		return regs->dx;
	case 3:
		return regs->r10;
	case 4:
		return regs->r8;
	default:
		return regs->r9;
	}
}
