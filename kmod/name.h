/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TRACECTL_NAME_H
#define _TRACECTL_NAME_H

#include <linux/jump_label.h>
#include <linux/kernel.h>
#include <linux/preempt.h>

#include "stream.h"
#include "text.h"

/* A path out of a struct filename, and where it was seen. */
struct tracectl_path_name {
	const char *name;
	int dfd;
	enum tracectl_site site;
};

static __always_inline u8 tracectl_name_flags(void)
{
	if (current->flags & PF_IO_WORKER)
		return TRACECTL_NAME_IO_WORKER;
	if (current->flags & PF_KTHREAD)
		return TRACECTL_NAME_KTHREAD;
	return 0;
}

static __always_inline void tracectl_name_put(struct tracectl_cpu *pc,
					      struct tracectl_path_name path,
					      size_t length,
					      struct tracectl_place place)
{
	struct tracectl_name *record = (void *)place.record;

	pc->totals->generated[TRACECTL_KIND_NAME]++;
	tracectl_record_head(place,
			     TRACECTL_HEAD(TRACECTL_KIND_NAME, length, 1));
	record->dfd = path.dfd;
	record->source = TRACECTL_SOURCE_KERNEL_COPY;
	record->flags = tracectl_name_flags();
	record->site = path.site;
	record->reserved = 0;
	tracectl_stream_commit(pc, (char *)(record + 1) +
					   ALIGN(length + 1, TRACECTL_GRANULE));
}

void tracectl_name_record_slowly(u32 class, struct tracectl_path_name path);
void tracectl_name_begin_session(const struct tracectl_session *session);
void tracectl_name_end_session(void);

/* While names are looked at, too, or not all wanted; counts who does that. */
DECLARE_STATIC_KEY_FALSE(tracectl_inspects_names);
void tracectl_name_inspect(u32 class, struct tracectl_path_name path);

/* As it is, by the short way if that will do. */
static __always_inline void
tracectl_name_record_plain(u32 class, struct tracectl_path_name path)
{
	const char *name = path.name;
	struct tracectl_place place;
	struct tracectl_cpu *pc;
	size_t length;

	preempt_disable_notrace();
	pc = this_cpu_ptr(&tracectl_cpus);
	if (likely(tracectl_stream_try(pc, class, &place) &&
		   place.record + PATH_MAX < pc->limit &&
		   IS_ALIGNED((unsigned long)name, TRACECTL_GRANULE))) {
		tracectl_stream_mark(pc, place.record);
		length = tracectl_put_words(
			place.record + sizeof(struct tracectl_name), name);
		tracectl_name_put(pc, path, length, place);
		tracectl_stream_leave();
	} else {
		tracectl_name_record_slowly(class, path);
	}
}

/* A NAME record of @class, whose gate is open. */
static __always_inline void tracectl_name_record(u32 class,
						 enum tracectl_site site,
						 int dfd, const char *name)
{
	struct tracectl_path_name path = { name, dfd, site };

	if (static_branch_unlikely(&tracectl_inspects_names))
		tracectl_name_inspect(class, path);
	else
		tracectl_name_record_plain(class, path);
}

#endif
