// SPDX-License-Identifier: GPL-2.0
/* Test-only: when it is loaded, a kernel worker opens /etc/hostname. */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/workqueue.h>

static void open_it(struct work_struct *work)
{
	struct file *file = filp_open("/etc/hostname", O_RDONLY, 0);

	if (!IS_ERR(file))
		filp_close(file, NULL);
}

static DECLARE_WORK(work, open_it);

static int __init worker_init(void)
{
	schedule_work(&work);
	flush_work(&work);
	return 0;
}

static void __exit worker_exit(void)
{
}

module_init(worker_init);
module_exit(worker_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("opens a file from a kernel worker");
