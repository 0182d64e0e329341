/* SPDX-License-Identifier: GPL-2.0 */
#include <sys/syscall.h>
#include <unistd.h>

/* Calls that others have replaced: arm64 never had them. */
#ifdef SYS_open
#define OLD(call, ...) syscall(SYS_##call, __VA_ARGS__)
#else
#define OLD(call, ...) ((void)0)
#endif
