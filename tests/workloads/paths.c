// SPDX-License-Identifier: GPL-2.0
/*
 * paths DIR: in DIR, makes each system call that takes a path once, by its number,
 * with names of its own: CALL.a, and CALL.b for a second one.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "old.h"

static char buffer[4096], many_dots[4096];

#define CWD AT_FDCWD
#define DO(call, ...) syscall(SYS_##call, __VA_ARGS__)

static void one_path(void)
{
	OLD(stat, "stat.a", buffer);
	OLD(lstat, "lstat.a", buffer);
	DO(newfstatat, CWD, "newfstatat.a", buffer, 0);
	DO(statx, CWD, "statx.a", 0, 0xfff, buffer);
	DO(statfs, "statfs.a", buffer);
	OLD(access, "access.a", 0);
	DO(faccessat, CWD, "faccessat.a", 0);
	DO(faccessat2, CWD, "faccessat2.a", 0, 0);
	OLD(readlink, "readlink.a", buffer, sizeof(buffer));
	DO(readlinkat, CWD, "readlinkat.a", buffer, sizeof(buffer));
	DO(chdir, "chdir.a");
	DO(chroot, "chroot.a");
	OLD(chmod, "chmod.a", 0);
	DO(fchmodat, CWD, "fchmodat.a", 0);
	OLD(chown, "chown.a", 0, 0);
	OLD(lchown, "lchown.a", 0, 0);
	DO(fchownat, CWD, "fchownat.a", 0, 0, 0);
	DO(truncate, "truncate.a", 0);
	OLD(utime, "utime.a", 0);
	OLD(utimes, "utimes.a", 0);
	OLD(futimesat, CWD, "futimesat.a", 0);
	DO(utimensat, CWD, "utimensat.a", 0, 0);
	DO(getxattr, "getxattr.a", "user.x", buffer, 1);
	DO(listxattr, "listxattr.a", buffer, 1);
	DO(umount2, "umount2.a", 0);
	OLD(open, "open.a", 0);
	DO(openat, CWD, "openat.a", 0);
	DO(execve, "execve.a", 0, 0);
}

static void one_parent(void)
{
	OLD(mkdir, "mkdir.a", 0755);
	DO(mkdirat, CWD, "mkdirat.a", 0755);
	OLD(rmdir, "rmdir.a");
	OLD(unlink, "unlink.a");
	DO(unlinkat, CWD, "unlinkat.a", 0);
	OLD(mknod, "mknod.a", 0100644, 0);
	DO(mknodat, CWD, "mknodat.a", 0100644, 0);
}

static void two_paths(void)
{
	close(open("link.a", O_CREAT, 0644));
	close(open("linkat.a", O_CREAT, 0644));
	OLD(link, "link.a", "link.b");
	DO(linkat, CWD, "linkat.a", CWD, "linkat.b", 0);
	OLD(symlink, "symlink.a", "symlink.b");
	DO(symlinkat, "symlinkat.a", CWD, "symlinkat.b");
	OLD(rename, "rename.a", "rename.b");
	DO(renameat, CWD, "renameat.a", CWD, "renameat.b");
	DO(renameat2, CWD, "renameat2.a", CWD, "renameat2.b", 0);
}

int main(int argc, char **argv)
{
	if (argc != 2 || chdir(argv[1]))
		return 1;
	two_paths();
	one_parent();
	one_path();
	DO(mount, "mount.none", "mount.a", "tmpfs", 0, 0);
	/* As long as a path may be. */
	for (size_t i = 0; i < sizeof(many_dots) - 1; i++)
		many_dots[i] = i % 2 ? '/' : '.';
	DO(truncate, many_dots, 0);
	return 0;
}
