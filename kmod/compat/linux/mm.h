/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TRACECTL_COMPAT_MM_H
#define _TRACECTL_COMPAT_MM_H

#include_next <linux/mm.h>

#ifndef TRACECTL_HAVE_VM_FLAGS_SET
static inline void vm_flags_mod(struct vm_area_struct *vma, unsigned long set,
				unsigned long clear)
{
	vma->vm_flags = (vma->vm_flags | set) & ~clear;
}
#endif

#ifdef TRACECTL_GET_USER_PAGES_VMAS
#define get_user_pages(start, count, flags, pages) \
	get_user_pages(start, count, flags, pages, NULL)
#endif

#endif
