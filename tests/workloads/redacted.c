// SPDX-License-Identifier: GPL-2.0
/*
 * redacted: in /dev/shm/secret, makes files by paths of several forms, binds a socket
 * to one, and executes a copy of itself, "deed".
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sendfile.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static void copy(const char *from, const char *to)
{
	int in = open(from, O_RDONLY), out = open(to, O_CREAT | O_WRONLY, 0755);

	while (sendfile(out, in, NULL, 1 << 20) > 0)
		;
	close(in);
	close(out);
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = { AF_UNIX, "/dev/shm/secret/socket" };

	if (argc > 1)
		return 0;
	mkdir("/dev/shm/secret", 0755);
	mkdir("/dev/shm/secretary", 0755);
	close(open("/dev/shm/secret/plan", O_CREAT | O_RDWR, 0644));
	close(open("/dev/shm//secret/./plan", O_RDWR));
	access("/dev/../dev/shm/secret/plan", F_OK);
	rename("/dev/shm/secret/plan", "/dev/shm/secret/plot");
	symlink("secret/plot", "/dev/shm/link");
	chdir("/dev/shm/secret");
	access("plot", F_OK);
	bind(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&address, sizeof(address));
	copy("/proc/self/exe", "/dev/shm/secret/deed");
	if (!fork()) {
		execl("/dev/shm/secret/deed", "deed", "plot", NULL);
		_exit(127);
	}
	wait(NULL);
	return 0;
}
