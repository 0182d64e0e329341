// SPDX-License-Identifier: GPL-2.0
/*
 * Paths whose end is nobody's business: of one below the session's prefix the prefix
 * is told, and of the rest a hash under a key that never leaves the kernel. Equal
 * paths of a session stay equal. A relative path, and one that climbs, may lead
 * below the prefix: all of it is hashed. Symbolic links are not followed.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/random.h>
#include <linux/siphash.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "redact.h"
#include "session.h"

struct tracectl_redaction {
	siphash_key_t key;
	char *prefix; /* absolute; ends with no slash, unless it is the root */
};

DEFINE_STATIC_KEY_FALSE(tracectl_redacts);

static bool is_end(const char *path, size_t length, size_t at)
{
	return at == length || path[at] == '/';
}

/* Past slashes and components that are a dot. */
static size_t skip(const char *path, size_t length, size_t at)
{
	while (at < length &&
	       (path[at] == '/' ||
		(path[at] == '.' && is_end(path, length, at + 1))))
		at++;
	return at;
}

static bool climbs(const char *path, size_t length)
{
	size_t at;

	for (at = 0; at + 2 <= length; at++)
		if (path[at] == '.' && path[at + 1] == '.' &&
		    (!at || path[at - 1] == '/') &&
		    is_end(path, length, at + 2))
			return true;
	return false;
}

/* How much of @path is told, from its beginning. */
static size_t told_of(const char *prefix, const char *path, size_t length)
{
	size_t at = 0, part;

	/* Here, or above: no name at all. */
	if (skip(path, length, 0) == length ||
	    (length == 2 && climbs(path, length)))
		return length;
	if (path[0] != '/' || climbs(path, length))
		return 0;
	while (*prefix) {
		prefix++;
		at = skip(path, length, at);
		part = strcspn(prefix, "/");
		if (length - at < part || memcmp(path + at, prefix, part) ||
		    (part && !is_end(path, length, at + part)))
			return length;
		at += part;
		prefix += part;
	}
	return skip(path, length, at);
}

struct tracectl_shown tracectl_redact(const char *path, size_t length)
{
	const struct tracectl_redaction *redaction =
		raw_cpu_read(tracectl_cpus.session)->redaction;
	struct tracectl_shown shown = { .text = path };

	shown.kept = told_of(redaction->prefix, path, length);
	shown.is_redacted = shown.kept < length;
	if (shown.is_redacted)
		shown.hash = siphash(path + shown.kept, length - shown.kept,
				     &redaction->key);
	return shown;
}

void tracectl_put_hash(char *to, u64 hash)
{
	int shift;

	for (shift = 60; shift >= 0; shift -= 4)
		*to++ = "0123456789abcdef"[hash >> shift & 0xf];
}

/*
 * At the end of a record, with a NUL, and zeroes up to a granule. Answers where the
 * record ends.
 */
char *tracectl_put_shown(char *to, const struct tracectl_shown *shown)
{
	size_t length = tracectl_shown_length(shown);
	char *end = to + ALIGN(length + 1, TRACECTL_GRANULE);

	((u64 *)end)[-1] = 0;
	memcpy(to, shown->text, shown->kept);
	if (shown->is_redacted)
		tracectl_put_hash(to + shown->kept, shown->hash);
	return end;
}

int tracectl_redact_init(struct tracectl_session *session, u64 user_prefix)
{
	struct tracectl_redaction *redaction;
	char *prefix;
	int err = -EINVAL;

	if (!user_prefix)
		return 0;
	redaction = kzalloc(sizeof(*redaction), GFP_KERNEL);
	if (!redaction)
		return -ENOMEM;
	prefix = strndup_user(u64_to_user_ptr(user_prefix), PATH_MAX);
	if (IS_ERR(prefix)) {
		err = PTR_ERR(prefix);
		goto free_redaction;
	}
	if (prefix[0] != '/')
		goto free_prefix;
	redaction->prefix = prefix;
	get_random_bytes(&redaction->key, sizeof(redaction->key));
	session->redaction = redaction;
	return 0;
free_prefix:
	kfree(prefix);
free_redaction:
	kfree(redaction);
	return err;
}

void tracectl_redact_destroy(struct tracectl_session *session)
{
	if (session->redaction)
		kfree(session->redaction->prefix);
	kfree_sensitive(session->redaction);
}
