// SPDX-License-Identifier: GPL-2.0
/*
 * The arguments of a new image, from its own stack before it has run: no other
 * thread is left that could change them. Of an exec that fails nothing is told but
 * the name: what the caller holds is not yet copied when that is known.
 */
#include <linux/binfmts.h>
#include <linux/kernel.h>
#include <linux/mm_types.h>
#include <linux/sched.h>
#include <linux/uaccess.h>

#include "argv.h"
#include "stream.h"

#define ARGV_MAX (TRACECTL_ARGV_BYTES - 1)

static u8 copy_argv(char *to, unsigned long from, size_t length)
{
	/* The last granule holds the NUL and what pads it. */
	((u64 *)(to + ALIGN(length + 1, TRACECTL_GRANULE)))[-1] = 0;
	if (!copy_from_user_nofault(to, (const void __user *)from, length))
		return 0;
	memset(to, 0, length);
	return TRACECTL_ARGV_FAULTED;
}

/* Within tracectl_stream_enter(). */
void tracectl_argv_record(struct tracectl_cpu *pc,
			  const struct linux_binprm *bprm)
{
	const struct mm_struct *mm = current->mm;
	unsigned long bytes = mm->arg_end - mm->arg_start;
	size_t length = min_t(unsigned long, bytes, ARGV_MAX);
	size_t string = ALIGN(length + 1, TRACECTL_GRANULE);
	struct tracectl_argv *record;
	struct tracectl_place place;

	place = tracectl_stream_begin(pc, string, TRACECTL_KIND_ARGV);
	pc->totals->generated[TRACECTL_KIND_ARGV]++;
	record = (void *)place.record;
	if (!record)
		return;
	tracectl_record_head(place,
			     TRACECTL_HEAD(TRACECTL_KIND_ARGV, length, 1));
	record->bytes = bytes;
	record->variables = min_t(int, bprm->envc, U16_MAX);
	record->flags = copy_argv((char *)(record + 1), mm->arg_start, length);
	if (bytes > length)
		record->flags |= TRACECTL_ARGV_TRUNCATED;
	record->reserved = 0;
	if (bprm->interp != bprm->filename)
		record->flags |= TRACECTL_ARGV_INTERPRETED;
	tracectl_stream_commit(pc, (char *)(record + 1) + string);
}
