// SPDX-License-Identifier: GPL-2.0
/*
 * calls DIR: in DIR, makes some 150 system calls by their numbers, each with
 * arguments that tell whether a tracer knows what they mean. Whether they succeed
 * is of no interest.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <sys/random.h>
#include <sys/xattr.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define CWD AT_FDCWD
#define DO(call, ...) syscall(SYS_##call, ##__VA_ARGS__)

static char buffer[65536];
static struct timespec zero, soon = { 0, 1000 };

static void files(void)
{
	struct open_how how = { O_RDONLY | O_CLOEXEC, 0, RESOLVE_BENEATH };
	struct flock lock = { F_WRLCK, SEEK_SET, 0, 0, 0 };
	struct iovec iov = { buffer, 8 };
	int fd = DO(open, "a", O_RDWR | O_CREAT | O_TRUNC, 0644);

	DO(openat, CWD, "a", O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
	DO(openat, CWD, ".", O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC);
	DO(openat, CWD, ".", O_RDWR | O_TMPFILE, 0600);
	DO(openat, CWD, "a", O_RDWR | O_SYNC | O_DIRECT | O_NOATIME);
	DO(openat, CWD, "a", O_RDONLY | O_PATH | O_DSYNC);
	DO(openat, 77, "none", O_RDONLY | O_EXCL | O_CREAT | O_NOCTTY, 04755);
	DO(openat2, CWD, "a", &how, sizeof(how));
	DO(creat, "b", 0700);
	DO(write, fd, buffer, 100);
	DO(pwrite64, fd, buffer, 10, 5);
	DO(pread64, fd, buffer, 10, 5);
	DO(read, fd, buffer, 10);
	DO(read, -1, buffer, 10);
	DO(readv, fd, &iov, 1);
	DO(writev, fd, &iov, 1);
	DO(lseek, fd, 0, SEEK_SET);
	DO(lseek, fd, -1, SEEK_CUR);
	DO(lseek, fd, 0, SEEK_DATA);
	DO(ftruncate, fd, 4096);
	DO(truncate, "a", 8192);
	DO(fallocate, fd, FALLOC_FL_KEEP_SIZE, 0, 4096);
	DO(fallocate, fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096);
	DO(fadvise64, fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	DO(fsync, fd);
	DO(fdatasync, fd);
	DO(sync_file_range, fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	DO(flock, fd, LOCK_EX | LOCK_NB);
	DO(flock, fd, LOCK_UN);
	DO(fcntl, fd, F_GETFD);
	DO(fcntl, fd, F_SETFD, FD_CLOEXEC);
	DO(fcntl, fd, F_GETFL);
	DO(fcntl, fd, F_SETFL, O_RDWR | O_APPEND | O_NONBLOCK);
	DO(fcntl, fd, F_DUPFD, 20);
	DO(fcntl, fd, F_DUPFD_CLOEXEC, 20);
	DO(fcntl, fd, F_SETLK, &lock);
	DO(fcntl, fd, F_GETLK, &lock);
	DO(fcntl, fd, F_OFD_SETLK, &lock);
	DO(fcntl, fd, F_SETOWN, 0);
	DO(fcntl, fd, F_SETSIG, SIGIO);
	DO(fcntl, fd, F_GETPIPE_SZ);
	DO(fcntl, fd, F_SETLEASE, F_RDLCK);
	DO(fcntl, fd, F_NOTIFY, 0);
	DO(fcntl, fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK);
	DO(fcntl, fd, F_GET_SEALS);
	DO(fcntl, fd, 9999, 1);
	DO(ioctl, fd, TCGETS, buffer);
	DO(ioctl, fd, TIOCGWINSZ, buffer);
	DO(ioctl, fd, FIONREAD, buffer);
	DO(ioctl, fd, FIOCLEX);
	DO(ioctl, fd, FIONBIO, &zero);
	DO(ioctl, fd, TIOCGPGRP, buffer);
	DO(ioctl, fd, 0x80081272, buffer);
	DO(ioctl, fd, 0xc0de1234, 0x10);
	DO(dup, fd);
	DO(dup2, fd, 30);
	DO(dup3, fd, 31, O_CLOEXEC);
	DO(close, 31);
	DO(close_range, 30, 40, 0);
	DO(close_range, 1000, ~0u, CLOSE_RANGE_CLOEXEC);
	DO(close, 77);
	DO(sendfile, fd, fd, 0, 10);
	DO(copy_file_range, fd, 0, fd, 0, 10, 0);
	DO(getdents64, fd, buffer, sizeof(buffer));
	DO(fstatfs, fd, buffer);
	DO(fstat, fd, buffer);
	DO(fchmod, fd, 0640);
	DO(fchown, fd, 0, -1);
}

static void names(void)
{
	DO(stat, "a", buffer);
	DO(lstat, "none", buffer);
	DO(newfstatat, CWD, "a", buffer, AT_SYMLINK_NOFOLLOW);
	DO(newfstatat, 3, "", buffer, AT_EMPTY_PATH);
	DO(statx, CWD, "a", AT_STATX_SYNC_AS_STAT, STATX_BASIC_STATS, buffer);
	DO(statx, CWD, "a", AT_NO_AUTOMOUNT | AT_SYMLINK_NOFOLLOW, STATX_MODE | STATX_SIZE, buffer);
	DO(statfs, ".", buffer);
	DO(access, "a", F_OK);
	DO(access, "a", R_OK | W_OK | X_OK);
	DO(faccessat, CWD, "a", R_OK);
	DO(faccessat2, CWD, "a", W_OK, AT_EACCESS);
	DO(mkdir, "dir", 0755);
	DO(mkdirat, CWD, "dir", 01777);
	DO(rmdir, "none");
	DO(unlinkat, CWD, "dir", AT_REMOVEDIR);
	DO(symlink, "target", "link");
	DO(symlinkat, "target", CWD, "link2");
	DO(readlink, "link", buffer, 100);
	DO(readlinkat, CWD, "link", buffer, 100);
	DO(link, "a", "c");
	DO(linkat, CWD, "a", CWD, "d", AT_SYMLINK_FOLLOW);
	DO(rename, "c", "e");
	DO(renameat, CWD, "e", CWD, "f");
	DO(renameat2, CWD, "f", CWD, "g", RENAME_NOREPLACE);
	DO(unlink, "g");
	DO(mknod, "fifo", S_IFIFO | 0600, 0);
	DO(mknodat, CWD, "device", S_IFCHR | 0600, 0x103);
	DO(mknodat, CWD, "regular", S_IFREG | 0644, 0);
	DO(chmod, "a", 0);
	DO(fchmodat, CWD, "a", 04711);
	DO(chown, "a", 0, 0);
	DO(lchown, "a", -1, 0);
	DO(fchownat, CWD, "a", 0, 0, AT_SYMLINK_NOFOLLOW);
	DO(utimensat, CWD, "a", 0, AT_SYMLINK_NOFOLLOW);
	DO(umask, 027);
	DO(setxattr, "a", "user.x", "1", 1, XATTR_CREATE);
	DO(getxattr, "a", "user.x", buffer, 10);
	DO(listxattr, "a", buffer, 10);
	DO(mount, "none", "/none", "tmpfs", MS_NOSUID | MS_NODEV | MS_RDONLY, 0);
	DO(umount2, "/none", MNT_DETACH | UMOUNT_NOFOLLOW);
	DO(chroot, "/none");
	DO(getcwd, buffer, 100);
	DO(chdir, ".");
	DO(fchdir, 77);
}

static void events(void)
{
	struct epoll_event event = { EPOLLIN | EPOLLET, { .fd = 1 } };
	struct itimerspec once = { {}, { 1, 0 } };
	struct pollfd pollfd = { 0, POLLIN, 0 };
	struct timeval no_time = {};
	int ends[2], epoll, event_fd, timer, watch;
	fd_set set;
	sigset_t mask;

	FD_ZERO(&set);
	sigemptyset(&mask);
	DO(pipe, ends);
	DO(pipe2, ends, O_CLOEXEC | O_NONBLOCK);
	DO(splice, ends[0], 0, ends[1], 0, 10, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	DO(tee, ends[0], ends[1], 10, SPLICE_F_NONBLOCK);
	DO(vmsplice, ends[1], &(struct iovec){ buffer, 1 }, 1, SPLICE_F_GIFT);
	epoll = DO(epoll_create1, EPOLL_CLOEXEC);
	event_fd = DO(eventfd2, 0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE);
	DO(epoll_ctl, epoll, EPOLL_CTL_ADD, event_fd, &event);
	DO(epoll_ctl, epoll, EPOLL_CTL_MOD, event_fd, &event);
	DO(epoll_ctl, epoll, EPOLL_CTL_DEL, event_fd, 0);
	DO(epoll_wait, epoll, &event, 1, 0);
	DO(epoll_wait, epoll, &event, -1, -1);
	DO(epoll_pwait, epoll, &event, 1, 0, &mask, 8);
	timer = DO(timerfd_create, CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	DO(timerfd_settime, timer, TFD_TIMER_ABSTIME, &once, 0);
	DO(timerfd_gettime, timer, buffer);
	DO(signalfd4, -1, &mask, 8, SFD_CLOEXEC | SFD_NONBLOCK);
	watch = DO(inotify_init1, IN_CLOEXEC | IN_NONBLOCK);
	DO(inotify_add_watch, watch, ".", IN_CREATE | IN_DELETE | IN_MOVED_TO);
	DO(inotify_rm_watch, watch, 1);
	DO(memfd_create, "memory", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	DO(poll, &pollfd, 1, 0);
	DO(poll, 0, 0, 1);
	DO(ppoll, &pollfd, 1, &zero, 0, 8);
	DO(select, 1, &set, 0, 0, &no_time);
	DO(pselect6, 1, &set, 0, 0, &zero, 0);
}

static void memory(void)
{
	char *page = (char *)DO(mmap, 0, 8192, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	DO(mmap, page, 4096, PROT_NONE,
	   MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	DO(mmap, 0, 4096, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_POPULATE, 3, 4096);
	DO(mmap, 0, 8192, PROT_READ | PROT_WRITE,
	   MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_GROWSDOWN, -1, 0);
	DO(mmap, 0, 4096, PROT_READ, MAP_SHARED_VALIDATE | MAP_LOCKED, 3, 0);
	DO(mmap, 0, 1 << 21, PROT_READ | PROT_WRITE,
	   MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | 21 << 26, -1, 0);
	DO(mprotect, page, 4096, PROT_READ | PROT_WRITE);
	DO(madvise, page, 4096, MADV_DONTNEED);
	DO(madvise, page, 4096, MADV_HUGEPAGE);
	DO(msync, page, 4096, MS_SYNC | MS_INVALIDATE);
	DO(mincore, page, 4096, buffer);
	DO(mlock, page, 4096);
	DO(mlock2, page, 4096, MLOCK_ONFAULT);
	DO(munlock, page, 4096);
	DO(mlockall, MCL_CURRENT | MCL_ONFAULT);
	DO(munlockall);
	DO(mremap, page, 4096, 8192, MREMAP_MAYMOVE);
	DO(munmap, page, 4096);
	DO(brk, 0);
}

static void processes(void)
{
	struct rlimit limit = { 100, 100 };
	cpu_set_t cpus;
	int status, child;

	DO(getpid);
	DO(getppid);
	DO(getuid);
	DO(geteuid);
	DO(getgid);
	DO(getpgrp);
	DO(getpgid, 0);
	DO(setpgid, 0, 0);
	DO(getsid, 0);
	DO(getgroups, 0, 0);
	DO(setresuid, -1, -1, -1);
	DO(setuid, 0);
	DO(getpriority, PRIO_PROCESS, 0);
	DO(setpriority, PRIO_PROCESS, 0, 1);
	DO(sched_yield);
	DO(sched_getaffinity, 0, sizeof(cpus), &cpus);
	DO(sched_getscheduler, 0);
	DO(sched_setscheduler, 0, SCHED_BATCH, &(int){ 0 });
	DO(sched_get_priority_max, SCHED_FIFO);
	DO(ioprio_get, 1, 0);
	DO(prctl, PR_SET_NAME, "name", 0, 0, 0);
	DO(prctl, PR_GET_NAME, buffer, 0, 0, 0);
	DO(prctl, PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
	DO(prctl, PR_GET_DUMPABLE, 0, 0, 0, 0);
	DO(prctl, PR_SET_DUMPABLE, 1, 0, 0, 0);
	DO(prctl, PR_CAPBSET_READ, 21, 0, 0, 0);
	DO(prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	DO(prctl, PR_SET_TIMERSLACK, 1000, 0, 0, 0);
	DO(prctl, 9999, 1, 2, 3, 4);
	DO(arch_prctl, 0x1003, buffer);
	DO(personality, 0xffffffff);
	DO(getrlimit, RLIMIT_NOFILE, buffer);
	DO(setrlimit, RLIMIT_CORE, &limit);
	DO(prlimit64, 0, RLIMIT_AS, 0, buffer);
	DO(getrusage, RUSAGE_SELF, buffer);
	DO(getrusage, RUSAGE_CHILDREN, buffer);
	DO(times, buffer);
	DO(uname, buffer);
	DO(sysinfo, buffer);
	DO(getrandom, buffer, 8, GRND_NONBLOCK);
	DO(getcpu, buffer, 0, 0);
	DO(unshare, CLONE_FILES | CLONE_FS);
	DO(setns, 77, CLONE_NEWNET);
	DO(sync);
	child = DO(clone, CLONE_CHILD_SETTID | SIGCHLD, 0, 0, buffer, 0);
	if (!child)
		DO(exit_group, 7);
	DO(wait4, child, &status, __WALL, 0);
	DO(wait4, -1, &status, WNOHANG | WUNTRACED | WCONTINUED, 0);
	DO(waitid, P_ALL, 0, buffer, WEXITED | WNOHANG | WNOWAIT, 0);
	DO(execve, "/none", 0, 0);
	DO(execveat, CWD, "none", 0, 0, AT_SYMLINK_NOFOLLOW);
	DO(kcmp, getpid(), getpid(), 0, 0, 0);
	DO(pidfd_open, getpid(), 0);
	DO(seccomp, 2, 0, buffer);
	syscall(999, 1, 2, 3, 4, 5, 6);
}



static void times_and_signals(void)
{
	struct itimerval interval = {};
	static int word = 1;
	siginfo_t info;
	sigset_t mask;

	sigemptyset(&mask);
	DO(nanosleep, &soon, 0);
	DO(clock_nanosleep, CLOCK_REALTIME, 0, &soon, 0);
	DO(clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &soon, 0);
	DO(clock_gettime, CLOCK_PROCESS_CPUTIME_ID, buffer);
	DO(clock_getres, CLOCK_BOOTTIME, buffer);
	DO(clock_settime, CLOCK_MONOTONIC, &soon);
	DO(gettimeofday, buffer, 0);
	DO(alarm, 0);
	DO(setitimer, ITIMER_VIRTUAL, &interval, 0);
	DO(getitimer, ITIMER_REAL, buffer);
	DO(timer_create, CLOCK_MONOTONIC, 0, buffer);
	DO(timer_settime, 0, TIMER_ABSTIME, buffer + 4096, 0);
	DO(timer_delete, 0);
	DO(rt_sigaction, SIGUSR1, 0, buffer, 8);
	DO(rt_sigprocmask, SIG_BLOCK, &mask, 0, 8);
	DO(rt_sigprocmask, SIG_SETMASK, &mask, 0, 8);
	DO(rt_sigpending, buffer, 8);
	DO(rt_sigtimedwait, &mask, &info, &zero, 8);
	DO(sigaltstack, 0, buffer);
	DO(kill, getpid(), 0);
	DO(kill, getpid(), SIGWINCH);
	DO(tgkill, getpid(), getpid(), SIGURG);
	DO(kill, 0x3fffffff, 34);
	DO(tgkill, getpid(), getpid(), 99);
	DO(futex, &word, FUTEX_WAKE, 1);
	DO(futex, &word, FUTEX_WAIT_PRIVATE, 0, &soon);
	DO(futex, &word, FUTEX_WAIT_PRIVATE, 1, &soon);
	DO(futex, &word, FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME, 1, &soon, 0, -1);
	DO(futex, &word, FUTEX_WAKE_PRIVATE, 0x7fffffff);
	DO(futex, &word, FUTEX_REQUEUE, 1, 2, &word, 0);
	DO(futex, &word, FUTEX_CMP_REQUEUE_PRIVATE, 1, 2, &word, 3);
	DO(futex, &word, FUTEX_WAKE_OP, 1, 2, &word, 0x1001002);
	DO(set_robust_list, buffer, 24);
	DO(get_robust_list, 0, buffer, buffer + 8);
}

static void sockets(void)
{
	struct sockaddr_un name = { AF_UNIX, "socket" };
	struct msghdr message = {};
	int pair[2], server, on = 1;

	DO(socketpair, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair);
	server = DO(socket, AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	DO(socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_UDP);
	DO(socket, AF_INET6, SOCK_STREAM, IPPROTO_TCP);
	DO(socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0);
	DO(socket, AF_PACKET, SOCK_RAW, 0x300);
	DO(socket, AF_INET, SOCK_RAW, IPPROTO_ICMP);
	DO(socket, 77, 7, 7);
	DO(bind, server, &name, sizeof(name));
	DO(listen, server, 5);
	DO(accept4, server, 0, 0, SOCK_CLOEXEC | SOCK_NONBLOCK);
	DO(connect, pair[0], &name, sizeof(name));
	DO(setsockopt, server, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	DO(setsockopt, server, IPPROTO_TCP, 1, &on, sizeof(on));
	DO(getsockopt, server, SOL_SOCKET, SO_ERROR, buffer, buffer + 8);
	DO(getsockname, server, buffer, &(int){ 128 });
	DO(getpeername, pair[0], buffer, &(int){ 128 });
	DO(sendto, pair[0], "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL, 0, 0);
	DO(recvfrom, pair[1], buffer, 10, MSG_PEEK | MSG_TRUNC, 0, 0);
	DO(sendmsg, pair[0], &message, MSG_MORE | MSG_EOR);
	DO(recvmsg, pair[1], &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	DO(shutdown, pair[0], SHUT_RDWR);
	DO(shutdown, server, SHUT_WR);
}

int main(int argc, char **argv)
{
	if (argc != 2 || chdir(argv[1]))
		return 1;
	files();
	names();
	events();
	memory();
	processes();
	times_and_signals();
	sockets();
	return 0;
}
