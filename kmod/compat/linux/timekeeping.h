/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TRACECTL_COMPAT_TIMEKEEPING_H
#define _TRACECTL_COMPAT_TIMEKEEPING_H

#include_next <linux/timekeeping.h>

#ifndef TRACECTL_HAVE_SNAPSHOT_ID
#define ktime_get_snapshot_id(clock_id, snapshot) ktime_get_snapshot(snapshot)
#endif

#endif
