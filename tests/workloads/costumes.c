// SPDX-License-Identifier: GPL-2.0
/*
 * costumes SLICE CONTAINER: the same numbered calls over and over, in three processes
 * that meanwhile change what filters look at: name, user, CPU and cgroup, of which SLICE
 * and CONTAINER are directories.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stay_on.h"

#define NOBODY 65534

static int number;

static void act(void)
{
	char name[64];
	int fd;

	for (int i = 0; i < 3; i++) {
		syscall(SYS_lseek, 900, number++, SEEK_SET);	/* EBADF */
		snprintf(name, sizeof(name), "/nowhere/%d", number++);
		syscall(SYS_openat, AT_FDCWD, name, O_RDONLY);	/* ENOENT */
		fd = syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY);
		if (fd < 0)
			err(1, "/dev/null");
		syscall(SYS_lseek, fd, number++, SEEK_SET);
		close(fd);
	}
}

static void go_to(int cpu)
{
	stay_on(cpu);
	act();
}

static void call_it(const char *name)
{
	prctl(PR_SET_NAME, name);
	act();
}

static void join(const char *cgroup)
{
	char name[256];
	int fd;

	snprintf(name, sizeof(name), "%s/cgroup.procs", cgroup);
	fd = open(name, O_WRONLY);
	if (fd < 0 || write(fd, "0", 1) != 1)
		err(1, "%s", name);
	close(fd);
	act();
}

static void become_nobody(void)
{
	/* The call itself: the library's tells other threads, too. */
	if (syscall(SYS_setuid, NOBODY))
		err(1, "setuid");
	act();
}

static void change_in(const char *cgroup, int base)
{
	number = base;
	join(cgroup);
	go_to(1);
	call_it("marked");
	become_nobody();
	go_to(0);
	call_it("other");
}

static pid_t start(void)
{
	pid_t child = fork();

	if (child < 0)
		err(1, "fork");
	return child;
}

int main(int argc, char **argv)
{
	char *again[] = { argv[0], NULL };

	if (argc < 3) {
		/* What the exec below became. */
		number = 3000;
		go_to(1);
		call_it("marked");
		return 0;
	}
	go_to(0);
	call_it("marked");
	go_to(1);
	if (!start()) {
		change_in(argv[1], 1000);
		_exit(0);
	}
	waitpid(-1, NULL, 0);
	call_it("other");
	if (!start()) {
		change_in(argv[2], 2000);
		execv(argv[0], again);
		err(1, "%s", argv[0]);
	}
	waitpid(-1, NULL, 0);
	go_to(0);
	return 0;
}
