// SPDX-License-Identifier: GPL-2.0
/* NAME records, the long way. */
#include <linux/string.h>

#include "name.h"

DEFINE_STATIC_KEY_FALSE(tracectl_inspects_names);

/* Preemption is off, and on again afterwards. */
noinline notrace void
tracectl_name_record_slowly(u32 class, struct tracectl_path_name path)
{
	struct tracectl_cpu *pc = tracectl_stream_admit(class);
	size_t length = strnlen(path.name, PATH_MAX - 1);
	struct tracectl_place place;

	if (!pc)
		goto leave;
	place = tracectl_stream_begin(pc, ALIGN(length + 1, TRACECTL_GRANULE),
				      TRACECTL_KIND_NAME);
	if (!place.record) {
		pc->totals->generated[TRACECTL_KIND_NAME]++;
		goto leave;
	}
	tracectl_put_text(place.record + sizeof(struct tracectl_name),
			  path.name, length);
	tracectl_name_put(pc, path, length, place);
leave:
	tracectl_stream_leave();
}

noinline notrace void tracectl_name_inspect(u32 class,
					    struct tracectl_path_name path)
{
	if (READ_ONCE(tracectl_sorting) & TRACECTL_FILTER_PATH) {
		preempt_disable_notrace();
		tracectl_filter_match(path.name);
		preempt_enable_notrace();
	}
	tracectl_divergence_name(class, path);
}
