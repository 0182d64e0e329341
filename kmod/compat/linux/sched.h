/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TRACECTL_COMPAT_SCHED_H
#define _TRACECTL_COMPAT_SCHED_H

#include_next <linux/sched.h>

/* What follows next in the arguments of sched_switch, and the state of prev. */
#ifdef TRACECTL_HAVE_PREV_STATE
#define TRACECTL_SWITCH_MORE , unsigned int prev_state
#define tracectl_prev_state(prev) prev_state
#else
#define TRACECTL_SWITCH_MORE
#define tracectl_prev_state(prev) READ_ONCE((prev)->state)
#endif

#endif
