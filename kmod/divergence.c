// SPDX-License-Identifier: GPL-2.0
/*
 * Paths and addresses in user memory when a call was entered, compared with what the
 * kernel then acted on: a program that changed one in between has fooled whoever looked at the
 * first.
 */
#include <linux/bitops.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "divergence.h"
#include "redact.h"
#include "session.h"

/* Whole paths for each possible thread would be 32 GiB. */
#define KEPT 1024
#define PATHS 2 /* no call has more */

struct kept_path {
	u8 argument;
	bool is_open; /* no name has come of it yet */
	bool is_known; /* else it could not be read */
	bool is_address;
	u16 length;
	char text[PATH_MAX];
};

/* The paths of the call that a thread is in. */
struct tracectl_kept {
	unsigned long busy; /* bit 0: a CPU is at it */
	pid_t tid;
	u8 count;
	struct kept_path paths[PATHS];
};

DEFINE_STATIC_KEY_FALSE(tracectl_compares_names);

static struct tracectl_kept *kept_of(const struct tracectl_session *session)
{
	return &session->kept[current->pid % KEPT];
}

/* Another thread with the same low bits may be at it; neither waits. */
static bool take(struct tracectl_kept *kept)
{
	return !test_and_set_bit_lock(0, &kept->busy);
}

static void give(struct tracectl_kept *kept)
{
	clear_bit_unlock(0, &kept->busy);
}

/* The current thread enters a call. */
void tracectl_divergence_forget(void)
{
	struct tracectl_kept *kept;

	if (!static_branch_unlikely(&tracectl_compares_names))
		return;
	kept = kept_of(raw_cpu_read(tracectl_cpus.session));
	preempt_disable_notrace();
	if (READ_ONCE(kept->tid) == current->pid && take(kept)) {
		if (kept->tid == current->pid)
			kept->tid = 0;
		give(kept);
	}
	preempt_enable_notrace();
}

/* Preemption is off. */
void tracectl_divergence_keep(const struct tracectl_cpu *pc, u8 argument,
			      const struct tracectl_entered_text *text)
{
	struct tracectl_kept *kept;
	struct kept_path *path;

	if (!static_branch_unlikely(&tracectl_compares_names))
		return;
	kept = kept_of(pc->session);
	if (!take(kept))
		return;
	if (kept->tid != current->pid) {
		kept->tid = current->pid;
		kept->count = 0;
	}
	if (kept->count < PATHS) {
		path = &kept->paths[kept->count++];
		path->argument = argument;
		path->is_open = true;
		path->is_known = text->is_known;
		path->is_address = text->is_address;
		path->length = min_t(size_t, text->length, PATH_MAX - 1);
		memcpy(path->text, text->text, path->length);
	}
	give(kept);
}

static bool is_same(const struct kept_path *path,
		    const struct tracectl_entered_text *used)
{
	return path->length == used->length &&
	       !memcmp(path->text, used->text, used->length);
}

/*
 * The path that has become @used: an equal one, else the next. Where a struct
 * filename is does not tell any more in 7.2.
 */
static struct kept_path *find(struct tracectl_kept *kept,
			      const struct tracectl_entered_text *used)
{
	struct kept_path *path, *next = NULL;
	int i;

	for (i = kept->count - 1; i >= 0; i--) {
		path = &kept->paths[i];
		/* A socket's file is walked to, too. */
		if (!path->is_open || path->is_address != used->is_address)
			continue;
		next = path;
		if (path->is_known && is_same(path, used))
			break;
	}
	return next;
}

static struct tracectl_shown show(const struct tracectl_entered_text *text)
{
	return text->is_address
		       ? tracectl_show_address(text->text, text->length)
		       : tracectl_show(text->text, text->length);
}

static void put_divergence(struct tracectl_cpu *pc,
			   const struct kept_path *path,
			   const struct tracectl_entered_text *used)
{
	struct tracectl_entered_text entered = { path->text, path->length, true,
						 path->is_address };
	struct tracectl_shown first = show(&entered), second = show(used);
	size_t user_bytes = tracectl_shown_length(&first);
	size_t bytes = user_bytes + 1 + tracectl_shown_length(&second);
	size_t string = ALIGN(bytes + 1, TRACECTL_GRANULE);
	struct tracectl_divergence *record;
	struct tracectl_place place;
	char *text;

	/* The second is put whole granules at a time, from anywhere in one. */
	place = tracectl_stream_begin(pc, string + TRACECTL_GRANULE,
				      TRACECTL_KIND_DIVERGENCE);
	pc->totals->generated[TRACECTL_KIND_DIVERGENCE]++;
	record = (void *)place.record;
	if (!record)
		return;
	tracectl_record_head(place,
			     TRACECTL_HEAD(TRACECTL_KIND_DIVERGENCE, bytes, 1));
	record->user_bytes = user_bytes;
	record->argument = path->argument;
	record->reserved0 = 0;
	record->reserved1 = 0;
	text = (char *)(record + 1);
	tracectl_put_shown(text, &first);
	tracectl_put_shown(text + user_bytes + 1, &second);
	memset(text + bytes, 0, string - bytes);
	tracectl_stream_commit(pc, text + string);
}

static void compare(struct tracectl_cpu *pc,
		    const struct tracectl_entered_text *used)
{
	struct tracectl_kept *kept = kept_of(pc->session);
	struct kept_path *path;

	if (!take(kept))
		return;
	path = kept->tid == current->pid ? find(kept, used) : NULL;
	if (path) {
		path->is_open = false;
		if (path->is_known && !is_same(path, used))
			put_divergence(pc, path, used);
	}
	give(kept);
}

static void compare_with(const struct tracectl_entered_text *used)
{
	struct tracectl_cpu *pc =
		tracectl_stream_enter(TRACECTL_CLASS_DIVERGENCE);

	if (pc)
		compare(pc, used);
	tracectl_stream_leave();
}

/* The call that the current thread is in has come to act on @name. */
void tracectl_divergence_compare(const char *name)
{
	struct tracectl_entered_text used = { .text = name };

	if (!tracectl_stream_wants(TRACECTL_CLASS_DIVERGENCE))
		return;
	used.length = strnlen(name, PATH_MAX - 1);
	compare_with(&used);
}

/* The same of the address of a socket. */
void tracectl_divergence_compare_address(const void *address, size_t length)
{
	struct tracectl_entered_text used = { address, length, true, true };

	if (tracectl_stream_wants(TRACECTL_CLASS_DIVERGENCE))
		compare_with(&used);
}

int tracectl_divergence_init(struct tracectl_session *session)
{
	session->kept = vzalloc(KEPT * sizeof(*session->kept));
	return session->kept ? 0 : -ENOMEM;
}

void tracectl_divergence_destroy(struct tracectl_session *session)
{
	vfree(session->kept);
}
