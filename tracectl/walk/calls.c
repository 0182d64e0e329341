// SPDX-License-Identifier: GPL-2.0
/* Calls that stand whole in a sub-buffer, and what is left of others. */
#include "columns.h"

/* The columns of Records that every pass here begins with. */
enum { WORDS, GRANULE, GRANULES, TIME, KIND, ID, TID, TGID, RECORDS };

/* One granule of a record behind its head, if it has so many: 0 is the first. */
static bool read(const struct column *c, size_t row, size_t place,
		 uint64_t *value)
{
	uint64_t at = COLUMN(uint64_t, c[GRANULE])[row];

	if (COLUMN(uint8_t, c[GRANULES])[row] <= place ||
	    at >= c[WORDS].count || c[WORDS].count - at <= place + 1)
		return false;
	*value = load64(&c[WORDS], at + 1 + place);
	return true;
}

/* As long as its kind, which is of so many bytes? */
static bool is_whole(const struct column *c, size_t row, size_t bytes)
{
	return COLUMN(uint8_t, c[GRANULES])[row] >=
	       bytes / TRACECTL_GRANULE - 1;
}

static bool read_number(const struct column *c, size_t row, int64_t *number)
{
	uint16_t id = COLUMN(uint16_t, c[ID])[row];

	*number = id & TRACECTL_NR_ESCAPE;
	if (*number != TRACECTL_NR_ESCAPE)
		return true;
	return read(c, row, 0, (uint64_t *)number);
}

static bool read_result(const struct column *c, size_t row, int64_t *result)
{
	if (COLUMN(uint8_t, c[KIND])[row] == TRACECTL_KIND_EXIT_SHORT) {
		*result = (int16_t)COLUMN(uint16_t, c[ID])[row];
		return true;
	}
	return read(c, row, 0, (uint64_t *)result);
}

static bool are_records(const struct column *c)
{
	for (size_t column = GRANULES; column < RECORDS; column++) {
		if (c[column].count != c[GRANULE].count)
			return false;
	}
	return true;
}

/* kind, tid, rows of the entries of whole calls | entries, exits: rows */
ptrdiff_t tracectl_calls_near(const struct column *c, const uint64_t *n)
{
	const uint8_t *kind = c[0].data;
	const uint32_t *tid = c[1].data;
	const int64_t *whole = c[2].data, *after = whole + c[2].count;
	int64_t *entries = c[3].data, *exits = c[4].data;
	size_t most = c[3].count < c[4].count ? c[3].count : c[4].count;
	size_t found = 0;
	int64_t last = -1;

	(void)n;
	if (c[1].count != c[0].count)
		return LEFT;
	for (int64_t row = 0; row < (int64_t)c[0].count; row++) {
		if (kind[row] == TRACECTL_KIND_ENTRY) {
			last = row;
			continue;
		}
		if (kind[row] != TRACECTL_KIND_EXIT_NEAR &&
		    kind[row] != TRACECTL_KIND_EXIT_SHORT)
			continue;
		while (whole < after && *whole + 1 < row)
			whole++;
		if (whole < after && *whole + 1 == row)
			continue;
		if (found == most || last < 0 || tid[last] != tid[row] ||
		    (found && last <= entries[found - 1]))
			return LEFT;
		entries[found] = last;
		exits[found++] = row;
	}
	return (ptrdiff_t)found;
}

/* What is made: rows of near calls and columns of theirs; the same of halves. */
struct split {
	const struct column *c;
	const int64_t *entries, *exits;
	int64_t *calls, *rows, *halves;
	uint8_t *half;
	size_t near, room;
	size_t called, left;
};

/* tid, tgid, abi, nr, entry_ns, exit_ns, result */
static bool add_call(struct split *split)
{
	const struct column *c = split->c;
	size_t entry = (size_t)split->entries[split->called];
	size_t exit = (size_t)split->exits[split->called];
	size_t near = split->near;
	int64_t *out = split->calls + split->called++;

	out[0] = COLUMN(uint32_t, c[TID])[entry];
	out[near] = COLUMN(uint32_t, c[TGID])[entry];
	out[2 * near] = COLUMN(uint16_t, c[ID])[entry] >> TRACECTL_NR_BITS;
	out[4 * near] = COLUMN(int64_t, c[TIME])[entry];
	out[5 * near] = COLUMN(int64_t, c[TIME])[exit];
	return read_number(c, entry, &out[3 * near]) &&
	       read_result(c, exit, &out[6 * near]);
}

/* time_ns, tid, tgid, abi, nr, value */
static bool add_half(struct split *split, size_t row, uint8_t half)
{
	const struct column *c = split->c;
	size_t room = split->room;
	int64_t *out = split->halves + split->left;
	uint64_t word;

	if (split->left == room)
		return false;
	split->rows[split->left] = (int64_t)row;
	split->half[split->left++] = half;
	out[0] = COLUMN(int64_t, c[TIME])[row];
	out[room] = COLUMN(uint32_t, c[TID])[row];
	out[2 * room] = COLUMN(uint32_t, c[TGID])[row];
	out[3 * room] = COLUMN(uint16_t, c[ID])[row] >> TRACECTL_NR_BITS;
	out[4 * room] = COLUMN(uint16_t, c[ID])[row] & TRACECTL_NR_ESCAPE;
	out[5 * room] = 0;
	if (half == HALF_ENTRY)
		return read_number(c, row, &out[4 * room]);
	if (half == HALF_EXIT || half == HALF_SURE_EXIT)
		return read_result(c, row, &out[5 * room]);
	if (half == HALF_RENAME) {
		if (!is_whole(c, row, sizeof(struct tracectl_exec)) ||
		    !read(c, row, 0, &word))
			return false;
		out[5 * room] = (uint32_t)word;
		/* A leader takes no other thread's tid. */
		if (out[5 * room] == out[room])
			split->left--;
	} else if (COLUMN(uint8_t, c[KIND])[row] == TRACECTL_KIND_FORK) {
		if (!is_whole(c, row, sizeof(struct tracectl_fork)) ||
		    !read(c, row, 0, &word))
			return false;
		/* Of the child nothing older can be open. */
		out[room] = (uint32_t)word;
	}
	return true;
}

/*
 * Records, entries and exits of near calls, rows of the entries of whole calls, the
 * half that each kind is | the calls' columns as one; rows, half, and the columns of
 * halves as one
 */
ptrdiff_t tracectl_calls_split(const struct column *c, const uint64_t *n)
{
	const uint8_t *kind = c[KIND].data, *half_of = c[RECORDS + 3].data;
	const int64_t *whole = c[RECORDS + 2].data;
	const int64_t *whole_end = whole + c[RECORDS + 2].count;
	struct split split = {
		.c = c,
		.entries = c[RECORDS].data,
		.exits = c[RECORDS + 1].data,
		.calls = c[RECORDS + 4].data,
		.rows = c[RECORDS + 5].data,
		.half = c[RECORDS + 6].data,
		.halves = c[RECORDS + 7].data,
		.near = c[RECORDS].count,
		.room = c[RECORDS + 5].count,
	};
	/* Of near calls in a row only the first is kept, to end what was before. */
	bool follows_near = false, is_inside = false;

	(void)n;
	if (!are_records(c) || c[RECORDS + 1].count != split.near ||
	    c[RECORDS + 3].count != 256 ||
	    c[RECORDS + 4].count != 7 * split.near ||
	    c[RECORDS + 6].count != split.room ||
	    c[RECORDS + 7].count != 6 * split.room)
		return LEFT;
	for (size_t row = 0; row < c[KIND].count; row++) {
		uint8_t half = half_of[kind[row]];
		bool is_near = split.called < split.near && !is_inside &&
			       split.entries[split.called] == (int64_t)row;

		if (is_near) {
			is_inside = true;
			half = HALF_END;
		} else if (is_inside &&
			   split.exits[split.called] == (int64_t)row) {
			is_inside = false;
			if (!add_call(&split))
				return LEFT;
		} else if (whole < whole_end && *whole + 1 == (int64_t)row) {
			half = HALF_SURE_EXIT;
			whole++;
		} else if (kind[row] == TRACECTL_KIND_TASK) {
			follows_near = false;
		}
		if (half == HALF_NONE || (half == HALF_COPY && is_inside) ||
		    (is_near && follows_near))
			continue;
		follows_near = is_near;
		if (!add_half(&split, row, half))
			return LEFT;
	}
	return split.called == split.near ? (ptrdiff_t)split.left : LEFT;
}

/* Of one call, by its shape, from offset of the payload on; false when it is shorter. */
static bool add_arguments(const struct column *c, size_t row, size_t offset,
			  struct tracectl_shape shape, uint64_t *arguments)
{
	uint64_t at = COLUMN(uint64_t, c[GRANULE])[row] + 1;
	size_t end = COLUMN(uint8_t, c[GRANULES])[row];

	if (at > c[WORDS].count || end > c[WORDS].count - at)
		return false;
	end *= TRACECTL_GRANULE;
	at *= TRACECTL_GRANULE;
	for (unsigned int index = 0; index < shape.args; index++) {
		size_t size = shape.wide >> index & 1 ? 8 : 4;

		if (end < offset + size)
			return false;
		memcpy(&arguments[index],
		       (const char *)c[WORDS].data + at + offset, size);
		offset += size;
	}
	return true;
}

/* Records, rows of entries, shapes by ABI and number | six arguments of each, zeroed */
ptrdiff_t tracectl_arguments_take(const struct column *c, const uint64_t *n)
{
	const struct tracectl_shape *shapes = c[RECORDS + 1].data;
	const uint64_t *rows = c[RECORDS].data;
	uint64_t *out = c[RECORDS + 2].data;
	size_t count = c[RECORDS].count;

	(void)n;
	if (!are_records(c) || c[RECORDS + 2].count != 6 * count)
		return LEFT;
	for (size_t place = 0; place < count; place++) {
		struct tracectl_shape shape = { .args = 6, .wide = 0x3f };
		size_t number, slot, offset = 0;

		if (rows[place] >= c[KIND].count)
			return LEFT;
		number = COLUMN(uint16_t, c[ID])[rows[place]];
		slot = (number >> TRACECTL_NR_BITS) * TRACECTL_SHAPES;
		number &= TRACECTL_NR_ESCAPE;
		slot += number;
		if (number < TRACECTL_SHAPES && slot < c[RECORDS + 1].count)
			shape = shapes[slot];
		if (number == TRACECTL_NR_ESCAPE)
			offset = TRACECTL_GRANULE;
		if (shape.args > 6 || !add_arguments(c, rows[place], offset,
						     shape, &out[6 * place]))
			return LEFT;
	}
	return (ptrdiff_t)count;
}
