// SPDX-License-Identifier: GPL-2.0
/* NAME records, the long way. */
#include <linux/string.h>

#include "divergence.h"
#include "drop.h"
#include "name.h"
#include "redact.h"
#include "session.h"

DEFINE_STATIC_KEY_FALSE(tracectl_inspects_names);

static void put_shown(struct tracectl_cpu *pc, struct tracectl_path_name path,
		      const struct tracectl_shown *shown)
{
	size_t length = tracectl_shown_length(shown);
	struct tracectl_name *record;
	struct tracectl_place place;

	place = tracectl_stream_begin(pc, ALIGN(length + 1, TRACECTL_GRANULE),
				      TRACECTL_KIND_NAME);
	record = (void *)place.record;
	if (!record) {
		pc->totals->generated[TRACECTL_KIND_NAME]++;
		return;
	}
	tracectl_put_shown((char *)(record + 1), shown);
	tracectl_name_put(pc, path, length, place);
	if (shown->is_redacted)
		record->flags |= TRACECTL_NAME_REDACTED;
}

/* Preemption is off, and on again afterwards. */
noinline notrace void
tracectl_name_record_slowly(u32 class, struct tracectl_path_name path)
{
	struct tracectl_cpu *pc = tracectl_stream_admit(class);
	struct tracectl_shown shown;

	if (pc) {
		shown = tracectl_show(path.name,
				      strnlen(path.name, PATH_MAX - 1));
		put_shown(pc, path, &shown);
	}
	tracectl_stream_leave();
}

static noinline notrace void inspect_wanted(u32 class,
					    struct tracectl_path_name path)
{
	u32 sorting = READ_ONCE(tracectl_sorting);

	if (!(sorting & TRACECTL_FILTER_PATH) &&
	    !static_branch_unlikely(&tracectl_redacts) &&
	    !static_branch_unlikely(&tracectl_compares_names)) {
		tracectl_name_record_plain(class, path);
		return;
	}
	preempt_disable_notrace();
	if (sorting & TRACECTL_FILTER_PATH)
		tracectl_filter_match(path.name);
	tracectl_name_record_slowly(class, path);
	tracectl_divergence_compare(path.name);
}

/*
 * The NAME record of @path, whose gate is open, and what is told by its name. In two,
 * so that a name that is dropped pays for no stack.
 */
noinline notrace void tracectl_name_inspect(u32 class,
					    struct tracectl_path_name path)
{
	if (!(READ_ONCE(tracectl_sorting) & TRACECTL_FILTER_CALLS) ||
	    !tracectl_drops_call())
		inspect_wanted(class, path);
}

static void set(struct static_key_false *key, bool is_on)
{
	if (is_on)
		static_branch_enable(key);
	else
		static_branch_disable(key);
}

/* Once, however often it is asked for. Under the session's lock. */
static void inspect(bool is_on)
{
	static bool was_on;

	if (is_on && !was_on)
		static_branch_inc(&tracectl_inspects_names);
	else if (!is_on && was_on)
		static_branch_dec(&tracectl_inspects_names);
	was_on = is_on;
}

/* No probe runs yet. */
void tracectl_name_begin_session(const struct tracectl_session *session)
{
	bool compares = session->classes & TRACECTL_CLASS_DIVERGENCE;
	bool redacts = session->redaction;

	set(&tracectl_compares_names, compares);
	set(&tracectl_redacts, redacts);
	inspect(compares || redacts);
}

/* No probe runs any more. */
void tracectl_name_end_session(void)
{
	inspect(false);
	static_branch_disable(&tracectl_redacts);
	static_branch_disable(&tracectl_compares_names);
}
