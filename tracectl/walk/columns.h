/* SPDX-License-Identifier: GPL-2.0 */
/* What the passes work on: numpy's columns, as plain memory. */
#ifndef TRACECTL_WALK_COLUMNS_H
#define TRACECTL_WALK_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "../../kmod/uapi/tracectl.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "records are little-endian, and read as they are"
#endif

/* count elements of the size that the pass's layout says */
struct column {
	void *data;
	size_t count;
};

/* What happened to a thread: as Half in tracectl/analysis/halves.py. */
enum half {
	HALF_ENTRY = 0,
	HALF_EXIT = 1,
	HALF_COPY = 2,
	HALF_END = 3,
	HALF_RENAME = 4,
	HALF_SURE_EXIT = 5,
	HALF_NONE = 255,
};

#define COLUMN(type, column) ((type *)(column).data)

/*
 * A pass answers how much it made, or LEFT: what it got is not what it knows, and
 * numpy's way tells what is wrong with it. It reads no memory but the columns'.
 */
#define LEFT (-1)
typedef ptrdiff_t (*pass_fn)(const struct column *columns,
			     const uint64_t *numbers);

ptrdiff_t tracectl_records_fill(const struct column *c, const uint64_t *n);
ptrdiff_t tracectl_records_find(const struct column *c, const uint64_t *n);
ptrdiff_t tracectl_calls_near(const struct column *c, const uint64_t *n);
ptrdiff_t tracectl_calls_split(const struct column *c, const uint64_t *n);
ptrdiff_t tracectl_arguments_take(const struct column *c, const uint64_t *n);
ptrdiff_t tracectl_order_arrange(const struct column *c, const uint64_t *n);
ptrdiff_t tracectl_order_match(const struct column *c, const uint64_t *n);
ptrdiff_t tracectl_tally_add(const struct column *c, const uint64_t *n);

/* order becomes that of keys, ascending; equal ones stay as order has them. */
bool tracectl_order_sort(const uint64_t *keys, int64_t *order, size_t count);

/* A sub-buffer need not be aligned. */
static inline uint64_t load64(const struct column *words, size_t at)
{
	uint64_t word;

	memcpy(&word, (const char *)words->data + 8 * at, sizeof(word));
	return word;
}

#endif /* TRACECTL_WALK_COLUMNS_H */
