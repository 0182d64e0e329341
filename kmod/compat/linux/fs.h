/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TRACECTL_COMPAT_FS_H
#define _TRACECTL_COMPAT_FS_H

#include_next <linux/fs.h>

/*
 * A struct filename without a place in user memory is the kernel's own. In 7.2 it
 * looks like any other.
 */
#ifdef TRACECTL_HAVE_FILENAME_UPTR
#define tracectl_is_kernel_name(name) (!(name)->uptr)
#else
#define tracectl_is_kernel_name(name) false
#endif

/* Before 5.15 do_symlinkat() gets a pointer to user memory. */
#ifdef TRACECTL_HAVE_SYMLINK_FILENAME
#define TRACECTL_SYMLINK_FUNCTIONS "filename_symlinkat", "do_symlinkat"
#else
#define TRACECTL_SYMLINK_FUNCTIONS "filename_symlinkat"
#endif

#endif
