// SPDX-License-Identifier: GPL-2.0
/*
 * User memory that is not resident, brought in before a call uses it, where the
 * probes of calls may sleep.
 *
 * Not by copy_from_user(): while a probe waits nothing can be unregistered, so a page
 * that comes from FUSE, from another machine or from userfaultfd would let a program
 * keep the session from ending.
 */
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/stat.h>
#include <linux/uaccess.h>
#include <linux/userfaultfd_k.h>

#include "memory.h"

/* Its pages are this machine's memory, or on its disks. Of these, FUSE has subtypes. */
static bool is_near(const struct vm_area_struct *vma)
{
	const struct inode *inode;
	const struct super_block *sb;

	if (userfaultfd_armed((struct vm_area_struct *)vma))
		return false;
	if (vma_is_anonymous((struct vm_area_struct *)vma))
		return true;
	if (!vma->vm_file)
		return false;
	inode = file_inode(vma->vm_file);
	sb = inode->i_sb;
	return S_ISREG(inode->i_mode) &&
	       (sb->s_magic == TMPFS_MAGIC ||
		(sb->s_type->fs_flags & (FS_REQUIRES_DEV | FS_HAS_SUBTYPE)) ==
			FS_REQUIRES_DEV);
}

/* Waits for no lock: who holds this one may be waiting for anything. */
static bool fault_in_page(unsigned long address)
{
	struct mm_struct *mm = current->mm;
	const struct vm_area_struct *vma;
	bool is_in = false;

	if (!mmap_read_trylock(mm))
		return false;
	vma = find_vma(mm, address);
	if (vma && vma->vm_start <= address && is_near(vma))
		is_in = get_user_pages(address & PAGE_MASK, 1, 0, NULL) == 1;
	mmap_read_unlock(mm);
	return is_in;
}

/* Whether it is there then, as far as can be told. */
bool tracectl_fault_in(unsigned long address, size_t length)
{
	size_t part;
	u8 byte;

	for (; length; length -= part, address += part) {
		part = min_t(size_t, length,
			     PAGE_SIZE - offset_in_page(address));
		if (copy_from_user_nofault(&byte, (const void __user *)address,
					   sizeof(byte)) &&
		    !fault_in_page(address))
			return false;
	}
	return true;
}
