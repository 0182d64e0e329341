// SPDX-License-Identifier: GPL-2.0
/*
 * outcomes DIRECTORY [ROUNDS]: calls that fail in several ways, calls that take 50 ms,
 * and calls with names in DIRECTORY and beside it. With ROUNDS it goes to and fro between
 * CPU 0 and CPU 1 so often instead, with ten calls of getppid on each.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "stay_on.h"

static void wander(int rounds)
{
	for (int i = 0; i < 2 * rounds; i++) {
		stay_on(i % 2);
		for (int j = 0; j < 10; j++)
			syscall(SYS_getppid);
	}
	stay_on(0);
}

static void look(const char *directory)
{
	struct stat buf;
	char name[256];
	int fd;

	snprintf(name, sizeof(name), "%s/file", directory);
	fd = open(name, O_RDWR | O_CREAT, 0600);
	if (fd < 0)
		err(1, "%s", name);
	syscall(SYS_write, fd, "x", 1);
	syscall(SYS_lseek, fd, 0, 99);			/* EINVAL */
	close(fd);
	syscall(SYS_read, fd, name, 1);			/* EBADF */
	snprintf(name, sizeof(name), "%s/none", directory);
	unlink(name);					/* ENOENT */
	stat(name, &buf);				/* ENOENT */
	snprintf(name, sizeof(name), "%s/file/none", directory);
	open(name, O_RDONLY);				/* ENOTDIR */
	snprintf(name, sizeof(name), "%s/file", directory);
	mkdir(name, 0700);				/* EEXIST */
	unlink(name);
	rmdir("/dev/shm/beside/none");			/* ENOENT */
	open("/dev/shm/beside", O_RDONLY | O_CREAT, 0600);
}

int main(int argc, char **argv)
{
	const struct timespec nap = { .tv_nsec = 50000000 };

	if (argc < 2)
		errx(2, "usage: outcomes DIRECTORY [ROUNDS]");
	if (argc > 2) {
		wander(atoi(argv[2]));
		return 0;
	}
	for (int i = 0; i < 20; i++) {
		look(argv[1]);
		syscall(SYS_getppid);
		if (i % 5 == 0)
			clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, NULL);
	}
	return 0;
}
