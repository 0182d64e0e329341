// SPDX-License-Identifier: GPL-2.0
/*
 * descriptors DIR: in DIR, makes file descriptors in every way, and after each one
 * writes what /proc shows of it to standard output: "FD PATH".
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static void show(int fd)
{
	char link[64], path[PATH_MAX];
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, path, sizeof(path));
	printf("%d %.*s\n", fd, (int)length, path);
}

static void send_one(int socket, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = {}, byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = sizeof(control) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(int));
	sendmsg(socket, &message, 0);
}

static int receive_one(int socket)
{
	char control[CMSG_SPACE(sizeof(int))], byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = sizeof(control) };
	int fd;

	recvmsg(socket, &message, 0);
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(int));
	return fd;
}

int main(int argc, char **argv)
{
	struct sockaddr_un name = { AF_UNIX, "socket" };
	int fd, ends[2], pair[2], server, client;

	if (argc != 2 || chdir(argv[1]))
		return 1;
	fd = open("file", O_RDWR | O_CREAT, 0644);
	show(fd);
	symlink("file", "link");
	show(open("link", O_RDONLY));
	mkdir("directory", 0755);
	show(openat(open(".", O_DIRECTORY), "directory/../link", O_RDONLY));
	show(dup(fd));
	show(fcntl(fd, F_DUPFD_CLOEXEC, 20));
	show(dup2(fd, 30));
	show(dup3(fd, 31, O_CLOEXEC));
	pipe(ends);
	show(ends[0]);
	show(ends[1]);
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	show(pair[0]);
	show(pair[1]);
	send_one(pair[0], fd);
	show(receive_one(pair[1]));
	server = socket(AF_UNIX, SOCK_STREAM, 0);
	show(server);
	bind(server, (void *)&name, sizeof(name));
	listen(server, 1);
	client = socket(AF_UNIX, SOCK_STREAM, 0);
	connect(client, (void *)&name, sizeof(name));
	show(accept(server, NULL, NULL));
	show(epoll_create1(0));
	show(eventfd(0, 0));
	show(memfd_create("memory", 0));
	show(syscall(SYS_pidfd_open, getpid(), 0));
	unlink("file");
	show(open("/proc/self/fd/3", O_RDONLY));
	fflush(stdout);
	close(30);
	close(fd);
	return 0;
}
