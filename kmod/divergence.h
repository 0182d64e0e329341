/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TRACECTL_DIVERGENCE_H
#define _TRACECTL_DIVERGENCE_H

#include <linux/jump_label.h>
#include <linux/types.h>

struct tracectl_cpu;
struct tracectl_session;

/* A path, or the address of a socket, as the call was entered with it. */
struct tracectl_entered_text {
	const char *text;
	size_t length;
	bool is_known; /* else it could not be read */
	bool is_address;
};

/* While names are compared. */
DECLARE_STATIC_KEY_FALSE(tracectl_compares_names);

int tracectl_divergence_init(struct tracectl_session *session);
void tracectl_divergence_destroy(struct tracectl_session *session);
void tracectl_divergence_forget(void);
void tracectl_divergence_keep(const struct tracectl_cpu *pc, u8 argument,
			      const struct tracectl_entered_text *text);
void tracectl_divergence_compare(const char *name);
void tracectl_divergence_compare_address(const void *address, size_t length);

#endif
