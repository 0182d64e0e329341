// SPDX-License-Identifier: GPL-2.0
/* getppid_threads CALLS THREADS: exactly CALLS getppid calls, in THREADS threads. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static void *run(void *calls)
{
	for (long i = 0; i < *(long *)calls; i++)
		syscall(SYS_getppid);
	return NULL;
}

int main(int argc, char **argv)
{
	long calls = argc > 1 ? atol(argv[1]) : 200000;
	int threads = argc > 2 ? atoi(argv[2]) : 4;
	pthread_t ids[64];
	long share;

	if (threads < 1 || threads > 64 || calls % threads) {
		fprintf(stderr, "usage: getppid_threads CALLS THREADS\n");
		return 2;
	}
	share = calls / threads;
	for (int i = 0; i < threads; i++)
		if (pthread_create(&ids[i], NULL, run, &share))
			return 1;
	for (int i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
	return 0;
}
