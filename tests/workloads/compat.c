// SPDX-License-Identifier: GPL-2.0
/*
 * compat: a few system calls by the 32-bit ABI. For x86-64 built as a 64-bit
 * program, whose int 0x80 is such a call; its memory lies below 4 GiB if it is not
 * position-independent. For arm64 built by the compiler for 32-bit Arm.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef __x86_64__
#define NR_OPENAT 295
#define NR_PREAD64 180
#define NR_GETPPID 64
#define PAD

static long call32(long nr, long a, long b, long c, long d, long e)
{
	long result;

	asm volatile("int $0x80"
		     : "=a"(result)
		     : "a"(nr), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
		     : "memory", "r8", "r9", "r10", "r11");
	return result;
}
#else
#define NR_OPENAT SYS_openat
#define NR_PREAD64 SYS_pread64
#define NR_GETPPID SYS_getppid
#define PAD 0, /* 64-bit arguments begin in an even register */
#define call32 syscall
#endif

static const char name[] = "/etc/passwd";
static char buffer[8];

int main(void)
{
	long fd = call32(NR_OPENAT, AT_FDCWD, (long)name, O_RDONLY, 0, 0);

	call32(NR_PREAD64, fd, (long)buffer, 8, PAD 16, 1);
	call32(NR_OPENAT, AT_FDCWD, (long)name, O_DIRECTORY, 0, 0);
	call32(NR_GETPPID, 0, 0, 0, 0, 0);
	return 0;
}
