// SPDX-License-Identifier: GPL-2.0
/*
 * racing_ports CALL COUNT TRUTH: does CALL, connect or bind, of a socket to port
 * 4001 or 4002 COUNT times or more (see race.h) while a second thread flips the
 * port in place, and writes to TRUTH a digit a call: the port that it really was.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "race.h"
#include "stay_on.h"

static struct sockaddr_in address = { .sin_family = AF_INET };
static volatile int stopped;

static void *flip(void *nothing)
{
	volatile in_port_t *port = &address.sin_port;
	unsigned int seed = 1;

	stay_on(1);
	while (!stopped) {
		*port ^= htons(4001) ^ htons(4002);
		seed = seed * 1103515245 + 12345;
		for (volatile int i = (seed >> 16) % 200; i > 0; i--)
			;
	}
	return nothing;
}

static char digit_of(in_port_t port)
{
	return '0' + ntohs(port) % 10;
}

static char use(int is_connect)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in used = {};
	socklen_t length = sizeof(used);

	if (is_connect) {
		connect(fd, (void *)&address, sizeof(address));
		getpeername(fd, (void *)&used, &length);
	} else {
		bind(fd, (void *)&address, sizeof(address));
		getsockname(fd, (void *)&used, &length);
	}
	close(fd);
	return digit_of(used.sin_port);
}

int main(int argc, char **argv)
{
	long count = argc == 4 ? atol(argv[2]) : 0;
	char *truth = malloc(PATIENCE * count + 1), before;
	long made, races = 0;
	pthread_t thread;
	int fd;

	if (count < 1) {
		fprintf(stderr, "usage: racing_ports CALL COUNT TRUTH\n");
		return 2;
	}
	address.sin_port = htons(4001);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	/* Two threads of one CPU take turns, and do not race. */
	stay_on(0);
	if (pthread_create(&thread, NULL, flip, NULL))
		return 1;
	for (made = 0; race_goes_on(made, count, races); made++) {
		before = digit_of(address.sin_port);
		truth[made] = use(argv[1][0] == 'c');
		races += truth[made] != before;
	}
	stopped = 1;
	pthread_join(thread, NULL);
	fd = open(argv[3], O_CREAT | O_TRUNC | O_WRONLY, 0644);
	return write(fd, truth, made) == made ? 0 : 1;
}
