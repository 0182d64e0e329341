// SPDX-License-Identifier: GPL-2.0
/* tracectl: a whole-system system-call tracer. See uapi/tracectl.h. */
#include <linux/module.h>

#include "device.h"

static int __init tracectl_init(void)
{
	return tracectl_device_register();
}

/* Reached only when no file is open, hence no session exists. */
static void __exit tracectl_exit(void)
{
	tracectl_device_unregister();
}

module_init(tracectl_init);
module_exit(tracectl_exit);

MODULE_LICENSE("GPL");
MODULE_VERSION(TRACECTL_VERSION);
MODULE_DESCRIPTION("Whole-system system-call tracer");
