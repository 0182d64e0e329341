// SPDX-License-Identifier: GPL-2.0
/*
 * Processes that have the device open: recorders, and who looks at what they record.
 * What they do for the sake of a trace must not be in it, or it would never end.
 */
#include <linux/kernel.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>

#include "filter.h"
#include "helpers.h"

/* Open files; more are recorded like any other process's. */
#define PLACES 64

static DEFINE_MUTEX(lock);
static pid_t helpers[PLACES]; /* tgid or 0, written under lock */
static unsigned int used; /* as many from the first on have ever been taken */

static void forget_threads(void)
{
	struct task_struct *thread;

	rcu_read_lock();
	for_each_thread (current, thread)
		tracectl_filter_forget(thread);
	rcu_read_unlock();
}

/* The current process opens the device. Answers what to end it with. */
int tracectl_helper_begin(void)
{
	int place;

	mutex_lock(&lock);
	for (place = 0; place < PLACES && helpers[place]; place++)
		;
	if (place < PLACES) {
		WRITE_ONCE(helpers[place], current->tgid);
		WRITE_ONCE(used, max_t(unsigned int, used, place + 1));
	}
	mutex_unlock(&lock);
	forget_threads();
	return place;
}

void tracectl_helper_end(int place)
{
	if (place == PLACES)
		return;
	mutex_lock(&lock);
	WRITE_ONCE(helpers[place], 0);
	mutex_unlock(&lock);
	forget_threads();
}

bool tracectl_is_helper(pid_t tgid)
{
	unsigned int place, count = READ_ONCE(used);

	for (place = 0; place < count; place++)
		if (READ_ONCE(helpers[place]) == tgid)
			return true;
	return false;
}
