/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TRACECTL_LAYOUT_H
#define _TRACECTL_LAYOUT_H

#include <linux/types.h>

struct tracectl_session;

int tracectl_layouts_read(struct tracectl_session *session, u64 user_shapes);

#endif
