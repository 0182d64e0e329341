/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TRACECTL_ARGV_H
#define _TRACECTL_ARGV_H

struct linux_binprm;
struct tracectl_cpu;

void tracectl_argv_record(struct tracectl_cpu *pc,
			  const struct linux_binprm *bprm);

#endif
