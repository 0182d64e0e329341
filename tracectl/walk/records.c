// SPDX-License-Identifier: GPL-2.0
/* The records of a sub-buffer. */
#include "columns.h"

#define GRANULE TRACECTL_GRANULE
#define KINDS 256 /* that a byte can say */

static const bool has_string[KINDS] = {
	[TRACECTL_KIND_NAME] = true,	   [TRACECTL_KIND_EXEC] = true,
	[TRACECTL_KIND_ARGV] = true,	   [TRACECTL_KIND_ADDRESS] = true,
	[TRACECTL_KIND_FILE] = true,	   [TRACECTL_KIND_USER] = true,
	[TRACECTL_KIND_DIVERGENCE] = true, [TRACECTL_KIND_CGROUP] = true,
};

/* What the records before a record have told. */
struct told {
	uint64_t epoch_ns;
	uint64_t now_ns;
	uint64_t task; /* tid, and tgid above it */
};

/* A TASK or a TIME record at granule at; false when it is none. */
static bool tell(struct told *told, const struct column *words, size_t at)
{
	uint64_t head = load64(words, at), payload;

	if (head >> 56 == 0)
		return false;
	payload = load64(words, at + 1);
	if ((uint8_t)(head >> 48) == TRACECTL_KIND_TASK)
		told->task = payload;
	else if ((uint32_t)payload == (uint32_t)head)
		told->epoch_ns = payload;
	else
		return false;
	return true;
}

/*
 * words | granule, time_ns, kind, id, granules, tid, tgid of so many records as the
 * header tells, counts by kind (zeroed) | first_ns, last_ns, granule of the first record
 */
ptrdiff_t tracectl_records_fill(const struct column *c, const uint64_t *n)
{
	uint64_t *restrict granule = c[1].data, *restrict time_ns = c[2].data;
	uint8_t *restrict kind = c[3].data, *restrict granules = c[5].data;
	uint16_t *restrict id = c[4].data;
	uint32_t *restrict tid = c[6].data, *restrict tgid = c[7].data;
	int64_t *restrict counts = c[8].data;
	size_t bitmap = sizeof(struct tracectl_subbuf_header) / GRANULE;
	size_t end = c[0].count, rows = c[1].count, next = n[2], row = 0;
	struct told told = { .epoch_ns = n[0] };

	for (size_t column = 2; column < 8; column++) {
		if (c[column].count != rows)
			return LEFT;
	}
	if (c[8].count != KINDS || next > end || next < bitmap ||
	    (next - bitmap) * 64 < end || !rows ||
	    (uint32_t)load64(&c[0], next) != (uint32_t)n[0])
		return LEFT;
	for (size_t first = 0; first < end; first += 64) {
		uint64_t bits = load64(&c[0], bitmap + first / 64);

		if (end - first < 64)
			bits &= (UINT64_C(1) << (end - first)) - 1;
		for (; bits; bits &= bits - 1, row++) {
			size_t at = first + (size_t)__builtin_ctzll(bits);
			uint64_t head = load64(&c[0], at), now_ns;

			if (at != next || row == rows)
				return LEFT;
			id[row] = (uint16_t)(head >> 32);
			kind[row] = (uint8_t)(head >> 48);
			granules[row] = (uint8_t)(head >> 56);
			next = at + 1 + granules[row];
			if (has_string[kind[row]])
				next += id[row] / GRANULE + 1u;
			if (next > end)
				return LEFT;
			if ((kind[row] == TRACECTL_KIND_TASK ||
			     kind[row] == TRACECTL_KIND_TIME) &&
			    !tell(&told, &c[0], at))
				return LEFT;
			now_ns = (uint32_t)(head - told.epoch_ns);
			now_ns += told.epoch_ns;
			/* A clock may be set back by some ns. */
			if (now_ns > told.now_ns)
				told.now_ns = now_ns;
			granule[row] = at;
			time_ns[row] = told.now_ns;
			tid[row] = (uint32_t)told.task;
			tgid[row] = (uint32_t)(told.task >> 32);
			counts[kind[row]]++;
		}
	}
	if (row != rows || next != end || kind[0] != TRACECTL_KIND_TASK ||
	    told.now_ns > n[1])
		return LEFT;
	return (ptrdiff_t)rows;
}

/* kind, which kinds are wanted | rows of these, ascending */
ptrdiff_t tracectl_records_find(const struct column *c, const uint64_t *n)
{
	const uint8_t *kind = c[0].data;
	const uint8_t *wanted = c[1].data;
	int64_t *rows = c[2].data;
	size_t found = 0;

	(void)n;
	if (c[1].count != KINDS)
		return LEFT;
	for (size_t row = 0; row < c[0].count; row++) {
		if (!wanted[kind[row]])
			continue;
		if (found == c[2].count)
			return LEFT;
		rows[found++] = (int64_t)row;
	}
	return (ptrdiff_t)found;
}
