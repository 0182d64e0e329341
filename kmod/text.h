/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TRACECTL_TEXT_H
#define _TRACECTL_TEXT_H

#include <linux/limits.h>
#include <linux/string.h>
#include <asm/word-at-a-time.h>

#include "uapi/tracectl.h"

/*
 * @text at the end of a record, with a NUL, and zeroes up to a granule. It ends with
 * a NUL and is aligned to a granule, so that whole words of it can be read. Answers
 * its length; there is room for PATH_MAX.
 */
static __always_inline size_t tracectl_put_words(char *to, const char *text)
{
	const struct word_at_a_time constants = WORD_AT_A_TIME_CONSTANTS;
	unsigned long word, mask;
	size_t at;

	for (at = 0; at < PATH_MAX; at += sizeof(word)) {
		word = read_word_at_a_time(text + at);
		if (has_zero(word, &mask, &constants)) {
			mask = prep_zero_mask(word, mask, &constants);
			mask = create_zero_mask(mask);
			*(unsigned long *)(to + at) =
				word & zero_bytemask(mask);
			return at + find_zero(mask);
		}
		*(unsigned long *)(to + at) = word;
	}
	*(unsigned long *)(to + at - sizeof(word)) &= ~0ul >> BITS_PER_BYTE;
	return PATH_MAX - 1;
}

#endif
