// SPDX-License-Identifier: GPL-2.0
/*
 * absent FILE: opens paths whose memory is not there when the call is entered: one in
 * a page of FILE, which is dropped, one that ends at the end of its page, and one that
 * goes on into a page that nobody may read.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE 4096

static const char name[] = "/etc/hostname";

int main(int argc, char **argv)
{
	char *pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = open(argv[1], O_CREAT | O_TRUNC | O_RDWR, 0644);
	char *mapped;

	if (argc != 2 || write(fd, name, sizeof(name)) != sizeof(name) ||
	    fsync(fd))
		return 1;
	mapped = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	if (mapped == MAP_FAILED || pages == MAP_FAILED ||
	    mprotect(pages + PAGE, PAGE, PROT_NONE))
		return 1;
	strcpy(pages + PAGE - sizeof(name), name);
	madvise(mapped, PAGE, MADV_DONTNEED);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	syscall(SYS_getppid);
	syscall(SYS_openat, AT_FDCWD, mapped, O_RDONLY, 0);
	syscall(SYS_openat, AT_FDCWD, pages + PAGE - sizeof(name), O_RDONLY, 0);
	memset(pages + PAGE - 4, '/', 4);
	syscall(SYS_openat, AT_FDCWD, pages + PAGE - 4, O_RDONLY, 0);
	return 0;
}
