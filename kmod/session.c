// SPDX-License-Identifier: GPL-2.0
/* The state machine idle, armed, tracing; one session at a time. */
#include <linux/atomic.h>
#include <linux/bitmap.h>
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/pid.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <linux/wait.h>

#include "device.h"
#include "gate.h"
#include "layout.h"
#include "probes.h"
#include "redact.h"
#include "session.h"
#include "tracepoint.h"
#include "user.h"

DECLARE_WAIT_QUEUE_HEAD(tracectl_session_ended);

static DEFINE_MUTEX(lock);
static struct tracectl_session *current_session; /* under lock */
static enum tracectl_state state; /* under lock */

/* Sessions that are not released yet: ended ones live as long as their streams. */
static atomic_t held_count;
static atomic_long_t held_pages; /* of their buffers */

/* What STATUS tells of the session before; under lock. */
static struct {
	enum tracectl_end end;
	u32 pid;
	struct tracectl_status status;
} last;

static const struct {
	u32 class;
	int (*attach)(void);
	void (*detach)(void);
} sites[] = {
	/* The filter follows forks, so these are first in and last out. */
	{ TRACECTL_CLASS_TASK, tracectl_tasks_attach, tracectl_tasks_detach },
	{ TRACECTL_CLASS_OPEN_HOW, tracectl_open_how_attach,
	  tracectl_open_how_detach },
	{ TRACECTL_CLASS_OPEN_NAME, tracectl_open_name_attach,
	  tracectl_open_name_detach },
	{ TRACECTL_CLASS_PATH, tracectl_path_attach, tracectl_path_detach },
	{ TRACECTL_CLASS_SOCKET, tracectl_socket_attach,
	  tracectl_socket_detach },
	{ TRACECTL_CLASS_SCHED, tracectl_sched_attach, tracectl_sched_detach },
	{ TRACECTL_CLASS_USER, tracectl_user_attach, tracectl_user_detach },
	{ TRACECTL_CLASS_FILE, tracectl_file_attach, tracectl_file_detach },
	{ TRACECTL_CLASS_SYSCALL, tracectl_syscalls_attach,
	  tracectl_syscalls_detach },
};

static bool is_wanted(u32 class, u32 classes)
{
	return class == TRACECTL_CLASS_TASK || class & classes;
}

static void detach_sites(u32 classes, int count)
{
	while (count--)
		if (is_wanted(sites[count].class, classes))
			sites[count].detach();
	/* No probe is running, and none that saw an open gate is still writing. */
	tracepoint_synchronize_unregister();
	synchronize_rcu();
}

/* On failure nothing is attached, and @failed is the class that refused. */
static int attach_sites(u32 classes, u32 *failed)
{
	int i, err;

	for (i = 0; i < ARRAY_SIZE(sites); i++) {
		if (!is_wanted(sites[i].class, classes))
			continue;
		err = sites[i].attach();
		if (err) {
			*failed = sites[i].class;
			detach_sites(classes, i);
			return err;
		}
	}
	return 0;
}

static void set_state(enum tracectl_state new)
{
	lockdep_assert_held(&lock);
	state = new;
	tracectl_device_notify(new);
}

static void release(struct kref *ref)
{
	struct tracectl_session *session =
		container_of(ref, struct tracectl_session, ref);
	int cpu;

	tracectl_stream_close(session);
	if (session->totals)
		for_each_possible_cpu (cpu)
			vfree(session->totals[cpu]);
	kfree(session->totals);
	vfree(session->layouts);
	vfree(session->entered);
	tracectl_user_destroy(session);
	tracectl_redact_destroy(session);
	tracectl_filter_destroy(&session->selection);
	bitmap_free(session->streamed);
	atomic_long_sub(session->pages, &held_pages);
	atomic_dec(&held_count);
	put_pid(session->owner_pid);
	kfree(session);
}

void tracectl_session_put(struct tracectl_session *session)
{
	kref_put(&session->ref, release);
}

static int check_config(const struct tracectl_config *config)
{
	u64 bytes = (u64)config->subbuf_bytes * config->subbuf_count;

	if (config->abi != TRACECTL_ABI_VERSION)
		return -EPROTO;
	if (config->flags &
		    ~(TRACECTL_CONFIG_OVERWRITE | TRACECTL_CONFIG_COUNTERS) ||
	    config->reserved1 || config->classes & ~TRACECTL_CLASS_ALL ||
	    !config->classes)
		return -EINVAL;
	if (config->flags & TRACECTL_CONFIG_COUNTERS &&
	    (config->flags & TRACECTL_CONFIG_OVERWRITE ||
	     config->classes != TRACECTL_CLASS_SYSCALL))
		return -EINVAL;
	if (!is_power_of_2(config->subbuf_bytes) ||
	    config->subbuf_bytes < max_t(u32, TRACECTL_SUBBUF_MIN, PAGE_SIZE) ||
	    config->subbuf_bytes > TRACECTL_SUBBUF_MAX ||
	    config->subbuf_count < TRACECTL_COUNT_MIN ||
	    config->subbuf_count > TRACECTL_COUNT_MAX ||
	    bytes > TRACECTL_BUFFER_MAX)
		return -EINVAL;
	if (strnlen(config->label, sizeof(config->label)) ==
	    sizeof(config->label))
		return -EINVAL;
	return 0;
}

/* Ended sessions hold what they have until their last stream is closed. */
static int hold(struct tracectl_session *session)
{
	u64 bytes = (u64)session->subbuf_bytes * session->subbuf_count;
	long held;

	session->pages = bytes * num_online_cpus() >> PAGE_SHIFT;
	held = atomic_long_add_return(session->pages, &held_pages);
	if (atomic_inc_return(&held_count) > TRACECTL_SESSIONS_MAX)
		return -EMFILE;
	/* The allocation must not push the machine into its OOM killer. */
	if (held > (si_mem_available() + held - session->pages) / 2)
		return -ENOMEM;
	return 0;
}

static int set_filter(struct tracectl_session *session,
		      const struct tracectl_filter *terms)
{
	int err;

	/* Without records there is none that could wait for its end. */
	if (terms->flags & TRACECTL_FILTER_ENDS &&
	    session->flags & TRACECTL_CONFIG_COUNTERS)
		return -EOPNOTSUPP;
	/* No name, no call. */
	if (terms->flags & TRACECTL_FILTER_PATH &&
	    !(session->classes &
	      (TRACECTL_CLASS_OPEN_NAME | TRACECTL_CLASS_PATH)))
		return -EOPNOTSUPP;
	err = tracectl_filter_set(&session->selection, terms);
	if (!err)
		session->narrowed |= terms->flags;
	return err;
}

static int read_filter(struct tracectl_session *session, u64 user_filter)
{
	struct tracectl_filter *terms;
	int err;

	if (!user_filter)
		return 0;
	terms = memdup_user(u64_to_user_ptr(user_filter), sizeof(*terms));
	if (IS_ERR(terms))
		return PTR_ERR(terms);
	err = set_filter(session, terms);
	kfree(terms);
	return err;
}

static int alloc_totals(struct tracectl_session *session)
{
	int cpu;

	session->totals =
		kcalloc(nr_cpu_ids, sizeof(*session->totals), GFP_KERNEL);
	session->streamed = bitmap_zalloc(nr_cpu_ids, GFP_KERNEL);
	session->entered =
		vzalloc(TRACECTL_ENTERED * sizeof(*session->entered));
	if (!session->totals || !session->streamed || !session->entered)
		return -ENOMEM;
	for_each_possible_cpu (cpu) {
		session->totals[cpu] = vzalloc(sizeof(**session->totals));
		if (!session->totals[cpu])
			return -ENOMEM;
	}
	return 0;
}

static void describe(struct tracectl_session *session, struct file *owner,
		     const struct tracectl_config *config)
{
	session->id = get_random_u64();
	session->since_ns = ktime_get_ns();
	session->classes = config->classes;
	session->subbuf_bytes = config->subbuf_bytes;
	session->subbuf_count = config->subbuf_count;
	session->target_pid = config->target_pid;
	session->flags = config->flags;
	session->selection.counts_only =
		config->flags & TRACECTL_CONFIG_COUNTERS;
	memcpy(session->label, config->label, sizeof(session->label));
	session->owner = owner;
	session->owner_pid = get_pid(task_tgid(current));
	session->owner_uid = current_uid();
	memcpy(session->owner_comm, current->group_leader->comm,
	       sizeof(session->owner_comm));
}

static struct tracectl_session *create(struct file *owner,
				       const struct tracectl_config *config)
{
	struct tracectl_session *session;
	int err;

	session = kzalloc(sizeof(*session), GFP_KERNEL);
	if (!session)
		return ERR_PTR(-ENOMEM);
	kref_init(&session->ref);
	describe(session, owner, config);
	err = hold(session) ?:
	      alloc_totals(session) ?:
	      tracectl_layouts_read(session, config->shapes) ?:
	      tracectl_filter_init(&session->selection,
				   config->target_pid) ?:
	      read_filter(session, config->filter) ?:
	      tracectl_user_init(session, config) ?:
	      tracectl_redact_init(session, config->redact) ?:
	      tracectl_stream_open(session);
	if (err) {
		tracectl_session_put(session);
		return ERR_PTR(err);
	}
	return session;
}

static int arm(struct tracectl_session *session, u32 *failed_class)
{
	int err;

	tracectl_stream_begin_session(session);
	/* Its name is seen by a CPU before a probe asks it for the session. */
	kick_all_cpus_sync();
	err = attach_sites(session->classes, failed_class);
	if (err)
		return err;
	if (session->target_pid) {
		err = tracectl_filter_follow(&session->selection,
					     session->target_pid);
		if (err)
			detach_sites(session->classes, ARRAY_SIZE(sites));
	}
	return err;
}

static bool is_busy(void)
{
	bool busy;

	mutex_lock(&lock);
	busy = current_session;
	mutex_unlock(&lock);
	return busy;
}

/* All or nothing: answers with a session that is armed, or with an error. */
struct tracectl_session *
tracectl_session_configure(struct file *owner, struct tracectl_config *config)
{
	struct tracectl_session *session;
	int err = check_config(config);

	if (err)
		return ERR_PTR(err);
	/* Before what is allocated in vain. */
	if (is_busy())
		return ERR_PTR(-EBUSY);
	/* Not under the lock: it reads user memory, which may never come. */
	session = create(owner, config);
	if (IS_ERR(session))
		return session;
	mutex_lock(&lock);
	err = current_session ? -EBUSY : arm(session, &config->failed_class);
	if (!err) {
		config->session_id = session->id;
		current_session = tracectl_session_get(session);
		set_state(TRACECTL_STATE_ARMED);
	}
	mutex_unlock(&lock);
	if (err) {
		tracectl_session_put(session);
		return ERR_PTR(err);
	}
	return session;
}

static int check_control(void)
{
	lockdep_assert_held(&lock);
	if (!current_session)
		return -ENXIO;
	if (!uid_eq(current_uid(), current_session->owner_uid) &&
	    !capable(CAP_SYS_ADMIN))
		return -EPERM;
	return 0;
}

static int set_gate(enum tracectl_state new)
{
	int err;

	mutex_lock(&lock);
	err = check_control();
	if (!err && state != new) {
		/* What was set up is seen by a CPU before its gate is open. */
		kick_all_cpus_sync();
		if (new == TRACECTL_STATE_TRACING) {
			tracectl_gates_open(current_session);
		} else {
			tracectl_gates_close();
			synchronize_rcu();
			tracectl_stream_forget_calls(current_session);
		}
		set_state(new);
	}
	mutex_unlock(&lock);
	return err;
}

int tracectl_session_resume(void)
{
	return set_gate(TRACECTL_STATE_TRACING);
}

int tracectl_session_pause(void)
{
	return set_gate(TRACECTL_STATE_ARMED);
}

int tracectl_session_filter(const struct tracectl_filter *terms)
{
	int err;

	mutex_lock(&lock);
	err = check_control() ?: set_filter(current_session, terms);
	if (!err) {
		tracectl_filter_begin_session(&current_session->selection);
		if (state == TRACECTL_STATE_TRACING)
			tracectl_gates_open(current_session);
	}
	mutex_unlock(&lock);
	return err;
}

static void sum_totals(const struct tracectl_session *session,
		       struct tracectl_status *status)
{
	int cpu, i;

	for_each_possible_cpu (cpu) {
		const struct tracectl_totals *totals = session->totals[cpu];

		status->filtered += tracectl_stream_filtered(session, cpu);
		status->self += tracectl_stream_self(session, cpu);
		status->generated += tracectl_totals_generated(totals);
		for (i = 0; i < TRACECTL_LOST_CAUSES; i++)
			status->lost[i] += totals->lost_by_cause[i];
	}
}

static void describe_status(const struct tracectl_session *session,
			    struct tracectl_status *status)
{
	status->owner_uid =
		from_kuid_munged(current_user_ns(), session->owner_uid);
	memcpy(status->owner_comm, session->owner_comm,
	       sizeof(status->owner_comm));
	status->session_id = session->id;
	status->classes = session->classes;
	status->target_pid = session->target_pid;
	status->flags = session->flags;
	status->narrowed = session->narrowed;
	status->subbuf_bytes = session->subbuf_bytes;
	status->subbuf_count = session->subbuf_count;
	status->since_ns = session->since_ns;
	memcpy(status->label, session->label, sizeof(status->label));
	status->filter = *session->selection.terms;
	sum_totals(session, status);
}

static void end(enum tracectl_end how)
{
	struct tracectl_session *session = current_session;

	lockdep_assert_held(&lock);
	tracectl_gates_close();
	/* Before detach_sites() waits for all that have preemption off. */
	WRITE_ONCE(session->closing, true);
	detach_sites(session->classes, ARRAY_SIZE(sites));
	tracectl_stream_end_session(session);
	current_session = NULL;

	memset(&last, 0, sizeof(last));
	last.end = how;
	last.pid = task_tgid_nr(current);
	describe_status(session, &last.status);
	set_state(TRACECTL_STATE_IDLE);
	tracectl_session_put(session);
}

int tracectl_session_stop(void)
{
	int err;

	mutex_lock(&lock);
	err = check_control();
	if (!err)
		end(TRACECTL_END_STOPPED);
	mutex_unlock(&lock);
	return err;
}

/* The owner's file is closed. */
void tracectl_session_close(struct tracectl_session *session)
{
	mutex_lock(&lock);
	if (current_session == session)
		end(TRACECTL_END_CLOSED);
	mutex_unlock(&lock);
	tracectl_session_put(session);
}

void tracectl_session_status(struct tracectl_status *status)
{
	mutex_lock(&lock);
	if (current_session) {
		describe_status(current_session, status);
		status->owner_pid = pid_vnr(current_session->owner_pid);
	} else {
		*status = last.status;
	}
	status->abi = TRACECTL_ABI_VERSION;
	status->state = state;
	status->last_end = last.end;
	status->last_pid = last.pid;
	mutex_unlock(&lock);
}

/* Of @session, or without one (NULL) as one would begin now. */
void tracectl_session_clock(const struct tracectl_session *session,
			    struct tracectl_clocks *clocks)
{
	const struct tracectl_clock none = {};

	preempt_disable();
	clocks->mono_ns = ktime_get_ns();
	clocks->trace_ns =
		tracectl_clock_read(session ? &session->clock : &none);
	clocks->boot_ns = ktime_get_boottime_ns();
	clocks->real_ns = ktime_get_real_ns();
	preempt_enable();
}

/* The current session, for who may stop it; an error else. The caller puts it. */
struct tracectl_session *tracectl_session_current(void)
{
	struct tracectl_session *session;
	int err;

	mutex_lock(&lock);
	err = check_control();
	session = err ? ERR_PTR(err) : tracectl_session_get(current_session);
	mutex_unlock(&lock);
	return session;
}

/*
 * The current session, if it is a flight recorder; an error else. Reading takes
 * nothing away, and who opened the device may record all that is in it, so no more
 * is asked. The caller puts it.
 */
struct tracectl_session *tracectl_session_flight(void)
{
	struct tracectl_session *session = ERR_PTR(-ENXIO);

	mutex_lock(&lock);
	if (current_session &&
	    current_session->flags & TRACECTL_CONFIG_OVERWRITE)
		session = tracectl_session_get(current_session);
	mutex_unlock(&lock);
	return session;
}
