// SPDX-License-Identifier: GPL-2.0
/* /dev/tracectl: a table of commands, and uevents. */
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kobject.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "counters.h"
#include "device.h"
#include "helpers.h"
#include "probes.h"
#include "reader.h"
#include "session.h"

/* One open file of the device; it owns at most one session. */
struct client {
	struct mutex lock;
	struct tracectl_session *session;
	int helper;
};

static long do_info(struct file *file, void __user *arg)
{
	struct tracectl_info info = {
		.abi = TRACECTL_ABI_VERSION,
		.sites = TRACECTL_CLASS_ALL &
			 ~(TRACECTL_CAN_FILE ? 0 : TRACECTL_CLASS_FILE),
		.cpus = nr_cpu_ids,
		.page_bytes = PAGE_SIZE,
		.version = TRACECTL_VERSION,
	};

	if (THIS_MODULE->srcversion)
		strscpy(info.build_id, THIS_MODULE->srcversion,
			sizeof(info.build_id));
	return copy_to_user(arg, &info, sizeof(info)) ? -EFAULT : 0;
}

static long do_status(struct file *file, void __user *arg)
{
	struct tracectl_status *status;
	long err = 0;

	status = kzalloc(sizeof(*status), GFP_KERNEL);
	if (!status)
		return -ENOMEM;
	tracectl_session_status(status);
	if (copy_to_user(arg, status, sizeof(*status)))
		err = -EFAULT;
	kfree(status);
	return err;
}

/* The answers, failed_class among them, go back on failure, too. */
static long configure(struct file *file, struct tracectl_config *config)
{
	struct client *client = file->private_data;
	struct tracectl_session *session;

	if (!(file->f_mode & FMODE_WRITE))
		return -EBADF;
	mutex_lock(&client->lock);
	session = tracectl_session_configure(file, config);
	if (!IS_ERR(session)) {
		if (client->session) /* has ended, or there were none to give */
			tracectl_session_put(client->session);
		client->session = session;
	}
	mutex_unlock(&client->lock);
	return PTR_ERR_OR_ZERO(session);
}

static long do_configure(struct file *file, void __user *arg)
{
	struct tracectl_config *config = memdup_user(arg, sizeof(*config));
	long err;

	if (IS_ERR(config))
		return PTR_ERR(config);
	config->session_id = 0;
	config->failed_class = 0;
	err = configure(file, config);
	if (copy_to_user(arg, config, sizeof(*config)) && !err)
		err = -EFAULT; /* the session stays, and ends with the file */
	kfree(config);
	return err;
}

static long do_resume(struct file *file, void __user *arg)
{
	return tracectl_session_resume();
}

static long do_pause(struct file *file, void __user *arg)
{
	return tracectl_session_pause();
}

static long do_stop(struct file *file, void __user *arg)
{
	return tracectl_session_stop();
}

static long do_filter(struct file *file, void __user *arg)
{
	struct tracectl_filter *terms = memdup_user(arg, sizeof(*terms));
	long err;

	if (IS_ERR(terms))
		return PTR_ERR(terms);
	err = tracectl_session_filter(terms);
	kfree(terms);
	return err;
}

static int install(struct file *file, struct tracectl_stream *stream,
		   void __user *arg)
{
	int fd = get_unused_fd_flags(O_CLOEXEC);

	if (fd < 0)
		return fd;
	stream->fd = fd;
	if (copy_to_user(arg, stream, sizeof(*stream))) {
		put_unused_fd(fd);
		return -EFAULT;
	}
	fd_install(fd, file);
	return 0;
}

static struct tracectl_session *own_session(struct client *client)
{
	struct tracectl_session *session = NULL;

	mutex_lock(&client->lock);
	if (client->session)
		session = tracectl_session_get(client->session);
	mutex_unlock(&client->lock);
	return session;
}

/* What @client may read: its own session, or else a flight recorder's. */
static struct tracectl_session *readable(struct client *client)
{
	return own_session(client) ?: tracectl_session_flight();
}

/* Counters are there for the asking, also while another file reads the records. */
static long do_counters(struct file *file, void __user *arg)
{
	struct tracectl_counters __user *counters = arg;
	struct tracectl_session *session;
	long err;
	u32 cpu;

	if (get_user(cpu, &counters->cpu))
		return -EFAULT;
	if (cpu >= nr_cpu_ids || !cpu_possible(cpu))
		return -ENODEV;
	session = own_session(file->private_data) ?: tracectl_session_current();
	if (IS_ERR(session))
		return PTR_ERR(session);
	err = tracectl_counters_answer(session, cpu, counters);
	tracectl_session_put(session);
	return err;
}

static long do_stream(struct file *file, void __user *arg)
{
	struct tracectl_session *session;
	struct tracectl_stream stream;
	struct file *reader;
	int err;

	if (copy_from_user(&stream, arg, sizeof(stream)))
		return -EFAULT;
	session = readable(file->private_data);
	if (IS_ERR(session))
		return PTR_ERR(session);
	err = tracectl_reader_open(session, stream.cpu, &reader);
	tracectl_session_put(session);
	if (err)
		return err;
	err = install(reader, &stream, arg);
	if (err)
		fput(reader);
	return err;
}

static long do_clock(struct file *file, void __user *arg)
{
	struct tracectl_session *session = readable(file->private_data);
	struct tracectl_clocks clocks;

	if (IS_ERR(session)) {
		tracectl_session_clock(NULL, &clocks);
	} else {
		tracectl_session_clock(session, &clocks);
		tracectl_session_put(session);
	}
	return copy_to_user(arg, &clocks, sizeof(clocks)) ? -EFAULT : 0;
}

static const struct {
	unsigned int cmd;
	long (*run)(struct file *file, void __user *arg);
} commands[] = {
	{ TRACECTL_IOC_INFO, do_info },
	{ TRACECTL_IOC_STATUS, do_status },
	{ TRACECTL_IOC_CONFIGURE, do_configure },
	{ TRACECTL_IOC_RESUME, do_resume },
	{ TRACECTL_IOC_PAUSE, do_pause },
	{ TRACECTL_IOC_STOP, do_stop },
	{ TRACECTL_IOC_STREAM, do_stream },
	{ TRACECTL_IOC_CLOCK, do_clock },
	{ TRACECTL_IOC_FILTER, do_filter },
	{ TRACECTL_IOC_COUNTERS, do_counters },
};

static long device_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (commands[i].cmd == cmd)
			return commands[i].run(file, (void __user *)arg);
	return -ENOTTY;
}

static int device_open(struct inode *inode, struct file *file)
{
	struct client *client = kzalloc(sizeof(*client), GFP_KERNEL);

	if (!client)
		return -ENOMEM;
	mutex_init(&client->lock);
	client->helper = tracectl_helper_begin();
	file->private_data = client;
	return nonseekable_open(inode, file);
}

static int device_release(struct inode *inode, struct file *file)
{
	struct client *client = file->private_data;

	if (client->session)
		tracectl_session_close(client->session);
	tracectl_helper_end(client->helper);
	kfree(client);
	return 0;
}

static __poll_t device_poll(struct file *file, poll_table *wait)
{
	struct client *client = file->private_data;
	struct tracectl_session *session;
	__poll_t events = 0;

	/* Not the session's: epoll stays on it while the file has one session after another. */
	poll_wait(file, &tracectl_session_ended, wait);
	mutex_lock(&client->lock);
	session = client->session;
	if (session && smp_load_acquire(&session->ended))
		events = EPOLLHUP;
	mutex_unlock(&client->lock);
	return events;
}

static const struct file_operations device_fops = {
	.owner = THIS_MODULE,
	.open = device_open,
	.release = device_release,
	.unlocked_ioctl = device_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.poll = device_poll,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = TRACECTL_DEVICE,
	.fops = &device_fops,
	.mode = 0660,
};

int tracectl_device_register(void)
{
	return misc_register(&device);
}

void tracectl_device_unregister(void)
{
	misc_deregister(&device);
}

/* A "change" uevent with STATE=, for udev and whoever watches the device. */
void tracectl_device_notify(enum tracectl_state state)
{
	static const char *const names[] = {
		[TRACECTL_STATE_IDLE] = "STATE=idle",
		[TRACECTL_STATE_ARMED] = "STATE=armed",
		[TRACECTL_STATE_TRACING] = "STATE=tracing",
	};
	char *env[] = { (char *)names[state], NULL };

	kobject_uevent_env(&device.this_device->kobj, KOBJ_CHANGE, env);
}

/* The same with CPU= and LOST=, what it has lost of the session so far. */
void tracectl_device_notify_lost(unsigned int cpu, u64 lost)
{
	char cpu_text[16], lost_text[32];
	char *env[] = { cpu_text, lost_text, NULL };

	scnprintf(cpu_text, sizeof(cpu_text), "CPU=%u", cpu);
	scnprintf(lost_text, sizeof(lost_text), "LOST=%llu", lost);
	kobject_uevent_env(&device.this_device->kobj, KOBJ_CHANGE, env);
}
