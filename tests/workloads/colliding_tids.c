// SPDX-License-Identifier: GPL-2.0
/*
 * colliding_tids ROUNDS: on CPU 0 a process calls getppid so often, and for each time
 * another one, whose tid differs in none of its low 16 bits, sleeps around it. Needs
 * root, and a kernel.pid_max above 200,000.
 */
#define _GNU_SOURCE
#include <err.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "stay_on.h"

#define TID 100000

static pid_t fork_as(pid_t tid)
{
	struct clone_args args = {
		.exit_signal = SIGCHLD,
		.set_tid = (unsigned long)&tid,
		.set_tid_size = 1,
	};
	pid_t child = syscall(SYS_clone3, &args, sizeof(args));

	if (child < 0)
		err(1, "clone3");
	return child;
}

int main(int argc, char **argv)
{
	const struct timespec nap = { .tv_nsec = 20000000 };
	int rounds = argc > 1 ? atoi(argv[1]) : 1, status, failed = 0;

	stay_on(0);
	for (int i = 0; i < rounds; i++) {
		if (!fork_as(TID)) {
			nanosleep(&nap, NULL);
			_exit(0);
		}
		usleep(5000);
		if (!fork_as(TID + (1 << 16))) {
			syscall(SYS_getppid);
			_exit(0);
		}
		while (wait(&status) > 0)
			failed |= status;
	}
	return !!failed;
}
