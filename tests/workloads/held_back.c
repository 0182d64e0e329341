// SPDX-License-Identifier: GPL-2.0
/* held_back: opens a path in a page that never comes, so that the call never ends. */
#define _GNU_SOURCE
#include "held_page.h"

int main(void)
{
	syscall(SYS_openat, AT_FDCWD, held_page(), O_RDONLY, 0);
	return 2;
}
