/* SPDX-License-Identifier: GPL-2.0 */
/* Calls that a second thread races with, in numbers that do not depend on its luck. */
#include <stdbool.h>

/* Of calls that used another value than was there before them, so many will do. */
#define RACES 500
/* Where two CPUs hardly ever run at the same time. */
#define PATIENCE 20

/* Whether call number @done is to be made, of @count or more. */
static inline bool race_goes_on(long done, long count, long races)
{
	return done < count || (races < RACES && done < PATIENCE * count);
}
