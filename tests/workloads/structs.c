// SPDX-License-Identifier: GPL-2.0
/*
 * structs: calls whose arguments point to structures and buffers, by their numbers,
 * so that neither the C library nor the vDSO makes others of them. The first is
 * getppid.
 */
#define _GNU_SOURCE
#include <asm/termbits.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "old.h"

#define FILE_NAME "/dev/shm/structs"

/* As the kernel has it. */
struct action {
	void (*handler)(int);
	unsigned long flags;
	void (*restorer)(void);
	unsigned long mask;
};

static char buffer[256];
static char *nowhere;

static void times(void)
{
	struct timespec moment = { 0, 1000 }, pair[2] = { { 5, 6 }, { 0, UTIME_OMIT } };
	struct itimerval timer = { { 0, 0 }, { 1000, 5 } };
	struct itimerspec spec = { { 1, 2 }, { 1000, 3 } };
	int fd;

	syscall(SYS_nanosleep, &moment, NULL);
	syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &moment, NULL);
	syscall(SYS_nanosleep, nowhere, NULL);
	syscall(SYS_utimensat, AT_FDCWD, FILE_NAME, pair, 0);
	syscall(SYS_setitimer, ITIMER_REAL, &timer, NULL);
	timer.it_value = (struct timeval){ 0, 0 };
	syscall(SYS_setitimer, ITIMER_REAL, &timer, NULL);
	syscall(SYS_getitimer, ITIMER_REAL, &timer);
	fd = syscall(SYS_timerfd_create, CLOCK_MONOTONIC, 0);
	syscall(SYS_timerfd_settime, fd, 0, &spec, NULL);
	syscall(SYS_close, fd);
}

static void signals(void)
{
	struct action action = { SIG_IGN, SA_RESTART, NULL, 1 << (SIGINT - 1) }, old;
	unsigned long set = 1 << (SIGUSR1 - 1) | 1 << (SIGCHLD - 1), before;
	stack_t stack = { .ss_sp = buffer, .ss_flags = SS_DISABLE };

	syscall(SYS_rt_sigaction, SIGUSR2, &action, &old, 8);
	syscall(SYS_rt_sigaction, SIGUSR2, NULL, &old, 8);
	syscall(SYS_rt_sigprocmask, SIG_BLOCK, &set, &before, 8);
	set = ~0ul;
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, &set, 8);
	syscall(SYS_rt_sigprocmask, SIG_BLOCK, nowhere, NULL, 8);
	syscall(SYS_sigaltstack, &stack, NULL);
}

static void limits(void)
{
	struct rlimit limit = { 512, 4096 };
	struct sched_param param;
	unsigned int ids[3];

	syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &limit, NULL);
	syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, &limit);
	syscall(SYS_getrlimit, RLIMIT_CORE, &limit);
	syscall(SYS_sched_getparam, 0, &param);
	syscall(SYS_getresuid, &ids[0], &ids[1], &ids[2]);
}

static void files(void)
{
	struct statx buf;
	struct stat st;
	struct utsname name;
	int fd = syscall(SYS_openat, AT_FDCWD, FILE_NAME, O_CREAT | O_RDWR, 0640);

	syscall(SYS_pwrite64, fd, "hello, world\n", 13, 0);
	syscall(SYS_pread64, fd, buffer, 5, 0);
	syscall(SYS_fstat, fd, &st);
	syscall(SYS_newfstatat, AT_FDCWD, "/dev/null", &st, 0);
	syscall(SYS_newfstatat, AT_FDCWD, "/tmp", &st, 0);
	syscall(SYS_newfstatat, AT_FDCWD, "/missing", &st, 0);
	syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_SIZE, &buf);
	syscall(SYS_uname, &name);
	OLD(symlink, "where/to", "/dev/shm/link");
	OLD(readlink, "/dev/shm/link", buffer, sizeof(buffer));
	OLD(unlink, "/dev/shm/link");
	syscall(SYS_chdir, "/dev/shm");
	syscall(SYS_getcwd, buffer, sizeof(buffer));
	syscall(SYS_close, fd);
}

static void pipes(void)
{
	char first[4] = "abc", second[4] = "de";
	struct iovec out[] = { { first, 3 }, { second, 2 } };
	struct iovec in[] = { { first, 4 }, { second, 4 } };
	struct pollfd polled;
	struct epoll_event event = { EPOLLIN | EPOLLET, { .u64 = 7 } };
	struct timespec second_one = { 1, 0 };
	int fds[2], epoll;

	syscall(SYS_pipe2, fds, O_CLOEXEC);
	syscall(SYS_write, fds[1], "one\n", 4);
	syscall(SYS_write, fds[1], nowhere, 5);
	polled = (struct pollfd){ fds[0], POLLIN | POLLPRI, 0 };
	syscall(SYS_ppoll, &polled, 1, &second_one, NULL, 8);
	epoll = syscall(SYS_epoll_create1, 0);
	syscall(SYS_epoll_ctl, epoll, EPOLL_CTL_ADD, fds[0], &event);
	OLD(epoll_wait, epoll, &event, 1, -1);
	syscall(SYS_read, fds[0], buffer, sizeof(buffer));
	syscall(SYS_writev, fds[1], out, 2);
	syscall(SYS_readv, fds[0], in, 2);
	syscall(SYS_write, fds[1],
		"a long line, of which only the first bytes are shown\n", 53);
	syscall(SYS_read, fds[0], buffer, sizeof(buffer));
	syscall(SYS_close, epoll);
}

static void sockets(void)
{
	struct iovec part = { "message", 7 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	struct sockaddr_un own;
	socklen_t length = sizeof(own);
	int fds[2];

	syscall(SYS_socketpair, AF_UNIX, SOCK_DGRAM, 0, fds);
	syscall(SYS_sendmsg, fds[0], &message, 0);
	part = (struct iovec){ buffer, sizeof(buffer) };
	syscall(SYS_recvmsg, fds[1], &message, 0);
	syscall(SYS_sendto, fds[1], "reply", 5, MSG_DONTWAIT, NULL, 0);
	syscall(SYS_recvfrom, fds[0], buffer, sizeof(buffer), 0, NULL, NULL);
	syscall(SYS_getsockname, fds[0], &own, &length);
}

static void polls(void)
{
	struct timespec moment = { 0, 1000 }, second = { 1, 0 };
	struct pollfd polled[3];
	fd_set in, out, except;
	int fds[2], empty[2];

	syscall(SYS_pipe2, fds, 0);
	syscall(SYS_pipe2, empty, 0);
	polled[0] = (struct pollfd){ fds[0], POLLIN, 0 };
	polled[1] = (struct pollfd){ fds[1], POLLOUT, 0 };
	polled[2] = (struct pollfd){ -1, POLLIN, 0 };
	OLD(poll, polled, 1, 0);
	syscall(SYS_write, fds[1], "abc", 3);
	OLD(poll, polled, 3, 100);
	syscall(SYS_ppoll, polled, 2, &second, NULL, 8);
	polled[0].fd = empty[0];
	syscall(SYS_ppoll, polled, 1, &moment, NULL, 8);
	polled[0].fd = 99;
	OLD(poll, polled, 2, 0);
	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_ZERO(&except);
	FD_SET(fds[0], &in);
	FD_SET(empty[0], &in);
	FD_SET(fds[1], &out);
	FD_SET(fds[0], &except);
	OLD(select, empty[1] + 1, &in, &out, &except,
	    &(struct timeval){ 1, 0 });
	FD_ZERO(&in);
	FD_SET(empty[0], &in);
	syscall(SYS_pselect6, empty[1] + 1, &in, NULL, NULL, &moment, NULL);
	FD_SET(fds[0], &in);
	syscall(SYS_pselect6, empty[1] + 1, &in, NULL, NULL, NULL, NULL);
	FD_SET(99, &in);
	OLD(select, 100, &in, NULL, NULL, NULL);
}

static void commands(void)
{
	struct flock lock = { .l_type = F_WRLCK, .l_start = 1, .l_len = 2 };
	struct f_owner_ex owner = { F_OWNER_PID, 0 };
	struct winsize window = { 24, 80, 0, 0 };
	struct termios settings;
	int fds[2], fd, number = 1;

	syscall(SYS_pipe2, fds, 0);
	syscall(SYS_write, fds[1], "abc", 3);
	syscall(SYS_ioctl, fds[0], FIONREAD, &number);
	syscall(SYS_ioctl, fds[0], FIONBIO, &number);
	syscall(SYS_ioctl, fds[0], TCGETS, &settings);
	fd = syscall(SYS_openat, AT_FDCWD, "/dev/ptmx", O_RDWR | O_NOCTTY, 0);
	syscall(SYS_ioctl, fd, TCGETS, &settings);
	syscall(SYS_ioctl, fd, TCSETS, &settings);
	syscall(SYS_ioctl, fd, TIOCSWINSZ, &window);
	syscall(SYS_ioctl, fd, TIOCGWINSZ, &window);
	syscall(SYS_ioctl, fd, TIOCGPTN, &number);
	syscall(SYS_close, fd);
	fd = syscall(SYS_openat, AT_FDCWD, FILE_NAME, O_RDWR, 0);
	syscall(SYS_fcntl, fd, F_SETLK, &lock);
	syscall(SYS_fcntl, fd, F_GETLK, &lock);
	lock = (struct flock){ .l_type = F_UNLCK, .l_whence = SEEK_END };
	syscall(SYS_fcntl, fd, F_OFD_SETLKW, &lock);
	syscall(SYS_fcntl, fd, F_SETOWN_EX, &owner);
	syscall(SYS_fcntl, fd, F_GETOWN_EX, &owner);
	syscall(SYS_fcntl, fd, F_SETLK, nowhere);
	syscall(SYS_close, fd);
}

static void threads(void)
{
	struct clone_args args = { .flags = CLONE_NEWNS | CLONE_THREAD,
				   .exit_signal = SIGCHLD,
				   .stack_size = 4096 };

	syscall(SYS_clone3, &args, 64);
	syscall(SYS_clone3, &args, 8);
	args.cgroup = 7;
	syscall(SYS_clone3, &args, sizeof(args));
}

static void children(void)
{
	int status;
	long child = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	if (!child)
		_exit(3);
	syscall(SYS_wait4, child, &status, 0, NULL);
	child = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (!child) {
		kill(getpid(), SIGKILL);
		_exit(1);
	}
	syscall(SYS_wait4, child, &status, 0, NULL);
}

int main(void)
{
	nowhere = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	/* Also of the texts below, so that they are in memory. */
	if (mlockall(MCL_CURRENT))
		return 1;
	syscall(SYS_getppid);
	files();
	times();
	signals();
	limits();
	pipes();
	sockets();
	polls();
	commands();
	threads();
	children();
	return 0;
}
