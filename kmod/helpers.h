/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TRACECTL_HELPERS_H
#define _TRACECTL_HELPERS_H

#include <linux/types.h>

int tracectl_helper_begin(void);
void tracectl_helper_end(int place);
bool tracectl_is_helper(pid_t tgid);

#endif
