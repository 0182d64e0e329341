// SPDX-License-Identifier: GPL-2.0
/* held_configure: asks the module for a session, with shapes that never come. */
#define _GNU_SOURCE
#include <linux/types.h>

#include "../../kmod/uapi/tracectl.h"
#include "held_page.h"

int main(void)
{
	struct tracectl_config config = {
		.abi = TRACECTL_ABI_VERSION,
		.classes = TRACECTL_CLASS_SYSCALL,
		.subbuf_bytes = 1 << 16,
		.subbuf_count = TRACECTL_COUNT_MIN,
		.shapes = (unsigned long)held_page(),
	};

	ioctl(open("/dev/tracectl", O_RDWR), TRACECTL_IOC_CONFIGURE, &config);
	return 2;
}
