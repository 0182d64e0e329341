/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
#ifndef _UAPI_TRACECTL_H
#define _UAPI_TRACECTL_H

/*
 * The ABI of /dev/tracectl and of the bytes it delivers. Everything else in
 * the project is checked against this file.
 *
 * 1. Sessions
 * -----------
 * At most one session exists at a time. Its states are
 *
 *	idle    --CONFIGURE-->  armed    buffers allocated, probes registered,
 *	                                 gates closed: nothing is recorded
 *	armed   --RESUME----->  tracing  gates open on every CPU
 *	tracing --PAUSE------>  armed
 *	armed, tracing --STOP-> idle     probes unregistered; what is in the
 *	                                 buffers stays readable until the streams
 *	                                 are closed
 *
 * The open file that did CONFIGURE owns the session. When it is closed, also
 * because its process was killed, the session stops; STATUS tells how the last
 * session ended. PAUSE, RESUME and STOP are open to the owner's user and to
 * CAP_SYS_ADMIN through any open file of the device. The owner's file polls
 * POLLHUP as soon as its session has ended.
 *
 * FILTER sets other terms while a session runs; nothing that both the old and the
 * new ones let through is missed. It is for those who may stop the session.
 *
 * CONFIGURE is all or nothing. It fails with EPROTO (another ABI version), EINVAL,
 * EFAULT, ESRCH (no such target_pid), ENOMEM, EMFILE (TRACECTL_SESSIONS_MAX sessions have
 * streams that are still open), EBUSY with failed_class 0 (a session exists)
 * or, failed_class telling which, with the error of a probe that could not be
 * attached. RESUME, PAUSE and STOP: ENXIO (no session), EPERM.
 *
 * Each change of state is a uevent "change" of the device with STATE=idle, armed
 * or tracing. What a CPU has lost of its session so far is told the same way, with
 * CPU= and LOST=, when its stream is read, at most once a second, and when that is
 * closed.
 *
 * 2. Streams
 * ----------
 * With TRACECTL_CONFIG_COUNTERS nothing is recorded: calls are counted and timed,
 * and COUNTERS on the device answers what a CPU has counted so far, to those who
 * may stop the session. It does so of any session that runs.
 *
 * STREAM, on the owning file, answers with a new file descriptor for one CPU's
 * buffer. mmap(PROT_READ, MAP_SHARED) at offset 0 shows all of the buffer,
 * subbuf_count sub-buffers of subbuf_bytes each. A reader repeats
 *
 *	poll    POLLIN: a whole sub-buffer waits; POLLHUP: the session has ended
 *	        and everything has been released
 *	GET     answers with the oldest whole sub-buffer (EAGAIN: none;
 *	        ENODATA: none, and none will come)
 *	read subbuf.index * subbuf_bytes of the mapping, used_bytes of it
 *	PUT     with its seq releases it to the writer
 *
 * FLUSH hands over a part-filled sub-buffer; it runs on the CPU that owns the
 * buffer. A session outlives its owner for as long as a stream of it is open.
 *
 * With TRACECTL_CONFIG_OVERWRITE the buffers keep the newest sub-buffers instead
 * of the oldest: nothing is lost for want of a reader, and a sub-buffer may be
 * overwritten while it is read. PUT then answers ESTALE, and what was read is
 * void. Reading takes nothing away, so STREAM serves any number of readers, each
 * from the oldest sub-buffer on, and through any open file of the device, too.
 *
 * 3. Sub-buffers
 * --------------
 * All integers are little-endian. A sub-buffer is a tracectl_subbuf_header,
 * then the start bitmap, subbuf_bytes / 64 bytes of it: bit g (byte g / 8,
 * bit g % 8) is set where a record starts at byte 8 * g of the sub-buffer; then
 * records, up to used_bytes. Nothing in a sub-buffer refers to another.
 *
 * 4. Records
 * ----------
 * A record is a whole number of 8-byte granules, aligned to 8:
 *
 *	tracectl_record		8 bytes
 *	payload			8 * granules bytes
 *	string			TRACECTL_KIND_NAME, _EXEC, _ARGV, _ADDRESS, _FILE,
 *				_USER, _DIVERGENCE and _CGROUP only: id bytes, a NUL,
 *				and zeroes up to a multiple of 8
 *
 * Time is the session's clock: nanoseconds, CLOCK_MONOTONIC's when the session
 * began, and never set since. CLOCK tells both at the same moment. A record's
 * time is its low 32 bits, and less than 2^32 ns after the last TIME record
 * before it, which has the whole value, or after first_ns where there is none.
 *
 * The thread a record belongs to is that of the last TASK record before it. A
 * TASK record stands first in every sub-buffer and wherever the thread changes.
 *
 * EXIT_SHORT and EXIT_NEAR end the call of the last ENTRY before them in the
 * sub-buffer: their thread was not switched out in between. An EXIT_SHORT is its
 * head alone; its id is the result, as 16 bits with a sign.
 *
 * Other entries and exits are paired by thread, never by number: exec may change the
 * number and the ABI, rt_sigreturn exits as number -1, exit_group never exits,
 * a thread that was inside a call when tracing started exits without an entry,
 * as does a call refused by seccomp.
 *
 * 5. Loss
 * -------
 * An event that finds no room is counted, by cause in the header of the next
 * sub-buffer, and by kind and system call in COUNTERS. For every CPU, kind and
 * system call
 *
 *	generated = recorded + lost
 *
 * generated is counted by the probe before it looks for room. Beside that every call
 * that begins while the gate is open is one of filtered or of skipped of its system
 * call. Events of threads the session does not follow are counted as filtered, their
 * entries as skipped, too, and nothing else. So are those of processes that have the
 * device open, unless the session follows one.
 *
 * 6. Calls that are judged by how they end
 * ----------------------------------------
 * With a filter that only the exit can answer (failed, slower, path) an entry is
 * not written but withheld, and counted as that, until the thread leaves the call.
 * Then the whole of it becomes one CALL record, on the CPU where it ended, or is
 * filtered out. A CALL is generated, recorded or lost as an entry and an exit of
 * its entry's system call. For each system call, over all CPUs,
 *
 *	withheld = recorded as CALL + calls_lost + rejected
 *
 * What has not ended by the end of the session, or never ends, is rejected. Other
 * records of a withheld call are written as they come, before its CALL. The exit of a
 * call whose entry nobody saw is judged by its result alone.
 */

#include <linux/ioctl.h>
#include <linux/types.h>

#define TRACECTL_ABI_VERSION	3
#define TRACECTL_DEVICE		"tracectl"

#define TRACECTL_GRANULE	8
#define TRACECTL_LABEL_BYTES	1024
#define TRACECTL_COMM_BYTES	16

/* Bounds of CONFIGURE; subbuf_bytes is a power of two. */
#define TRACECTL_SUBBUF_MIN	(16u << 10)
#define TRACECTL_SUBBUF_MAX	(16u << 20)
#define TRACECTL_COUNT_MIN	2u
#define TRACECTL_COUNT_MAX	4096u
#define TRACECTL_BUFFER_MAX	(1u << 30)	/* bytes a CPU */
#define TRACECTL_SESSIONS_MAX	8	/* one that runs, others with open streams */

enum tracectl_state {
	TRACECTL_STATE_IDLE = 0,
	TRACECTL_STATE_ARMED = 1,
	TRACECTL_STATE_TRACING = 2,
};

/* How the last session ended. */
enum tracectl_end {
	TRACECTL_END_NONE = 0,		/* none since the module was loaded */
	TRACECTL_END_STOPPED = 1,	/* STOP */
	TRACECTL_END_CLOSED = 2,	/* its owner closed the device or died */
};

/* Classes of events; the bits of the per-CPU gate. */
#define TRACECTL_CLASS_SYSCALL		(1u << 0)	/* ENTRY and the exits */
#define TRACECTL_CLASS_OPEN_HOW		(1u << 1)	/* OPEN_HOW */
#define TRACECTL_CLASS_OPEN_NAME	(1u << 2)	/* NAME */
#define TRACECTL_CLASS_TASK		(1u << 3)	/* FORK, EXEC, TASK_EXIT, RENAME, SETUID, CGROUP, ATTACH */
#define TRACECTL_CLASS_PATH		(1u << 4)	/* NAME of what is not opened */
#define TRACECTL_CLASS_ARGV		(1u << 5)	/* ARGV */
#define TRACECTL_CLASS_SOCKET		(1u << 6)	/* ADDRESS */
#define TRACECTL_CLASS_SCHED		(1u << 7)	/* SWITCH */
#define TRACECTL_CLASS_USER		(1u << 8)	/* USER */
#define TRACECTL_CLASS_DIVERGENCE	(1u << 9)	/* DIVERGENCE; not without USER */
#define TRACECTL_CLASS_FILE		(1u << 11)	/* FILE */
#define TRACECTL_CLASS_ALL		0xbffu

/* Values are never reused. */
enum tracectl_kind {
	TRACECTL_KIND_TASK = 1,
	TRACECTL_KIND_TIME = 2,
	TRACECTL_KIND_ENTRY = 3,
	TRACECTL_KIND_EXIT = 4,
	TRACECTL_KIND_EXIT_NEAR = 5,
	TRACECTL_KIND_EXIT_SHORT = 6,
	TRACECTL_KIND_OPEN_HOW = 7,
	TRACECTL_KIND_NAME = 8,
	TRACECTL_KIND_FORK = 9,
	TRACECTL_KIND_EXEC = 10,
	TRACECTL_KIND_TASK_EXIT = 11,
	TRACECTL_KIND_ARGV = 12,
	TRACECTL_KIND_ADDRESS = 13,
	TRACECTL_KIND_RENAME = 14,
	TRACECTL_KIND_FILE = 15,
	TRACECTL_KIND_USER = 16,
	TRACECTL_KIND_DIVERGENCE = 17,
	TRACECTL_KIND_CGROUP = 20,
	TRACECTL_KIND_ATTACH = 21,
	TRACECTL_KIND_SETUID = 22,
	TRACECTL_KIND_SWITCH = 23,
	TRACECTL_KIND_CALL = 24,
};
#define TRACECTL_KINDS		32

enum tracectl_lost {
	TRACECTL_LOST_FULL = 0,		/* every sub-buffer waits for the reader */
	TRACECTL_LOST_NO_BUFFER = 1,	/* the CPU has no buffer */
	TRACECTL_LOST_NO_PLACE = 2,	/* too many calls are withheld */
};
#define TRACECTL_LOST_CAUSES	4

/*
 * id of ENTRY, EXIT and EXIT_NEAR: the number in the low 14 bits, the ABI in
 * the high two. A number that does not fit is TRACECTL_NR_ESCAPE; in an ENTRY
 * the first granule is then the whole number and the six arguments follow, in
 * an EXIT it is not told.
 */
#define TRACECTL_NR_BITS	14
#define TRACECTL_NR_ESCAPE	0x3fffu
enum tracectl_abi {
	TRACECTL_ABI_NATIVE = 0,
	TRACECTL_ABI_COMPAT = 1,	/* 32-bit: i386, on arm64 that of Arm */
	TRACECTL_ABI_X32 = 2,
};
#define TRACECTL_ABIS		3

/* Where a string comes from. */
enum tracectl_source {
	TRACECTL_SOURCE_KERNEL_COPY = 0,	/* what the kernel acted on */
	TRACECTL_SOURCE_USER_COPY = 1,
};

/* What the kernel was about to do with a NAME. */
enum tracectl_site {
	TRACECTL_SITE_OPEN = 0,		/* open it, or execute it */
	TRACECTL_SITE_LOOKUP = 1,	/* find it */
	TRACECTL_SITE_PARENT = 2,	/* find its directory: to make, remove or rename it */
	TRACECTL_SITE_TARGET = 3,	/* put it into a symbolic link */
};

/* NAME flags */
#define TRACECTL_NAME_TRUNCATED	(1u << 0)
#define TRACECTL_NAME_IO_WORKER	(1u << 1)	/* an io_uring worker, outside any call */
#define TRACECTL_NAME_KTHREAD	(1u << 2)	/* a kernel thread, outside any call */
#define TRACECTL_NAME_REDACTED	(1u << 3)	/* ends with a hash */

#define TRACECTL_SUBBUF_MAGIC	0x42534354u	/* "TCSB" */

struct tracectl_subbuf_header {
	__u32 magic;
	__u16 abi;		/* TRACECTL_ABI_VERSION */
	__u16 reserved0;
	__u32 cpu;
	__u32 subbuf_bytes;
	__u64 session_id;
	__u64 seq;		/* counts the sub-buffers of this CPU from 0 */
	__u64 first_ns;
	__u64 last_ns;		/* when it was handed over */
	__u32 used_bytes;	/* header, bitmap and records */
	__u32 records;
	/* on this CPU, from the start of the session to the first event in here */
	__u64 lost[TRACECTL_LOST_CAUSES];
	__u64 generated;	/* with what was lost */
};

struct tracectl_record {
	__u32 time;
	__u16 id;
	__u8 kind;
	__u8 granules;
};

struct tracectl_task {
	struct tracectl_record head;
	__u32 tid;
	__u32 tgid;
};

struct tracectl_time {
	struct tracectl_record head;
	__u64 time_ns;
};

/*
 * ENTRY has no structure of its own: the payload holds the system call's
 * arguments in order, each 4 or 8 bytes wide and aligned to 4, as the session's
 * shape of the system call says, and is padded to a granule.
 */

/* EXIT and EXIT_NEAR */
struct tracectl_exit {
	struct tracectl_record head;
	__s64 result;
};

/*
 * CALL, a whole call, when it ends: id is its entry's, and what follows is the payload
 * of its ENTRY.
 */
struct tracectl_whole {
	struct tracectl_record head;
	__s64 result;
	__u64 entry_ns;		/* on the session's clock; the head's time is the exit's */
};

/* struct open_how as do_sys_openat2() got it; open and openat fill one, too. */
struct tracectl_open_how {
	struct tracectl_record head;
	__u64 flags;
	__u64 mode;
	__u64 resolve;
};

/*
 * A path, from the kernel's own struct filename, as it begins to use it. A call's
 * names come in the order of its arguments. One whose first path is found wanting
 * (link of a file that is not there) never gets to its second. In 7.2 paths
 * that the kernel itself walks for the call (a mount's device) follow its own.
 */
struct tracectl_name {
	struct tracectl_record head;
	__s32 dfd;		/* AT_FDCWD at TRACECTL_SITE_TARGET */
	__u8 source;		/* enum tracectl_source */
	__u8 flags;
	__u8 site;		/* enum tracectl_site */
	__u8 reserved;
};

/*
 * What tells who a thread is (FORK, EXEC, RENAME, SETUID, CGROUP, ATTACH, TASK_EXIT) is
 * recorded of filtered threads, too, but not of processes outside of target_pid's tree:
 * so every thread whose calls are recorded is known.
 */

/* Told by who makes the child, before that runs. */
struct tracectl_fork {
	struct tracectl_record head;
	__u32 tid;
	__u32 tgid;
	__u32 uid;		/* the real one, as everywhere here */
	__u32 inner_tid;	/* in the child's own pid namespace */
	__u32 ppid;		/* process id of its parent: not always who makes it */
	__u32 reserved;
	__u64 cgroup;		/* inode of its directory of cgroup v2 */
	char comm[TRACECTL_COMM_BYTES];
};

/* The thread has a new image; the string is the path of its file. */
struct tracectl_exec {
	struct tracectl_record head;
	__u32 old_tid;		/* other than the thread's own, if a thread did it */
	__u32 uid;
	char comm[TRACECTL_COMM_BYTES];
	__u64 cgroup;
};

/* Thread tid, of the same process as who tells it, is about to be called comm. */
struct tracectl_rename {
	struct tracectl_record head;
	__u32 tid;
	__u32 reserved;
	char comm[TRACECTL_COMM_BYTES];
};

/* The thread is about to have another user id, the real one. */
struct tracectl_setuid {
	struct tracectl_record head;
	__u32 uid;
	__u32 reserved;
};

/* A directory of cgroup v2 was made; the string is its path from the root on. */
struct tracectl_cgroup {
	struct tracectl_record head;
	__u64 cgroup;
};

/* Somebody has put thread tid, or all of its process, into a cgroup. */
struct tracectl_attach {
	struct tracectl_record head;
	__u32 tid;
	__u32 whole;		/* 1: all threads of the process */
	__u64 cgroup;
};

/*
 * The CPU leaves the thread that the record belongs to for thread next_tid; 0 is the
 * idle one. state is what the thread left waits for: 0 nothing, it would run on.
 */
struct tracectl_switch {
	struct tracectl_record head;
	__u32 next_tid;
	__u32 state;
};

/* What the kernel was about to do with an ADDRESS. */
enum tracectl_address_site {
	TRACECTL_ADDRESS_CONNECT = 0,
	TRACECTL_ADDRESS_BIND = 1,
	TRACECTL_ADDRESS_SEND = 2,	/* of a message that names its receiver */
	TRACECTL_ADDRESS_ANSWER = 3,	/* hand it out: accept, recvfrom, getsockname, ... */
};
#define TRACECTL_ADDRESS_BYTES	128u

/*
 * The address of a socket, a struct sockaddr of as many bytes as the kernel took
 * or gives; it is the string of the record. From the kernel's own copy.
 */
struct tracectl_address {
	struct tracectl_record head;
	__u8 site;		/* enum tracectl_address_site */
	__u8 flags;		/* as NAME's */
	__u16 reserved0;
	__u32 reserved1;
};

/*
 * What a new file descriptor is, before the call that made it returns; the string
 * is its path as the thread sees it, or what /proc/PID/fd shows of what has none. A
 * descriptor that dup2 or dup3 was told to make is not among them: it is what the old
 * one is. A path of PATH_MAX bytes or more is TRUNCATED to nothing.
 */
struct tracectl_file {
	struct tracectl_record head;
	__s32 fd;
	__u8 flags;		/* as NAME's */
	__u8 reserved0;
	__u16 reserved1;
};

/* ARGV flags */
#define TRACECTL_ARGV_TRUNCATED		(1u << 0)
#define TRACECTL_ARGV_FAULTED		(1u << 1)	/* not in memory: no string */
#define TRACECTL_ARGV_INTERPRETED	(1u << 2)	/* a script: its interpreter's */
#define TRACECTL_ARGV_BYTES		4096u

/*
 * After EXEC, the arguments of the new image: the string holds them with a NUL
 * after each, at most TRACECTL_ARGV_BYTES - 1 bytes of it. They are the kernel's
 * copy, taken from the image's own memory before it runs. Those of a script begin
 * with its interpreter; its own argv[0] is gone.
 */
struct tracectl_argv {
	struct tracectl_record head;
	__u32 bytes;		/* of all arguments, each with its NUL */
	__u16 variables;	/* of the environment, 65535: that or more */
	__u8 flags;
	__u8 reserved;
};

/* How memory that an argument points to is read. */
enum tracectl_form {
	TRACECTL_FORM_NONE = 0,
	TRACECTL_FORM_BYTES = 1,	/* count elements of bytes each */
	TRACECTL_FORM_PATH = 2,		/* as far as its NUL */
	TRACECTL_FORM_VECTOR = 3,	/* what count struct iovec point to, in one */
	TRACECTL_FORM_MESSAGE_VECTOR = 4,	/* the struct iovec of a struct msghdr */
	TRACECTL_FORM_MESSAGE = 5,	/* what they point to, in one */
	TRACECTL_FORM_ADDRESS = 6,	/* of a socket: count elements of bytes each */
	TRACECTL_FORM_COMMAND = 7,	/* as the session's tracectl_command of the call says */
};

/* USER flags */
#define TRACECTL_USER_FAULTED	(1u << 0)	/* not all in memory: what is before that */
#define TRACECTL_USER_TRUNCATED	(1u << 1)
#define TRACECTL_USER_EXIT	(1u << 2)	/* read at the exit of the call, not its entry */
#define TRACECTL_USER_REDACTED	(1u << 3)	/* ends with a hash */
#define TRACECTL_USER_BYTES	4096u		/* no record has more, but for a hash */

/*
 * What an argument of the call points to; the string of the record. It is no copy
 * of the kernel's: another thread may have written it since, or meanwhile. What is not
 * resident is not waited for; but where the probes of calls may sleep, from 6.13 on, it
 * is brought in if that takes no more than memory and disks of this machine.
 */
struct tracectl_user {
	struct tracectl_record head;
	__u8 argument;		/* 0 to 5 */
	__u8 form;		/* enum tracectl_form */
	__u8 source;		/* TRACECTL_SOURCE_USER_COPY */
	__u8 flags;
	__u32 given;		/* bytes that there were; of a PATH, that were read */
};

/*
 * A path or an address that the kernel acted on, after its NAME or ADDRESS, is not what
 * the argument pointed to at the entry, as it was read with FORM_PATH or FORM_ADDRESS.
 * The string is the one of the entry, a NUL, and the kernel's.
 * Threads whose ids have the same low bits may be in calls at the same time; the
 * those of the one that came first are not compared then.
 */
struct tracectl_divergence {
	struct tracectl_record head;
	__u16 user_bytes;	/* of the first string */
	__u8 argument;
	__u8 reserved0;
	__u32 reserved1;
};

struct tracectl_task_exit {
	struct tracectl_record head;
	__s32 code;		/* as wait status */
	__u32 reserved;
};

/*
 * The shape of a system call: how many arguments it has and, bit i, whether
 * argument i is 8 bytes wide.
 */
struct tracectl_shape {
	__u8 args;
	__u8 wide;
};
#define TRACECTL_SHAPES		512	/* an ABI; a call above has six wide ones */

/*
 * One of the reads of a system call, of which the first with FORM_NONE and those
 * after it are none. At the exit nothing is read for a call that failed.
 */
struct tracectl_read {
	__u8 form;		/* enum tracectl_form */
	__u8 argument;		/* the address; NULL is not read */
	__u8 count;		/* the argument that counts elements, or TRACECTL_COUNT_... */
	__u8 flags;		/* TRACECTL_USER_EXIT, TRACECTL_READ_BOTH or 0: at the entry */
	__u16 bytes;		/* of an element */
	__u16 most;		/* that are recorded; at most TRACECTL_USER_BYTES */
};
#define TRACECTL_COUNT_RESULT	6	/* what the call returned */
#define TRACECTL_COUNT_ONE	7
#define TRACECTL_READS		6	/* a system call */
#define TRACECTL_READ_BOTH	(1u << 7)	/* at the entry, and again at the exit */

/*
 * What an argument points to if another one, the count of a read with FORM_COMMAND, has
 * this value: ioctl, fcntl. The first with 0 bytes and those after it are none.
 */
struct tracectl_command {
	__u32 value;
	__u16 slot;		/* of the call: see tracectl_counters */
	__u16 bytes;
	__u32 flags;		/* as a read's, which has TRACECTL_READ_BOTH */
};
#define TRACECTL_COMMANDS	128

struct tracectl_info {
	__u32 abi;
	__u32 sites;		/* classes that this kernel can deliver */
	__u32 cpus;		/* possible CPUs; ids are below */
	__u32 page_bytes;
	char version[32];
	char build_id[48];	/* of the sources, to tell two builds apart */
};

/* Filter flags: what has to hold of a thread, or of a call, for it to be recorded. */
#define TRACECTL_FILTER_UID	(1u << 0)
#define TRACECTL_FILTER_COMM	(1u << 1)
#define TRACECTL_FILTER_CGROUP	(1u << 2)
#define TRACECTL_FILTER_CALLS	(1u << 3)
#define TRACECTL_FILTER_CPUS	(1u << 4)
#define TRACECTL_FILTER_FAILED	(1u << 5)
#define TRACECTL_FILTER_SLOWER	(1u << 6)
#define TRACECTL_FILTER_PATH	(1u << 7)
#define TRACECTL_CALL_WORDS	(TRACECTL_ABIS * TRACECTL_SHAPES / 64)
#define TRACECTL_CPU_WORDS	128
#define TRACECTL_ERRNO_WORDS	4
#define TRACECTL_PREFIX_BYTES	256

/*
 * A thread is looked at when a CPU records another one than before, after it
 * executes a program and after FILTER. What is filtered out is counted as filtered;
 * the number of a call is looked at before its thread is. Tasks, forks and files of a
 * recorded thread are recorded whatever its calls are; names, addresses and the like
 * are of calls that are recorded.
 *
 * cpus are those on which a call begins; tasks are recorded on all of them, and so
 * is the exit, wherever the thread is by then. On the others nothing else happens,
 * so nothing is counted. path needs a class of NAME.
 */
struct tracectl_filter {
	__u32 flags;
	__u32 uid;
	__u64 cgroup;		/* inode of a directory of cgroup v2: in or below it */
	char comm[TRACECTL_COMM_BYTES];	/* all of it; ends with a NUL */
	__u64 calls[TRACECTL_CALL_WORDS];	/* a bit by slot */
	__u64 cpus[TRACECTL_CPU_WORDS];	/* a bit by CPU */
	__u64 errnos[TRACECTL_ERRNO_WORDS];	/* FAILED: a bit by errno; 0: those above */
	__u64 slower_ns;	/* this long, or longer */
	char path[TRACECTL_PREFIX_BYTES];	/* a name of it begins so; ends with a NUL */
	__u64 reserved[4];
};

/* Config flags */
#define TRACECTL_CONFIG_OVERWRITE	(1u << 0)	/* keep the newest: a flight recorder */
#define TRACECTL_CONFIG_COUNTERS	(1u << 1)	/* no records; SYSCALL is the only class */

struct tracectl_config {
	__u32 abi;
	__u32 classes;
	__u32 subbuf_bytes;
	__u32 subbuf_count;
	__u32 target_pid;	/* 0: every process; else this one and its descendants */
	__u32 flags;		/* TRACECTL_CONFIG_... */
	__u64 shapes;		/* pointer: tracectl_shape[TRACECTL_ABIS][TRACECTL_SHAPES] */
	__u64 filter;		/* pointer: tracectl_filter, or 0 */
	/* pointer: tracectl_read[TRACECTL_ABIS][TRACECTL_SHAPES][TRACECTL_READS], or 0 */
	__u64 reads;
	/*
	 * pointer: an absolute path, or 0. Of paths below it only this much is recorded,
	 * then 16 digits of a keyed hash of the rest; of those that are relative or
	 * climb ("..") only the hash. In NAME, EXEC (with its comm), FILE, ADDRESS, USER
	 * of FORM_PATH and FORM_ADDRESS, and DIVERGENCE. FORK then has no comm: it is
	 * its parent's.
	 */
	__u64 redact;
	__u64 commands;		/* pointer: tracectl_command[TRACECTL_COMMANDS], or 0 */
	/* answers */
	__u64 session_id;
	__u32 failed_class;	/* whose probe could not be attached; 0: another error */
	__u32 reserved1;
	/* any text of the owner's, shown by STATUS; ends with a NUL */
	char label[TRACECTL_LABEL_BYTES];
};

struct tracectl_status {
	__u32 abi;
	__u32 state;
	__u32 owner_pid;
	__u32 owner_uid;
	char owner_comm[TRACECTL_COMM_BYTES];
	__u64 session_id;	/* of the last one, when idle */
	__u32 classes;
	__u32 target_pid;
	__u32 subbuf_bytes;
	__u32 subbuf_count;
	__u64 since_ns;		/* CLOCK_MONOTONIC of CONFIGURE */
	__u64 generated;
	__u64 lost[TRACECTL_LOST_CAUSES];
	__u64 filtered;
	__u32 last_end;		/* enum tracectl_end */
	__u32 last_pid;		/* who ended it */
	__u32 flags;
	__u32 narrowed;		/* TRACECTL_FILTER_... of its terms so far */
	char label[TRACECTL_LABEL_BYTES];	/* of the last one, when idle */
	__u64 self;		/* of filtered: processes with the device open */
	struct tracectl_filter filter;	/* its terms by now */
};

/*
 * The same moment on the clock of the session that STREAM would read, or on
 * CLOCK_MONOTONIC without one, and on others.
 */
struct tracectl_clocks {
	__u64 trace_ns;
	__u64 mono_ns;
	__u64 boot_ns;
	__u64 real_ns;
};

struct tracectl_stream {
	__u32 cpu;
	__s32 fd;		/* answer */
};

struct tracectl_subbuf {
	__u64 seq;
	__u32 index;
	__u32 used_bytes;
};

/* Slots of tracectl_counters.syscalls: ABI * TRACECTL_SHAPES + number; the last takes the rest. */
#define TRACECTL_SLOTS		(TRACECTL_ABIS * TRACECTL_SHAPES + 1)

/* The classes that errors are counted by. */
enum tracectl_errno {
	TRACECTL_ERRNO_OTHER = 0,
	TRACECTL_ERRNO_NOENT = 1,	/* ENOENT, ENOTDIR */
	TRACECTL_ERRNO_PERM = 2,	/* EPERM, EACCES */
	TRACECTL_ERRNO_AGAIN = 3,	/* EAGAIN, EINPROGRESS */
	TRACECTL_ERRNO_INTR = 4,	/* EINTR, and the kernel's own ERESTART... */
	TRACECTL_ERRNO_BADF = 5,	/* EBADF */
	TRACECTL_ERRNO_INVAL = 6,	/* EINVAL, ENOSYS */
	TRACECTL_ERRNO_TIMEDOUT = 7,	/* ETIMEDOUT, ETIME */
};
#define TRACECTL_ERRNOS		8
#define TRACECTL_LATENCIES	32

struct tracectl_syscall_counts {
	__u64 entries;		/* generated */
	__u64 exits;
	__u64 entries_lost;
	__u64 exits_lost;
	__u64 filtered;		/* by the call's own terms, at its entry or as rejected */
	__u64 total_ns;		/* of the exits in latency */
	__u64 errors[TRACECTL_ERRNOS];
	/* exits whose entry was seen: [i] took 2^i ns or more and less than twice that */
	__u64 latency[TRACECTL_LATENCIES];
	__u64 withheld;		/* entries */
	__u64 calls_lost;	/* of entries_lost and exits_lost: lost as one CALL */
	__u64 rejected;		/* withheld calls that were filtered out */
	__u64 skipped;		/* entries of threads that are filtered out */
};

/* Of the stream's CPU; on the device of cpu (ENODEV: there is no such CPU). */
struct tracectl_counters {
	__u64 syscalls;		/* pointer: tracectl_syscall_counts[TRACECTL_SLOTS] */
	__u64 generated[TRACECTL_KINDS];	/* not TASK, TIME; every exit counts as EXIT */
	__u64 lost[TRACECTL_KINDS];
	__u64 lost_by_cause[TRACECTL_LOST_CAUSES];
	__u64 filtered;
	__u64 subbufs;		/* handed over to the reader */
	__u64 self;		/* of filtered: processes with the device open */
	__u32 cpu;
	__u32 reserved;
};

#define TRACECTL_IOC_MAGIC	0xB5
/* on the device */
#define TRACECTL_IOC_INFO	_IOR(TRACECTL_IOC_MAGIC, 0x00, struct tracectl_info)
#define TRACECTL_IOC_STATUS	_IOR(TRACECTL_IOC_MAGIC, 0x01, struct tracectl_status)
#define TRACECTL_IOC_CONFIGURE	_IOWR(TRACECTL_IOC_MAGIC, 0x02, struct tracectl_config)
#define TRACECTL_IOC_RESUME	_IO(TRACECTL_IOC_MAGIC, 0x03)
#define TRACECTL_IOC_PAUSE	_IO(TRACECTL_IOC_MAGIC, 0x04)
#define TRACECTL_IOC_STOP	_IO(TRACECTL_IOC_MAGIC, 0x05)
#define TRACECTL_IOC_STREAM	_IOWR(TRACECTL_IOC_MAGIC, 0x06, struct tracectl_stream)
#define TRACECTL_IOC_CLOCK	_IOR(TRACECTL_IOC_MAGIC, 0x07, struct tracectl_clocks)
#define TRACECTL_IOC_FILTER	_IOW(TRACECTL_IOC_MAGIC, 0x08, struct tracectl_filter)
/* on a stream; COUNTERS on the device, too */
#define TRACECTL_IOC_GET	_IOR(TRACECTL_IOC_MAGIC, 0x10, struct tracectl_subbuf)
#define TRACECTL_IOC_PUT	_IOW(TRACECTL_IOC_MAGIC, 0x11, __u64)
#define TRACECTL_IOC_FLUSH	_IO(TRACECTL_IOC_MAGIC, 0x12)
#define TRACECTL_IOC_COUNTERS	_IOWR(TRACECTL_IOC_MAGIC, 0x13, struct tracectl_counters)

#endif /* _UAPI_TRACECTL_H */
