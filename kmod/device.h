/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TRACECTL_DEVICE_H
#define _TRACECTL_DEVICE_H

#include "uapi/tracectl.h"

int tracectl_device_register(void);
void tracectl_device_unregister(void);
void tracectl_device_notify(enum tracectl_state state);
void tracectl_device_notify_lost(unsigned int cpu, u64 lost);

#endif
