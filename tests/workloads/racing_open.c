// SPDX-License-Identifier: GPL-2.0
/*
 * racing_open OPENS DIR TRUTH: opens DIR/race_a or DIR/race_b OPENS times while a
 * second thread flips the last letter of the name in place, and writes to TRUTH
 * one letter an open: the file that was really opened, told by its inode.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static char name[256] __attribute__((aligned(64)));
static volatile int stopped;

static void *flip(void *letter_)
{
	volatile char *letter = letter_;
	unsigned int seed = 1;

	while (!stopped) {
		*letter ^= 'a' ^ 'b';
		seed = seed * 1103515245 + 12345;
		for (volatile int i = (seed >> 16) % 200; i > 0; i--)
			;
	}
	return NULL;
}

static ino_t create(char letter, char *at)
{
	struct stat st;

	*at = letter;
	close(open(name, O_CREAT | O_WRONLY, 0644));
	return stat(name, &st) ? 0 : st.st_ino;
}

static char opened(ino_t a, ino_t b)
{
	int fd = syscall(SYS_openat, AT_FDCWD, name, O_RDONLY, 0);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return '?';
	close(fd);
	return st.st_ino == a ? 'a' : st.st_ino == b ? 'b' : '?';
}

int main(int argc, char **argv)
{
	long count = argc > 3 ? atol(argv[1]) : 0;
	char *truth = malloc(count + 1), *letter;
	pthread_t thread;
	ino_t a, b;
	int fd;

	if (count < 1 || snprintf(name, sizeof(name), "%s/race_a", argv[2]) >=
				 (int)sizeof(name)) {
		fprintf(stderr, "usage: racing_open OPENS DIR TRUTH\n");
		return 2;
	}
	letter = name + strlen(name) - 1;
	b = create('b', letter);
	a = create('a', letter);
	if (pthread_create(&thread, NULL, flip, letter))
		return 1;
	for (long i = 0; i < count; i++)
		truth[i] = opened(a, b);
	stopped = 1;
	pthread_join(thread, NULL);
	fd = open(argv[3], O_CREAT | O_TRUNC | O_WRONLY, 0644);
	return write(fd, truth, count) == count ? 0 : 1;
}
