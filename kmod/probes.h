/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TRACECTL_PROBES_H
#define _TRACECTL_PROBES_H

#include <linux/kconfig.h>

/* attach: 0 or an error, with nothing left attached. After detach, synchronize. */
int tracectl_tasks_attach(void);
void tracectl_tasks_detach(void);
int tracectl_count_attach(void); /* in the place of the next */
void tracectl_count_detach(void);
int tracectl_syscalls_attach(void);
void tracectl_syscalls_detach(void);
int tracectl_open_how_attach(void);
void tracectl_open_how_detach(void);
int tracectl_open_name_attach(void);
void tracectl_open_name_detach(void);
int tracectl_path_attach(void);
void tracectl_path_detach(void);
int tracectl_socket_attach(void);
void tracectl_socket_detach(void);
int tracectl_sched_attach(void);
void tracectl_sched_detach(void);
int tracectl_user_attach(void);
void tracectl_user_detach(void);

/* On a real-time kernel d_path() may sleep, and a probe may not. */
#define TRACECTL_CAN_FILE (!IS_ENABLED(CONFIG_PREEMPT_RT))

int tracectl_file_attach(void);
void tracectl_file_detach(void);

#endif
