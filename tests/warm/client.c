/* Has tracectl run by server.py: with its arguments, this process's directory,
 * environment and descriptors 0, 1 and 2. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define MESSAGE_BYTES (64 << 10)

extern char **environ;

static char message[MESSAGE_BYTES];
static size_t used;
static pid_t runner;

static void fail(const char *what)
{
	perror(what);
	exit(125);
}

/* Each with its end: the directory, the arguments and an empty one, the environment. */
static void add(const char *text)
{
	size_t bytes = strlen(text) + 1;

	if (bytes > sizeof(message) - used) {
		errno = E2BIG;
		fail(text);
	}
	memcpy(message + used, text, bytes);
	used += bytes;
}

static void pass_on(int signum)
{
	kill(runner, signum);
}

static void receive(int fd, void *into, size_t bytes)
{
	ssize_t got;

	do
		got = recv(fd, into, bytes, 0);
	while (got < 0 && errno == EINTR);
	if (got != (ssize_t)bytes)
		fail("the server of tracectl");
}

int main(int argc, char **argv)
{
	static const struct sockaddr_un server = { AF_UNIX, "\0tracectl" };
	static const int fds[] = { 0, 1, 2 };
	char control[CMSG_SPACE(sizeof(fds))] = { 0 };
	struct iovec text = { message, 0 };
	struct msghdr header = { .msg_iov = &text,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control) };
	struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
	struct sigaction passed = { .sa_handler = pass_on };
	char directory[4096];
	int fd, code;

	if (!getcwd(directory, sizeof(directory)))
		fail("getcwd");
	add(directory);
	for (int i = 1; i < argc; i++)
		add(argv[i]);
	add("");
	for (char **pair = environ; *pair; pair++)
		add(*pair);
	text.iov_len = used;
	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(rights), fds, sizeof(fds));
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0 ||
	    connect(fd, (const void *)&server, sizeof(server.sun_family) + 9) ||
	    sendmsg(fd, &header, 0) < 0)
		fail("the server of tracectl");
	receive(fd, &runner, sizeof(runner));
	sigaction(SIGTERM, &passed, NULL);
	receive(fd, &code, sizeof(code));
	return code;
}
