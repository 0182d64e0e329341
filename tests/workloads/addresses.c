// SPDX-License-Identifier: GPL-2.0
/* Binds, connects and sends by addresses of four families, and asks for them again. */
#include <arpa/inet.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void ask(int fd)
{
	struct sockaddr_storage answer;
	socklen_t length = sizeof(answer);

	getsockname(fd, (struct sockaddr *)&answer, &length);
}

static void bind_to(int family, const void *address, socklen_t length)
{
	int fd = socket(family, SOCK_DGRAM, 0);

	bind(fd, address, length);
	ask(fd);
	close(fd);
}

static void ipv4(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(4004),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	}, peer;
	socklen_t length = sizeof(peer);
	int server = socket(AF_INET, SOCK_STREAM, 0), client, accepted;
	int on = 1;

	setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	bind(server, (void *)&address, sizeof(address));
	listen(server, 1);
	client = socket(AF_INET, SOCK_STREAM, 0);
	connect(client, (void *)&address, sizeof(address));
	accepted = accept(server, (void *)&peer, &length);
	length = sizeof(peer);
	getpeername(client, (void *)&peer, &length);
	close(client);
	close(accepted);
	close(server);
}

static void datagram(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(4005),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	}, from;
	socklen_t length = sizeof(from);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	char byte = 'x';

	bind(fd, (void *)&address, sizeof(address));
	sendto(fd, &byte, 1, 0, (void *)&address, sizeof(address));
	recvfrom(fd, &byte, 1, 0, (void *)&from, &length);
	close(fd);
}

int main(void)
{
	struct sockaddr_in6 ipv6 = {
		.sin6_family = AF_INET6,
		.sin6_port = htons(4006),
		.sin6_addr = IN6ADDR_LOOPBACK_INIT,
	};
	struct sockaddr_un named = { AF_UNIX, "/dev/shm/named" };
	struct sockaddr_un abstract = { AF_UNIX, "\0abstract" };
	struct sockaddr_nl netlink = { .nl_family = AF_NETLINK, .nl_groups = 1 };

	ipv4();
	datagram();
	bind_to(AF_INET6, &ipv6, sizeof(ipv6));
	bind_to(AF_UNIX, &named, sizeof(named));
	bind_to(AF_UNIX, &abstract, offsetof(struct sockaddr_un, sun_path) + 9);
	bind_to(AF_NETLINK, &netlink, sizeof(netlink));
	return 0;
}
