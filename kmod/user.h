/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TRACECTL_USER_H
#define _TRACECTL_USER_H

#include <linux/types.h>

struct tracectl_session;

int tracectl_user_init(struct tracectl_session *session, u64 user_reads);
void tracectl_user_destroy(struct tracectl_session *session);

#endif
