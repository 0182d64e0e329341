// SPDX-License-Identifier: GPL-2.0
/*
 * workload FILE ROUNDS KIND=COUNT...: does each kind of work COUNT times a round
 * and writes a line a round: kind, system calls, ns of the clock, ns of CPU time.
 * The first line of a kind is a warming-up: slabs and page tables settle only after
 * some ten thousand calls.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FILE_NAME "/dev/shm/bench-file"
#define WARM_UP 5

static int zero_fd;
static int ping[2], pong[2];

static void getppid_once(void)
{
	syscall(SYS_getppid);
}

static void read_once(void)
{
	char byte;

	if (syscall(SYS_read, zero_fd, &byte, 1) != 1)
		err(1, "read");
}

static void openat_close_once(void)
{
	int fd = syscall(SYS_openat, AT_FDCWD, FILE_NAME, O_RDONLY, 0);

	if (fd < 0 || syscall(SYS_close, fd))
		err(1, "openat or close of %s", FILE_NAME);
}

static void stat_once(void)
{
	struct stat buf;

	if (syscall(SYS_newfstatat, AT_FDCWD, FILE_NAME, &buf, 0))
		err(1, "newfstatat of %s", FILE_NAME);
}

static void mix_once(void)
{
	getppid_once();
	read_once();
	openat_close_once();
}

static void send(int fd)
{
	if (write(fd, "", 1) != 1)
		err(1, "write");
}

static void receive(int fd)
{
	char byte;

	if (read(fd, &byte, 1) != 1)
		err(1, "read");
}

static void *answer(void *unused)
{
	for (;;) {
		receive(ping[0]);
		send(pong[1]);
	}
	return unused;
}

static void pipe_once(void)
{
	pthread_t thread;

	/* Not before: a process with threads pays more for every descriptor. */
	if (!ping[1] && (pipe(ping) || pipe(pong) ||
			 pthread_create(&thread, NULL, answer, NULL)))
		err(1, "pipe");
	send(ping[1]);
	receive(pong[0]);
}

static void fork_exec_once(void)
{
	char *argv[] = { "workload", NULL };
	pid_t child = fork();

	if (child == 0) {
		execv("/proc/self/exe", argv);
		_exit(127);
	}
	if (child < 0 || waitpid(child, NULL, 0) != child)
		err(1, "fork");
}

static const struct kind {
	const char *name;
	void (*once)(void);
	int calls; /* system calls that it is counted as */
} kinds[] = {
	{ "getppid", getppid_once, 1 },
	{ "read", read_once, 1 },
	{ "openat_close", openat_close_once, 2 },
	{ "stat", stat_once, 1 },
	{ "pipe", pipe_once, 4 },
	{ "fork_exec", fork_exec_once, 1 },
	{ "mix", mix_once, 4 },
};

static long long clock_ns(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return now.tv_sec * 1000000000ll + now.tv_nsec;
}

/* Of all threads, and of children that ended. */
static long long cpu_ns(void)
{
	struct rusage ended;

	getrusage(RUSAGE_CHILDREN, &ended);
	return clock_ns(CLOCK_PROCESS_CPUTIME_ID) +
	       (ended.ru_utime.tv_sec + ended.ru_stime.tv_sec) * 1000000000ll +
	       (ended.ru_utime.tv_usec + ended.ru_stime.tv_usec) * 1000ll;
}

static void run(const struct kind *kind, long count, int rounds)
{
	for (int round = 0; round <= rounds; round++) {
		long times = round ? count : WARM_UP * count;
		long long wall = clock_ns(CLOCK_MONOTONIC), cpu = cpu_ns();

		for (long i = 0; i < times; i++)
			kind->once();
		cpu = cpu_ns() - cpu;
		wall = clock_ns(CLOCK_MONOTONIC) - wall;
		printf("%s %ld %lld %lld\n", kind->name, times * kind->calls,
		       wall, cpu);
	}
}

static const struct kind *find_kind(const char *name, size_t length)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (strlen(kinds[i].name) == length &&
		    !strncmp(name, kinds[i].name, length))
			return &kinds[i];
	errx(2, "no kind of work: %s", name);
}

int main(int argc, char **argv)
{
	/* fork_exec's child */
	if (argc < 2)
		return 0;
	zero_fd = open("/dev/zero", O_RDONLY);
	if (zero_fd < 0 || close(open(FILE_NAME, O_CREAT | O_WRONLY, 0644)) ||
	    !freopen(argv[1], "w", stdout))
		err(1, "cannot prepare");
	for (int i = 3; i < argc; i++) {
		size_t length = strcspn(argv[i], "=");

		run(find_kind(argv[i], length), atol(argv[i] + length + 1),
		    atoi(argv[2]));
	}
	return 0;
}
