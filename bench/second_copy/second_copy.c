// SPDX-License-Identifier: GPL-2.0
/*
 * For measuring only: what it costs to copy a path from user space once more,
 * after the kernel has. A path with its NUL is written to /proc/second_copy;
 * what is read from it then are ns for each of the ways to copy it.
 */
#include <linux/errno.h>
#include <linux/ktime.h>
#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/uaccess.h>

#define TIMES 100
#define ROUNDS 1000

static char path[PATH_MAX];
static char copied[PATH_MAX];
static u64 user_ns, nofault_ns, kernel_ns;

/* Of the rounds: in some, the timer's interrupt or another task comes between. */
static void keep_least(u64 *least, u64 start)
{
	u64 ns = div_u64(ktime_get_ns() - start, TIMES);

	if (!*least || ns < *least)
		*least = ns;
}

/* As a probe that may sleep has it. */
static void time_user(const char __user *from)
{
	u64 start = ktime_get_ns();

	for (int i = 0; i < TIMES; i++)
		if (strncpy_from_user(path, from, sizeof(path)) < 0)
			return;
	keep_least(&user_ns, start);
}

/* As a probe that may not: strncpy_from_user_nofault() is not exported. */
static void time_nofault(const char __user *from)
{
	u64 start = ktime_get_ns();

	for (int i = 0; i < TIMES; i++) {
		long length;

		pagefault_disable();
		length = strncpy_from_user(path, from, sizeof(path));
		pagefault_enable();
		if (length < 0)
			return;
	}
	keep_least(&nofault_ns, start);
}

/* The same from the kernel's copy. */
static void time_kernel(void)
{
	u64 start = ktime_get_ns();

	for (int i = 0; i < TIMES; i++) {
		memcpy(copied, path, strlen(path) + 1);
		barrier();
	}
	keep_least(&kernel_ns, start);
}

static ssize_t second_copy_write(struct file *file, const char __user *from,
				 size_t length, loff_t *offset)
{
	user_ns = nofault_ns = kernel_ns = 0;
	for (int round = 0; round < ROUNDS; round++) {
		time_user(from);
		time_nofault(from);
		time_kernel();
	}
	return user_ns && nofault_ns ? length : -EFAULT;
}

static int show(struct seq_file *seq, void *unused)
{
	seq_printf(seq,
		   "{\"strncpy_from_user\": %llu, "
		   "\"strncpy_from_user_nofault\": %llu, "
		   "\"kernel_copy\": %llu}\n",
		   user_ns, nofault_ns, kernel_ns);
	return 0;
}

static int second_copy_open(struct inode *inode, struct file *file)
{
	return single_open(file, show, NULL);
}

static const struct proc_ops ops = {
	.proc_open = second_copy_open,
	.proc_read = seq_read,
	.proc_write = second_copy_write,
	.proc_release = single_release,
};

static int __init second_copy_init(void)
{
	return proc_create("second_copy", 0600, NULL, &ops) ? 0 : -ENOMEM;
}

static void __exit second_copy_exit(void)
{
	remove_proc_entry("second_copy", NULL);
}

module_init(second_copy_init);
module_exit(second_copy_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("measures a second copy of a path from user space");
