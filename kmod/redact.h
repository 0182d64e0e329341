/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TRACECTL_REDACT_H
#define _TRACECTL_REDACT_H

#include <linux/jump_label.h>
#include <linux/socket.h>
#include <linux/string.h>
#include <linux/types.h>
#include <linux/un.h>

struct tracectl_session;

#define TRACECTL_HASH_DIGITS 16

/* A path as it is told: all of it, or the directory and a hash of the rest. */
struct tracectl_shown {
	const char *text;
	size_t kept; /* bytes of text */
	u64 hash;
	bool is_redacted;
};

/* While paths are redacted. */
DECLARE_STATIC_KEY_FALSE(tracectl_redacts);

struct tracectl_shown tracectl_redact(const char *path, size_t length);
char *tracectl_put_shown(char *to, const struct tracectl_shown *shown);
void tracectl_put_hash(char *to, u64 hash);

int tracectl_redact_init(struct tracectl_session *session, u64 user_prefix);
void tracectl_redact_destroy(struct tracectl_session *session);

/* With preemption off. */
static __always_inline struct tracectl_shown tracectl_show(const char *path,
							   size_t length)
{
	if (static_branch_unlikely(&tracectl_redacts))
		return tracectl_redact(path, length);
	return (struct tracectl_shown){ .text = path, .kept = length };
}

/* A socket of a file has its path in its address; an abstract one begins with a NUL. */
static __always_inline struct tracectl_shown
tracectl_show_address(const void *address, size_t length)
{
	const size_t head = offsetof(struct sockaddr_un, sun_path);
	const struct sockaddr_un *named = address;
	struct tracectl_shown shown = { .text = address, .kept = length };

	if (static_branch_unlikely(&tracectl_redacts) && length > head &&
	    named->sun_family == AF_UNIX && named->sun_path[0]) {
		shown = tracectl_redact(named->sun_path,
					strnlen(named->sun_path,
						length - head));
		shown.text = address;
		shown.kept += head;
	}
	return shown;
}

static __always_inline size_t
tracectl_shown_length(const struct tracectl_shown *shown)
{
	return shown->kept + (shown->is_redacted ? TRACECTL_HASH_DIGITS : 0);
}

#endif
