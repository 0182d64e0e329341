/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TRACECTL_COMPAT_FTRACE_H
#define _TRACECTL_COMPAT_FTRACE_H

#include_next <linux/ftrace.h>

/*
 * Before struct ftrace_regs a callback got pt_regs, only when it asked for them,
 * and the core guarded it against recursion unless it said that it is safe.
 */
#ifdef TRACECTL_HAVE_FTRACE_REGS
#define FTRACE_OPS_FL_ARGUMENTS 0
#else
#define FTRACE_OPS_FL_ARGUMENTS \
	(FTRACE_OPS_FL_SAVE_REGS | FTRACE_OPS_FL_RECURSION_SAFE)
#define ftrace_regs pt_regs
#define ftrace_regs_get_argument(regs, n) regs_get_kernel_argument(regs, n)
#define TRACECTL_HAVE_FTRACE_ARGUMENT
#endif

#ifndef TRACECTL_HAVE_FTRACE_ARGUMENT
#define ftrace_regs_get_argument(fregs, n) \
	regs_get_kernel_argument(&(fregs)->regs, n)
#endif

#endif
