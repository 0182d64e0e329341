/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TRACECTL_DIVERGENCE_H
#define _TRACECTL_DIVERGENCE_H

#include <linux/jump_label.h>
#include <linux/types.h>

struct tracectl_cpu;
struct tracectl_session;

/* While names are compared. */
DECLARE_STATIC_KEY_FALSE(tracectl_compares_names);

int tracectl_divergence_init(struct tracectl_session *session);
void tracectl_divergence_destroy(struct tracectl_session *session);
void tracectl_divergence_forget(void);
void tracectl_divergence_keep(const struct tracectl_cpu *pc, u8 argument,
			      const char *text, size_t length, bool is_known);
void tracectl_divergence_compare(const char *name);

#endif
