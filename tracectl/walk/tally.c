// SPDX-License-Identifier: GPL-2.0
/* Sums and histograms of calls by group. */
#include <stdlib.h>

#include "columns.h"

enum state { STATE_PAIRED = 0, STATE_UNFINISHED = 1, STATE_NO_ENTRY = 2 };

#define MAX_ERRNO 4095

/* 64 buckets a factor of two: the exponent of a float, and 6 bits of its mantissa. */
#define STEPS 64
#define BUCKETS (64 * STEPS + 1)
#define FLOAT_SHIFT (23 - 6)
#define FLOAT_ONE (127 * STEPS)

static uint64_t bucket_of(uint64_t value)
{
	float rounded = (float)value;
	uint32_t bits;

	memcpy(&bits, &rounded, sizeof(bits));
	bits >>= FLOAT_SHIFT;
	return bits < FLOAT_ONE ? 0 : bits - (FLOAT_ONE - 1);
}

/* Each code once, in order, with how often it is there. */
static ptrdiff_t count_codes(const uint64_t *all, size_t count,
			     const int64_t *order, int64_t *codes,
			     int64_t *counts)
{
	ptrdiff_t found = 0;

	for (size_t at = 0; at < count; at++) {
		int64_t code = (int64_t)all[order[at]];

		if (!found || codes[found - 1] != code) {
			codes[found] = code;
			counts[found++] = 0;
		}
		counts[found - 1]++;
	}
	return found;
}

/*
 * group, state, entry_ns, exit_ns, result | calls, errors, total_ns, max_ns as one,
 * zeroed; codes and counts, with room for all calls
 */
ptrdiff_t tracectl_tally_add(const struct column *c, const uint64_t *n)
{
	const uint64_t *group = c[0].data, *entry_ns = c[2].data;
	const uint64_t *exit_ns = c[3].data;
	const uint8_t *state = c[1].data;
	const int64_t *result = c[4].data;
	uint64_t *sums = c[5].data, *all;
	size_t count = c[0].count, groups = c[5].count / 4, paired = 0;
	ptrdiff_t found = LEFT;
	int64_t *order;

	(void)n;
	for (size_t column = 1; column < 8; column++) {
		if (column != 5 && c[column].count != count)
			return LEFT;
	}
	all = malloc((count + 1) * sizeof(*all));
	order = malloc((count + 1) * sizeof(*order));
	if (!all || !order)
		goto free_codes;
	for (size_t call = 0; call < count; call++) {
		uint64_t spent_ns = exit_ns[call] - entry_ns[call];
		uint64_t mine = group[call], *max_ns;

		if (mine >= groups)
			goto free_codes;
		sums[mine] += state[call] != STATE_NO_ENTRY;
		if (state[call] != STATE_PAIRED)
			continue;
		sums[groups + mine] +=
			result[call] < 0 && result[call] >= -MAX_ERRNO;
		sums[2 * groups + mine] += spent_ns;
		max_ns = &sums[3 * groups + mine];
		*max_ns = spent_ns > *max_ns ? spent_ns : *max_ns;
		order[paired] = (int64_t)paired;
		all[paired++] = mine * BUCKETS + bucket_of(spent_ns);
	}
	if (!paired)
		found = 0;
	else if (tracectl_order_sort(all, order, paired))
		found = count_codes(all, paired, order, c[6].data, c[7].data);
free_codes:
	free(all);
	free(order);
	return found;
}
