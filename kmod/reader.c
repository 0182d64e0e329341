// SPDX-License-Identifier: GPL-2.0
/*
 * The reading side of one CPU's buffer, as a file of its own. Only whole
 * sub-buffers are handed out: relay's own read() can return bytes of the lap
 * before when it meets a switch on another CPU.
 */
#include <linux/anon_inodes.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/relay.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "counters.h"
#include "device.h"
#include "reader.h"
#include "session.h"

struct reader {
	struct tracectl_session *session;
	struct rchan_buf *buf;
	unsigned int cpu;
	struct mutex lock; /* GET, PUT and what follows */
	size_t next; /* the oldest sub-buffer that has not been PUT */
	u64 lost_told;
	unsigned long tell_after; /* jiffies */
};

/* Pairs with the release in tracectl_stream_end_session(): read it first. */
static bool has_ended(const struct reader *reader)
{
	return smp_load_acquire(&reader->session->ended);
}

static bool is_flight(const struct reader *reader)
{
	return reader->session->flags & TRACECTL_CONFIG_OVERWRITE;
}

/* Sub-buffers handed over so far; what is in them is read after it. */
static size_t produced(const struct reader *reader)
{
	size_t count = READ_ONCE(reader->buf->subbufs_produced);

	smp_rmb();
	return count;
}

/* Whether the slot of sub-buffer @seq is, or soon will be, written anew. */
static bool is_overwritten(const struct reader *reader, size_t seq)
{
	return produced(reader) - seq >= reader->buf->chan->n_subbufs;
}

/* Told by who reads, and seldom: the record path can do neither. */
static void tell_lost(struct reader *reader)
{
	const struct tracectl_totals *totals =
		reader->session->totals[reader->cpu];
	u64 lost = 0;
	int i;

	for (i = 0; i < TRACECTL_LOST_CAUSES; i++)
		lost += READ_ONCE(totals->lost_by_cause[i]);
	if (lost == reader->lost_told)
		return;
	reader->lost_told = lost;
	reader->tell_after = jiffies + HZ;
	tracectl_device_notify_lost(reader->cpu, lost);
}

static long get(struct reader *reader, void __user *arg)
{
	const struct rchan_buf *buf = reader->buf;
	const struct tracectl_subbuf_header *header;
	bool ended = has_ended(reader);
	struct tracectl_subbuf subbuf;

	if (is_flight(reader) && is_overwritten(reader, reader->next))
		reader->next = produced(reader) - buf->chan->n_subbufs + 1;
	if (reader->next == produced(reader))
		return ended ? -ENODATA : -EAGAIN;
	subbuf.seq = reader->next;
	subbuf.index = reader->next % buf->chan->n_subbufs;
	header = buf->start + subbuf.index * buf->chan->subbuf_size;
	subbuf.used_bytes = header->used_bytes;
	return copy_to_user(arg, &subbuf, sizeof(subbuf)) ? -EFAULT : 0;
}

static long put(struct reader *reader, void __user *arg)
{
	u64 seq;

	if (copy_from_user(&seq, arg, sizeof(seq)))
		return -EFAULT;
	if (seq != reader->next || reader->next == produced(reader))
		return -EINVAL;
	/* What user space read is read before the writer has it again. */
	smp_mb();
	reader->next++;
	if (is_flight(reader))
		return is_overwritten(reader, seq) ? -ESTALE : 0;
	relay_subbufs_consumed(reader->session->chan, reader->cpu, 1);
	if (time_after_eq(jiffies, reader->tell_after))
		tell_lost(reader);
	return 0;
}

static long reader_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct reader *reader = file->private_data;
	void __user *user = (void __user *)arg;
	long err;

	switch (cmd) {
	case TRACECTL_IOC_FLUSH:
		return tracectl_stream_flush(reader->session, reader->cpu);
	case TRACECTL_IOC_COUNTERS:
		return tracectl_counters_answer(reader->session, reader->cpu,
						user);
	case TRACECTL_IOC_GET:
		mutex_lock(&reader->lock);
		err = get(reader, user);
		mutex_unlock(&reader->lock);
		return err;
	case TRACECTL_IOC_PUT:
		mutex_lock(&reader->lock);
		err = put(reader, user);
		mutex_unlock(&reader->lock);
		return err;
	}
	return -ENOTTY;
}

static __poll_t reader_poll(struct file *file, poll_table *wait)
{
	struct reader *reader = file->private_data;
	bool ended;

	poll_wait(file, &reader->buf->read_wait, wait);
	/*
	 * Pairs with the one in relay_switch_subbuf(), which then looks for a waiter.
	 * poll_wait() has its own from 6.14 on.
	 */
	smp_mb();
	ended = has_ended(reader);
	if (READ_ONCE(reader->next) != produced(reader))
		return EPOLLIN | EPOLLRDNORM;
	return ended ? EPOLLHUP : 0;
}

/* The pages are counted by the mapping: it outlives the channel safely. */
static int reader_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct reader *reader = file->private_data;
	unsigned long count = vma_pages(vma);

	if (vma->vm_flags & VM_WRITE)
		return -EPERM;
	if (vma->vm_pgoff || count > reader->buf->page_count)
		return -EINVAL;
	vm_flags_mod(vma, VM_DONTEXPAND | VM_DONTDUMP, VM_MAYWRITE);
	return vm_insert_pages(vma, vma->vm_start, reader->buf->page_array,
			       &count);
}

static int reader_release(struct inode *inode, struct file *file)
{
	struct reader *reader = file->private_data;

	tell_lost(reader);
	if (!is_flight(reader))
		clear_bit(reader->cpu, reader->session->streamed);
	tracectl_session_put(reader->session);
	kfree(reader);
	return 0;
}

static const struct file_operations reader_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = reader_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.poll = reader_poll,
	.mmap = reader_mmap,
	.release = reader_release,
};

int tracectl_reader_open(struct tracectl_session *session, unsigned int cpu,
			 struct file **file)
{
	struct reader *reader;
	int err = -ENODEV;

	if (cpu >= nr_cpu_ids || !cpu_possible(cpu))
		return -EINVAL;
	reader = kzalloc(sizeof(*reader), GFP_KERNEL);
	if (!reader)
		return -ENOMEM;
	mutex_init(&reader->lock);
	reader->cpu = cpu;
	reader->tell_after = jiffies;
	reader->buf = *per_cpu_ptr(session->chan->buf, cpu);
	if (!reader->buf)
		goto free;
	err = -EBUSY;
	if (!(session->flags & TRACECTL_CONFIG_OVERWRITE) &&
	    test_and_set_bit(cpu, session->streamed))
		goto free;
	reader->session = tracectl_session_get(session);
	reader->next = reader->buf->subbufs_consumed;
	*file = anon_inode_getfile("[tracectl-stream]", &reader_fops, reader,
				   O_RDONLY | O_CLOEXEC);
	if (IS_ERR(*file)) {
		err = PTR_ERR(*file);
		goto put;
	}
	return 0;
put:
	if (!is_flight(reader))
		clear_bit(cpu, session->streamed);
	tracectl_session_put(session);
free:
	kfree(reader);
	return err;
}
