/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TRACECTL_COMPAT_RELAY_H
#define _TRACECTL_COMPAT_RELAY_H

#include_next <linux/relay.h>

/* What follows prev_subbuf in the arguments of subbuf_start(). */
#ifdef TRACECTL_RELAY_PREV_PADDING
#define RELAY_SUBBUF_START_MORE , size_t prev_padding
#else
#define RELAY_SUBBUF_START_MORE
#endif

#endif
