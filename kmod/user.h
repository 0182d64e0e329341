/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TRACECTL_USER_H
#define _TRACECTL_USER_H

struct tracectl_config;
struct tracectl_session;

int tracectl_user_init(struct tracectl_session *session,
		       const struct tracectl_config *config);
void tracectl_user_destroy(struct tracectl_session *session);

#endif
