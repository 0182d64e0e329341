// SPDX-License-Identifier: GPL-2.0
/* Order, by digits: of any keys it takes a time that their number bounds. */
#include <stdlib.h>

#include "columns.h"

#define DIGIT_BITS 11
#define DIGITS (1u << DIGIT_BITS)

static void sort_digit(const uint64_t *keys, uint64_t lowest, unsigned shift,
		       const int64_t *from, int64_t *to, size_t count)
{
	size_t starts[DIGITS] = { 0 }, sum = 0;

	for (size_t at = 0; at < count; at++)
		starts[(keys[at] - lowest) >> shift & (DIGITS - 1)]++;
	for (size_t digit = 0; digit < DIGITS; digit++) {
		size_t here = starts[digit];

		starts[digit] = sum;
		sum += here;
	}
	for (size_t at = 0; at < count; at++) {
		uint64_t key = keys[from[at]] - lowest;

		to[starts[key >> shift & (DIGITS - 1)]++] = from[at];
	}
}

bool tracectl_order_sort(const uint64_t *keys, int64_t *order, size_t count)
{
	uint64_t lowest = UINT64_MAX, highest = 0;
	int64_t *spare, *from = order, *to;
	bool is_sorted = true;

	for (size_t at = 0; at < count; at++) {
		lowest = keys[at] < lowest ? keys[at] : lowest;
		highest = keys[at] > highest ? keys[at] : highest;
		is_sorted &= !at || keys[order[at]] >= keys[order[at - 1]];
	}
	if (is_sorted)
		return true;
	spare = malloc(count * sizeof(*spare));
	if (!spare)
		return false;
	to = spare;
	for (unsigned shift = 0; shift < 64 && (highest - lowest) >> shift;
	     shift += DIGIT_BITS) {
		int64_t *last = from;

		sort_digit(keys, lowest, shift, from, to, count);
		from = to;
		to = last;
	}
	if (from != order)
		memcpy(order, from, count * sizeof(*order));
	free(spare);
	return true;
}

/* major, minor | order: by major, then minor; what is equal in both stays as it is */
ptrdiff_t tracectl_order_arrange(const struct column *c, const uint64_t *n)
{
	int64_t *order = c[2].data;
	size_t count = c[0].count;

	(void)n;
	if (c[1].count != count || c[2].count != count)
		return LEFT;
	for (size_t at = 0; at < count; at++)
		order[at] = (int64_t)at;
	if (!tracectl_order_sort(c[1].data, order, count) ||
	    !tracectl_order_sort(c[0].data, order, count))
		return LEFT;
	return (ptrdiff_t)count;
}

/*
 * order, tid, half | owner: the row of the entry that each is inside of, ends, or is
 * itself, or -1; rows of the entries that nothing ended
 */
ptrdiff_t tracectl_order_match(const struct column *c, const uint64_t *n)
{
	const int64_t *order = c[0].data, *tid = c[1].data;
	const uint8_t *half = c[2].data;
	int64_t *owner = c[3].data, *open = c[4].data, inside = -1;
	size_t count = c[0].count, found = 0;

	(void)n;
	for (size_t column = 1; column < 5; column++) {
		if (c[column].count != count)
			return LEFT;
	}
	for (size_t at = 0; at < count; at++) {
		int64_t row = order[at];

		if (row < 0 || (size_t)row >= count)
			return LEFT;
		if (inside >= 0 && tid[inside] != tid[row]) {
			open[found++] = inside;
			inside = -1;
		}
		if (half[row] == HALF_ENTRY)
			inside = row;
		owner[at] = inside;
		if (half[row] == HALF_EXIT || half[row] == HALF_SURE_EXIT ||
		    half[row] == HALF_END)
			inside = -1;
	}
	if (inside >= 0)
		open[found++] = inside;
	return (ptrdiff_t)found;
}
