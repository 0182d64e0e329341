// SPDX-License-Identifier: GPL-2.0
/*
 * many_threads COUNT CALLS: COUNT threads that live at once, of which each makes CALLS
 * getppid calls when all have begun. Prints "ready" then; with a third argument they wait
 * for the end of stdin before they call.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static pthread_barrier_t begun, called;
static long calls;

static void *run(void *unused)
{
	(void)unused;
	pthread_barrier_wait(&begun);
	for (long i = 0; i < calls; i++)
		syscall(SYS_getppid);
	pthread_barrier_wait(&called);
	return NULL;
}

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 0;
	pthread_attr_t attributes;
	pthread_t *ids = calloc(count, sizeof(*ids));
	char byte;

	calls = argc > 2 ? atol(argv[2]) : 1;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 16384);
	pthread_barrier_init(&begun, NULL, count + 1);
	pthread_barrier_init(&called, NULL, count + 1);
	for (int i = 0; i < count; i++)
		if (pthread_create(&ids[i], &attributes, run, NULL)) {
			fprintf(stderr, "thread %d of %d cannot be made\n", i, count);
			return 1;
		}
	puts("ready");
	fflush(stdout);
	if (argc > 3)
		while (read(0, &byte, 1) > 0)
			;
	pthread_barrier_wait(&begun);
	pthread_barrier_wait(&called);
	for (int i = 0; i < count; i++)
		pthread_join(ids[i], NULL);
	free(ids);
	return 0;
}
