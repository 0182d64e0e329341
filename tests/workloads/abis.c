// SPDX-License-Identifier: GPL-2.0
/*
 * abis: calls with the numbers of x32, which a kernel may refuse, and an open of
 * /etc/group by a worker of io_uring. 77: there is no io_uring.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/io_uring.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define X32 0x40000000

static int open_by_ring(const char *path)
{
	struct io_uring_params params = {};
	struct io_uring_sqe *sqe;
	unsigned int *array, *tail;
	char *ring;
	int fd = syscall(SYS_io_uring_setup, 1, &params);

	if (fd < 0)
		return 77;
	ring = mmap(NULL, params.sq_off.array + sizeof(*array),
		    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd,
		    IORING_OFF_SQ_RING);
	sqe = mmap(NULL, sizeof(*sqe), PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_POPULATE, fd, IORING_OFF_SQES);
	if (ring == MAP_FAILED || (void *)sqe == MAP_FAILED)
		return 1;
	array = (void *)(ring + params.sq_off.array);
	tail = (void *)(ring + params.sq_off.tail);
	*sqe = (struct io_uring_sqe){
		.opcode = IORING_OP_OPENAT,
		.flags = IOSQE_ASYNC,
		.fd = AT_FDCWD,
		.addr = (uintptr_t)path,
		.open_flags = O_RDONLY,
	};
	array[0] = 0;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	return syscall(SYS_io_uring_enter, fd, 1, 1, IORING_ENTER_GETEVENTS,
		       NULL, 0) != 1;
}

int main(void)
{
	syscall(X32 + SYS_getppid);
	syscall(X32 + SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY);
	syscall(SYS_getppid);
	return open_by_ring("/etc/group");
}
