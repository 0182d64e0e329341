// SPDX-License-Identifier: GPL-2.0
/*
 * A second in user mode, one in the kernel and one asleep. Prints what getrusage and
 * CLOCK_MONOTONIC say of each: user, system and wall ns.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t is_over;
static char buffer[1 << 20];

static void on_alarm(int signum)
{
	(void)signum;
	is_over = 1;
}

static long long ns_of(struct timeval time)
{
	return time.tv_sec * 1000000000ll + time.tv_usec * 1000ll;
}

static void spin(void)
{
	while (!is_over)
		;
}

static void read_zeros(void)
{
	int fd = open("/dev/zero", O_RDONLY);

	while (!is_over)
		if (read(fd, buffer, sizeof(buffer)) <= 0)
			break;
	close(fd);
}

static void sleep_one(void)
{
	while (!is_over)
		pause();
}

static void measure(const char *name, void (*work)(void))
{
	const struct itimerval second = { .it_value.tv_sec = 1 };
	struct rusage before, after;
	struct timespec began, ended;

	is_over = 0;
	getrusage(RUSAGE_SELF, &before);
	clock_gettime(CLOCK_MONOTONIC, &began);
	setitimer(ITIMER_REAL, &second, NULL);
	work();
	clock_gettime(CLOCK_MONOTONIC, &ended);
	getrusage(RUSAGE_SELF, &after);
	printf("%s %lld %lld %lld\n", name, ns_of(after.ru_utime) - ns_of(before.ru_utime),
	       ns_of(after.ru_stime) - ns_of(before.ru_stime),
	       (ended.tv_sec - began.tv_sec) * 1000000000ll + ended.tv_nsec - began.tv_nsec);
}

int main(void)
{
	signal(SIGALRM, on_alarm);
	measure("user", spin);
	measure("kernel", read_zeros);
	measure("asleep", sleep_one);
	return 0;
}
