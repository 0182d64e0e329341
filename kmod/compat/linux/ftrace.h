/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TRACECTL_COMPAT_FTRACE_H
#define _TRACECTL_COMPAT_FTRACE_H

#include_next <linux/ftrace.h>

#ifndef TRACECTL_HAVE_FTRACE_ARGUMENT
#define ftrace_regs_get_argument(fregs, n) \
	regs_get_kernel_argument(&(fregs)->regs, n)
#endif

#endif
