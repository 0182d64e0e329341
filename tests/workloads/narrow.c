// SPDX-License-Identifier: GPL-2.0
/* narrow: a program of the 32-bit ABI of x86, without a C library: gcc -m32 -nostdlib. */

struct timespec32 {
	int sec, nsec;
};
struct iovec32 {
	const void *base;
	unsigned int length;
};

static long call(long nr, long a, long b, long c)
{
	long result;

	asm volatile("int $0x80"
		     : "=a"(result)
		     : "a"(nr), "b"(a), "c"(b), "d"(c)
		     : "memory");
	return result;
}

void _start(void)
{
	struct timespec32 moment = { 0, 1000 };
	char first[] = "ab", second[] = "cde";
	struct iovec32 parts[] = { { first, 2 }, { second, 3 } };
	int fds[2];

	call(5, (long)"/etc/passwd", 0, 0); /* open */
	call(162, (long)&moment, 0, 0); /* nanosleep */
	call(42, (long)fds, 0, 0); /* pipe */
	call(146, fds[1], (long)parts, 2); /* writev */
	call(64, 0, 0, 0); /* getppid */
	call(1, 0, 0, 0); /* exit */
}
