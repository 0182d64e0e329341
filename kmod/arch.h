/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TRACECTL_ARCH_H
#define _TRACECTL_ARCH_H

/*
 * What differs by architecture, inline in arch/NAME.h:
 *
 *	is_native	a call in the kernel's own ABI, with a slot of its own
 *	classify_abi	of any other; takes the ABI's mark off the number
 *	number_in	the number of the call that registers are of
 *	argument	of a native call, 0 to 5
 */
#include <linux/ptrace.h>
#include <asm/syscall.h>

#include "uapi/tracectl.h"

#if defined(CONFIG_X86_64)
#include "arch/x86.h"
#elif defined(CONFIG_ARM64)
#include "arch/arm64.h"
#else
#error "tracectl knows the system-call registers of x86-64 and arm64 only"
#endif

#endif
