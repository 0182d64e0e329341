// SPDX-License-Identifier: GPL-2.0
/*
 * The writing side of the buffers: a relay channel whose sub-buffers are filled
 * in place with preemption off, and never from interrupts.
 */
#include <linux/bitops.h>
#include <linux/cpu.h>
#include <linux/err.h>
#include <linux/mutex.h>
#include <linux/relay.h>
#include <linux/workqueue.h>

#include "gate.h"
#include "name.h"
#include "session.h"
#include "stream.h"

DEFINE_PER_CPU(struct tracectl_cpu, tracectl_cpus);

static size_t records_offset(size_t subbuf_bytes)
{
	return sizeof(struct tracectl_subbuf_header) +
	       subbuf_bytes / TRACECTL_GRANULE / BITS_PER_BYTE;
}

static unsigned long *own_bitmap(const struct tracectl_cpu *pc)
{
	return (void *)(pc->subbuf + sizeof(struct tracectl_subbuf_header));
}

static bool buf_stalled(const struct rchan_buf *buf)
{
	return buf->offset > buf->chan->subbuf_size;
}

u64 tracectl_totals_generated(const struct tracectl_totals *totals)
{
	u64 generated = 0;
	int i;

	for (i = 0; i < TRACECTL_KINDS; i++)
		generated += totals->generated[i];
	for (i = 0; i < TRACECTL_SLOTS; i++)
		generated +=
			totals->syscalls[i].entries + totals->syscalls[i].exits;
	return generated;
}

static void open_subbuf(struct tracectl_cpu *pc, u64 ns)
{
	struct rchan_buf *buf = pc->buf;
	struct tracectl_subbuf_header *header = buf->data;
	size_t size = buf->chan->subbuf_size;

	memset(header, 0, records_offset(size));
	header->magic = TRACECTL_SUBBUF_MAGIC;
	header->abi = TRACECTL_ABI_VERSION;
	header->cpu = buf->cpu;
	header->subbuf_bytes = size;
	header->session_id = pc->session->id;
	header->seq = buf->subbufs_produced;
	header->first_ns = ns;
	header->generated = tracectl_totals_generated(pc->totals);
	memcpy(header->lost, pc->totals->lost_by_cause, sizeof(header->lost));

	pc->subbuf = buf->data;
	pc->bitmap = own_bitmap(pc) - (unsigned long)pc->subbuf /
					      TRACECTL_GRANULE / BITS_PER_LONG;
	pc->pos = pc->subbuf + records_offset(size);
	pc->epoch_ns = ns;
	pc->task_pending = true;
	pc->entry_switches = TRACECTL_NO_CALL;
}

/* Hands the open sub-buffer to the reader. */
static void close_subbuf(struct tracectl_cpu *pc, u64 ns)
{
	struct tracectl_subbuf_header *header = (void *)pc->subbuf;

	header->last_ns = ns;
	header->used_bytes = pc->pos - pc->subbuf;
	header->records = bitmap_weight(
		own_bitmap(pc), pc->buf->chan->subbuf_size / TRACECTL_GRANULE);
	pc->subbuf = NULL;
	pc->limit = NULL;
	pc->totals->subbufs++;
	/* relay counts the sub-buffer as produced without a barrier before. */
	smp_wmb();
	relay_switch_subbuf(pc->buf, 0);
}

/* Every sub-buffer waits for the reader, so that an event is lost for sure. */
bool tracectl_stream_is_full(const struct tracectl_cpu *pc)
{
	const struct rchan_buf *buf = pc->buf;

	return !pc->subbuf && buf && buf_stalled(buf) &&
	       buf->subbufs_produced - READ_ONCE(buf->subbufs_consumed) >=
		       buf->chan->n_subbufs;
}

static bool next_subbuf(struct tracectl_cpu *pc, u64 ns)
{
	if (pc->subbuf)
		close_subbuf(pc, ns);
	else if (buf_stalled(pc->buf) && !relay_buf_full(pc->buf))
		relay_switch_subbuf(pc->buf, 0);
	if (buf_stalled(pc->buf))
		return false;
	open_subbuf(pc, ns);
	return true;
}

static bool find_buffer(struct tracectl_cpu *pc)
{
	/* Made by relay when a CPU comes up; NULL for one that never was. */
	if (!pc->buf)
		pc->buf = *this_cpu_ptr(pc->session->chan->buf);
	return pc->buf;
}

/* An event, or a CALL's two, that was generated. */
struct tracectl_place tracectl_stream_lose(struct tracectl_cpu *pc,
					   enum tracectl_kind kind,
					   enum tracectl_lost cause, u64 ns)
{
	if (kind == TRACECTL_KIND_CALL) {
		pc->totals->lost[TRACECTL_KIND_ENTRY]++;
		pc->totals->lost_by_cause[cause]++;
		kind = TRACECTL_KIND_EXIT;
	}
	pc->totals->lost[kind]++;
	pc->totals->lost_by_cause[cause]++;
	pc->limit = NULL;
	pc->entry_switches = TRACECTL_NO_CALL;
	return (struct tracectl_place){ .ns = ns };
}

static void mark(struct tracectl_cpu *pc)
{
	__set_bit((unsigned long)pc->pos / TRACECTL_GRANULE, pc->bitmap);
}

static void put_pair(struct tracectl_cpu *pc, enum tracectl_kind kind, u64 ns,
		     u64 value)
{
	struct tracectl_place place = { pc->pos, ns };

	mark(pc);
	tracectl_record_head(place, TRACECTL_HEAD(kind, 0, 1));
	((u64 *)place.record)[1] = value;
	pc->pos += 2 * sizeof(u64);
}

/*
 * The counter began anew, as it may in a suspended machine, or a fast clock was
 * set back a little.
 */
static u64 mend_clock(struct tracectl_cpu *pc, u64 ns)
{
	if ((s64)(ns - pc->epoch_ns) >= 0)
		return ns;
	ns = max(ktime_get_mono_fast_ns(), pc->epoch_ns);
	tracectl_clock_set(&pc->clock, ns);
	return ns;
}

/* The last place in the open sub-buffer at which any record fits, and one. */
static char *limit_of(const struct tracectl_cpu *pc)
{
	return pc->subbuf + pc->buf->chan->subbuf_size - TRACECTL_FIXED_MAX + 1;
}

/*
 * The slow way of tracectl_stream_begin(): another thread than before, an epoch
 * over, no open sub-buffer or no room in it.
 */
noinline struct tracectl_place
tracectl_stream_make_room(struct tracectl_cpu *pc, unsigned int string,
			  enum tracectl_kind kind, u64 ns)
{
	size_t frame =
		sizeof(struct tracectl_time) + sizeof(struct tracectl_task);

	if (unlikely(!find_buffer(pc)))
		return tracectl_stream_lose(pc, kind, TRACECTL_LOST_NO_BUFFER,
					    ns);
	ns = mend_clock(pc, ns);
	if (!pc->subbuf || pc->pos + frame + string >= limit_of(pc)) {
		if (!next_subbuf(pc, ns))
			return tracectl_stream_lose(pc, kind,
						    TRACECTL_LOST_FULL, ns);
	} else if (ns - pc->epoch_ns >= TRACECTL_EPOCH_NS) {
		put_pair(pc, TRACECTL_KIND_TIME, ns, ns);
		pc->epoch_ns = ns;
		/* So that a near exit's call is shorter than an epoch. */
		pc->entry_switches = TRACECTL_NO_CALL;
	}
	if (pc->task_pending)
		put_pair(pc, TRACECTL_KIND_TASK, ns,
			 (u32)current->pid | (u64)current->tgid << 32);
	pc->task_pending = false;
	pc->limit = limit_of(pc);
	mark(pc);
	return (struct tracectl_place){ pc->pos, ns };
}

static int subbuf_start(struct rchan_buf *buf, void *subbuf,
			void *prev_subbuf RELAY_SUBBUF_START_MORE)
{
	const struct tracectl_session *session = buf->chan->private_data;

	/* The header is written with the first record: open_subbuf(). */
	return session->flags & TRACECTL_CONFIG_OVERWRITE ||
	       !relay_buf_full(buf);
}

/* No file: the buffers are served by the device's streams (see reader.c). */
static struct dentry *create_buf_file(const char *filename,
				      struct dentry *parent, umode_t mode,
				      struct rchan_buf *buf, int *is_global)
{
	/* relay wants something that is neither NULL nor an error. */
	return (struct dentry *)buf;
}

static int remove_buf_file(struct dentry *dentry)
{
	return 0;
}

/* Not const: 5.10 puts defaults into what is left out. */
static struct rchan_callbacks callbacks = {
	.subbuf_start = subbuf_start,
	.create_buf_file = create_buf_file,
	.remove_buf_file = remove_buf_file,
};

int tracectl_stream_open(struct tracectl_session *session)
{
	/* A CPU that comes up meanwhile would be left without a buffer. */
	cpus_read_lock();
	session->chan = relay_open(NULL, NULL, session->subbuf_bytes,
				   session->subbuf_count, &callbacks, session);
	cpus_read_unlock();
	return session->chan ? 0 : -ENOMEM;
}

void tracectl_stream_close(struct tracectl_session *session)
{
	if (session->chan)
		relay_close(session->chan);
}

/* No probe runs yet. */
void tracectl_stream_begin_session(struct tracectl_session *session)
{
	int cpu;

	tracectl_clock_start(&session->clock);
	for_each_possible_cpu (cpu) {
		struct tracectl_cpu *pc = per_cpu_ptr(&tracectl_cpus, cpu);

		memset(pc, 0, sizeof(*pc));
		pc->session = session;
		pc->clock = session->clock;
		pc->layouts = session->layouts;
		pc->totals = session->totals[cpu];
		pc->counts = pc->totals->syscalls;
		pc->entered = session->entered;
		pc->entry_switches = TRACECTL_NO_CALL;
		per_cpu(tracectl_filtered_rest, cpu) = 0;
	}
	tracectl_filter_begin_session(&session->selection);
	tracectl_name_begin_session(session);
}

/* No probe runs any more. Hands over what is left. */
void tracectl_stream_end_session(struct tracectl_session *session)
{
	int cpu;

	tracectl_withheld_reject_all(&session->selection.withheld);
	for_each_possible_cpu (cpu) {
		struct tracectl_cpu *pc = per_cpu_ptr(&tracectl_cpus, cpu);

		if (pc->subbuf)
			close_subbuf(pc, tracectl_clock_read(&pc->clock));
		pc->totals->filtered =
			pc->filtered + per_cpu(tracectl_filtered_rest, cpu);
		pc->totals->self = tracectl_filter_self(pc);
		memset(pc, 0, sizeof(*pc));
	}
	tracectl_filter_end_session();
	tracectl_name_end_session();
	smp_store_release(&session->ended, true);
	for_each_possible_cpu (cpu) {
		struct rchan_buf *buf = *per_cpu_ptr(session->chan->buf, cpu);

		if (buf)
			wake_up_interruptible(&buf->read_wait);
	}
	wake_up_interruptible(&tracectl_session_ended);
}

u64 tracectl_stream_filtered(const struct tracectl_session *session,
			     unsigned int cpu)
{
	const struct tracectl_cpu *pc = per_cpu_ptr(&tracectl_cpus, cpu);
	u64 filtered = session->totals[cpu]->filtered;
	int i;

	if (READ_ONCE(pc->session) == session)
		filtered = READ_ONCE(pc->filtered) +
			   READ_ONCE(per_cpu(tracectl_filtered_rest, cpu));
	for (i = 0; i < TRACECTL_SLOTS; i++)
		filtered += per_cpu_ptr(session->selection.filtered, cpu)[i];
	return filtered;
}

/* Of what was filtered out: recorders and their helpers. */
u64 tracectl_stream_self(const struct tracectl_session *session,
			 unsigned int cpu)
{
	const struct tracectl_cpu *pc = per_cpu_ptr(&tracectl_cpus, cpu);

	return READ_ONCE(pc->session) == session ? tracectl_filter_self(pc)
						 : session->totals[cpu]->self;
}

/*
 * The gates are closed: calls will end unseen, and what a CPU or a thread's place
 * remembers of one that began must not be taken for the entry of another.
 */
void tracectl_stream_forget_calls(struct tracectl_session *session)
{
	int cpu, place;

	tracectl_withheld_reject_all(&session->selection.withheld);
	tracectl_filter_forget_calls(&session->selection);
	for (place = 0; place < TRACECTL_ENTERED; place++)
		WRITE_ONCE(session->entered[place].tid, 0);
	for_each_possible_cpu (cpu)
		per_cpu(tracectl_cpus, cpu).entry_switches = TRACECTL_NO_CALL;
}

static void flush_cpu(struct tracectl_session *session, unsigned int cpu)
{
	struct tracectl_cpu *pc = per_cpu_ptr(&tracectl_cpus, cpu);

	preempt_disable();
	/* Once a session is closing, its end does that, which waits for preemption only. */
	if (!READ_ONCE(session->closing) && pc->session == session &&
	    pc->subbuf)
		close_subbuf(pc, tracectl_clock_read(&pc->clock));
	preempt_enable();
}

/* A CPU that is offline has no writer, but may have several that flush it. */
static void flush_offline(struct tracectl_session *session, unsigned int cpu)
{
	static DEFINE_MUTEX(lock);

	mutex_lock(&lock);
	flush_cpu(session, cpu);
	mutex_unlock(&lock);
}

static long flush_this_cpu(void *session)
{
	flush_cpu(session, raw_smp_processor_id());
	return 0;
}

/*
 * Hands over the part-filled sub-buffer of @cpu. Records are written with
 * preemption off but interrupts on, so an IPI could cut one in half: a bound
 * work item does it.
 */
int tracectl_stream_flush(struct tracectl_session *session, unsigned int cpu)
{
	if (!READ_ONCE(per_cpu(tracectl_cpus, cpu).subbuf))
		return 0;
	cpus_read_lock();
	if (cpu_online(cpu))
		work_on_cpu(cpu, flush_this_cpu, session);
	else
		flush_offline(session, cpu);
	cpus_read_unlock();
	return 0;
}
