/* SPDX-License-Identifier: GPL-2.0 */
#include_next <linux/tracepoint.h>

/*
 * Whether the probes of sys_enter and sys_exit may sleep. The header above is read
 * anew for each TRACE_EVENT(), so it stands outside of the guard.
 */
#ifndef TRACECTL_CALL_PROBES_SLEEP
#ifdef TRACECTL_HAVE_SLEEPING_CALL_PROBES
#define TRACECTL_CALL_PROBES_SLEEP true
#else
#define TRACECTL_CALL_PROBES_SLEEP false
#endif
#endif
