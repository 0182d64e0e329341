/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TRACECTL_SESSION_H
#define _TRACECTL_SESSION_H

#include <linux/kref.h>
#include <linux/uidgid.h>
#include <linux/wait.h>

#include "filter.h"
#include "stream.h"

struct file;
struct pid;
struct tracectl_kept;
struct tracectl_redaction;
struct rchan;

/*
 * One recording. Held by its owner's file, by each of its streams and, while
 * armed or tracing, by being the current one. The last put closes the channel.
 */
struct tracectl_session {
	struct kref ref;
	u64 id;
	u64 since_ns;
	u32 classes;
	u32 subbuf_bytes;
	u32 subbuf_count;
	u32 target_pid;
	u32 flags; /* TRACECTL_CONFIG_... */
	u32 narrowed; /* TRACECTL_FILTER_... of all its terms */
	unsigned long pages; /* of its buffers */
	char label[TRACECTL_LABEL_BYTES];

	struct file *owner; /* compared, never followed */
	struct pid *owner_pid;
	kuid_t owner_uid;
	char owner_comm[TRACECTL_COMM_BYTES];

	struct tracectl_clock clock;
	struct tracectl_selection selection;
	struct tracectl_layout *layouts; /* by slot */
	struct tracectl_totals **totals; /* by CPU */
	struct tracectl_entered *entered; /* by tid */
	struct tracectl_read *reads; /* TRACECTL_READS a slot, or NULL */
	struct tracectl_command *commands; /* TRACECTL_COMMANDS, or NULL */
	struct tracectl_kept *kept; /* by tid, or NULL */
	struct tracectl_redaction *redaction; /* or NULL */
	struct rchan *chan;
	unsigned long *streamed; /* CPUs whose stream is open */

	bool closing; /* no sub-buffer is handed over by a FLUSH any more */
	bool ended; /* set after the last sub-buffer */
};

/* Woken whenever a session has ended. */
extern wait_queue_head_t tracectl_session_ended;

struct tracectl_session *
tracectl_session_configure(struct file *owner, struct tracectl_config *config);
void tracectl_session_put(struct tracectl_session *session);
int tracectl_session_resume(void);
int tracectl_session_pause(void);
int tracectl_session_stop(void);
void tracectl_session_close(struct tracectl_session *session);
int tracectl_session_filter(const struct tracectl_filter *terms);
void tracectl_session_status(struct tracectl_status *status);
void tracectl_session_clock(const struct tracectl_session *session,
			    struct tracectl_clocks *clocks);
struct tracectl_session *tracectl_session_current(void);
struct tracectl_session *tracectl_session_flight(void);

static inline struct tracectl_session *
tracectl_session_get(struct tracectl_session *session)
{
	kref_get(&session->ref);
	return session;
}

#endif
