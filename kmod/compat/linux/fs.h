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

/*
 * Who is given the kernel's copy of a link's text, and as which argument. Before
 * 5.15 do_symlinkat() gets a pointer to user memory, and hands its copy to the
 * security hook, once it has found where the link is to be.
 */
#ifdef TRACECTL_HAVE_SYMLINK_FILENAME
#define TRACECTL_SYMLINK_FUNCTIONS "filename_symlinkat", "do_symlinkat"
#define TRACECTL_SYMLINK_ARGUMENT 0

static inline const char *tracectl_symlink_text(const struct filename *name)
{
	return IS_ERR_OR_NULL(name) ? NULL : name->name;
}
#else
#define TRACECTL_SYMLINK_FUNCTIONS "security_path_symlink"
#define TRACECTL_SYMLINK_ARGUMENT 2

static inline const char *tracectl_symlink_text(const char *text)
{
	return text;
}
#endif

#endif
