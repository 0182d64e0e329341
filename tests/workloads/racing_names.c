// SPDX-License-Identifier: GPL-2.0
/*
 * racing_names CALL COUNT DIR TRUTH: does CALL, one of open, execve, unlink and
 * rename, on DIR/race_a or DIR/race_b COUNT times or more (see race.h) while a
 * second thread flips the last letter of the name in place, and writes to TRUTH
 * one letter a call: the file that it really was.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "race.h"
#include "stay_on.h"

#define PATH_BYTES 256

#ifdef SYS_unlink
#define UNLINK(name) syscall(SYS_unlink, name)
#define RENAME(from, to) syscall(SYS_rename, from, to)
#else
#define UNLINK(name) syscall(SYS_unlinkat, AT_FDCWD, name, 0)
#define RENAME(from, to) \
	syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0)
#endif

static char name[PATH_BYTES] __attribute__((aligned(64)));
static char path_a[PATH_BYTES], path_b[PATH_BYTES], moved[PATH_BYTES + 8];
static volatile int stopped;

static void *flip(void *letter_)
{
	volatile char *letter = letter_;
	unsigned int seed = 1;

	stay_on(1);
	while (!stopped) {
		*letter ^= 'a' ^ 'b';
		seed = seed * 1103515245 + 12345;
		for (volatile int i = (seed >> 16) % 200; i > 0; i--)
			;
	}
	return NULL;
}

static void create(const char *path)
{
	close(open(path, O_CREAT | O_WRONLY, 0644));
}

static char which_is_gone(void)
{
	return access(path_a, F_OK) ? 'a' : access(path_b, F_OK) ? 'b' : '?';
}

static char do_open(void)
{
	int fd = syscall(SYS_openat, AT_FDCWD, name, O_RDONLY, 0);
	struct stat st, st_a;

	if (fd < 0 || fstat(fd, &st) || stat(path_a, &st_a))
		return '?';
	close(fd);
	return st.st_ino == st_a.st_ino ? 'a' : 'b';
}

/* Neither can be: race_a is no program, and race_b is not there. */
static char do_execve(void)
{
	char *argv[] = { name, NULL };

	execve(name, argv, argv + 1);
	return errno == EACCES ? 'a' : errno == ENOENT ? 'b' : '?';
}

static char do_unlink(void)
{
	char gone = UNLINK(name) ? '?' : which_is_gone();

	create(gone == 'a' ? path_a : path_b);
	return gone;
}

static char do_rename(void)
{
	char gone = RENAME(name, moved) ? '?' : which_is_gone();

	/* Not by rename(): those are the ones that are looked at. */
	unlink(moved);
	create(gone == 'a' ? path_a : path_b);
	return gone;
}

int main(int argc, char **argv)
{
	long count = argc == 5 ? atol(argv[2]) : 0;
	char *truth = malloc(PATIENCE * count + 1), *letter, before;
	long made, races = 0;
	char (*call)(void);
	pthread_t thread;
	int fd;

	if (count < 1 || strlen(argv[3]) > PATH_BYTES - 8) {
		fprintf(stderr, "usage: racing_names CALL COUNT DIR TRUTH\n");
		return 2;
	}
	call = argv[1][0] == 'o' ? do_open :
	       argv[1][0] == 'e' ? do_execve :
	       argv[1][0] == 'u' ? do_unlink : do_rename;
	sprintf(path_a, "%s/race_a", argv[3]);
	sprintf(path_b, "%s/race_b", argv[3]);
	sprintf(moved, "%s/moved", argv[3]);
	strcpy(name, path_a);
	letter = name + strlen(name) - 1;
	create(path_a);
	if (call != do_execve)
		create(path_b);
	/* Two threads of one CPU take turns, and do not race. */
	stay_on(0);
	if (pthread_create(&thread, NULL, flip, letter))
		return 1;
	for (made = 0; race_goes_on(made, count, races); made++) {
		before = *letter;
		truth[made] = call();
		races += truth[made] != '?' && truth[made] != before;
	}
	stopped = 1;
	pthread_join(thread, NULL);
	fd = open(argv[4], O_CREAT | O_TRUNC | O_WRONLY, 0644);
	return write(fd, truth, made) == made ? 0 : 1;
}
