// SPDX-License-Identifier: GPL-2.0
/*
 * A plugin of QEMU's TCG that counts executed instructions by address, between the first and the
 * second time that the guest executes a mark, and writes "ADDRESS COUNT" lines to the file out=PATH.
 *
 * What it uses of qemu-plugin.h, which Debian does not package, is declared here.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct qemu_plugin_tb;
struct qemu_plugin_insn;

extern void qemu_plugin_register_vcpu_tb_trans_cb(
	uint64_t id, void (*cb)(uint64_t, struct qemu_plugin_tb *));
extern void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb,
						     int op, void *to,
						     uint64_t value);
extern void
qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
				       void (*cb)(unsigned int, void *),
				       int flags, void *data);
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
extern struct qemu_plugin_insn *
qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
extern uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
extern const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
extern size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);

enum { ADD_U64, NO_REGISTERS = 0, SLOTS = 1 << 20 };

struct block {
	uint64_t address;
	uint64_t instructions;
};

int qemu_plugin_version = 1;

/* nopl MARK(%rax,%rax): no compiler makes that displacement. */
static const unsigned char mark[] = {
	0x0f, 0x1f, 0x84, 0x00, 'T', 'R', 'C', '1'
};
static struct block *blocks[SLOTS];
static const char *out;
static int marks;

static struct block *find_block(uint64_t address)
{
	size_t slot = (address * 0x9e3779b97f4a7c15) >> 44;

	while (blocks[slot] && blocks[slot]->address != address)
		slot = (slot + 1) % SLOTS;
	if (!blocks[slot]) {
		/* Where translated code adds to: it must not move. */
		blocks[slot] = calloc(1, sizeof(struct block));
		if (!blocks[slot])
			abort();
		blocks[slot]->address = address;
	}
	return blocks[slot];
}

static void write_counts(void)
{
	FILE *file = fopen(out, "w");

	if (!file)
		abort();
	for (size_t i = 0; i < SLOTS; i++)
		if (blocks[i] && blocks[i]->instructions)
			fprintf(file, "%" PRIx64 " %" PRIu64 "\n",
				blocks[i]->address, blocks[i]->instructions);
	fclose(file);
}

static void at_mark(unsigned int vcpu, void *unused)
{
	(void)vcpu;
	(void)unused;
	if (++marks == 2)
		write_counts();
	for (size_t i = 0; i < SLOTS; i++)
		if (blocks[i])
			blocks[i]->instructions = 0;
}

static void translated(uint64_t id, struct qemu_plugin_tb *tb)
{
	size_t count = qemu_plugin_tb_n_insns(tb);

	(void)id;
	qemu_plugin_register_vcpu_tb_exec_inline(
		tb, ADD_U64,
		&find_block(qemu_plugin_tb_vaddr(tb))->instructions, count);
	for (size_t i = 0; i < count; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);

		if (qemu_plugin_insn_size(insn) == sizeof(mark) &&
		    !memcmp(qemu_plugin_insn_data(insn), mark, sizeof(mark)))
			qemu_plugin_register_vcpu_insn_exec_cb(
				insn, at_mark, NO_REGISTERS, NULL);
	}
}

int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv)
{
	(void)info;
	if (argc != 1 || strncmp(argv[0], "out=", 4))
		return 1;
	out = strdup(argv[0] + 4);
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}
