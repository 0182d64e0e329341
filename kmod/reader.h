/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TRACECTL_READER_H
#define _TRACECTL_READER_H

struct tracectl_session;

int tracectl_reader_open(struct tracectl_session *session, unsigned int cpu,
			 struct file **file);

#endif
