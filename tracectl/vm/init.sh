#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# The guest's init: the machine's root under a throw-away overlay, the command in
# it, and its exit code out through the job directory.
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for module in /modules/*.ko; do
	insmod "$module" || echo "init: $module failed" >/dev/kmsg
done

# reach TAG DIRECTORY ACCESS 9P: cloud kernels have virtiofs instead.
reach() {
	if grep -q 9p /proc/filesystems; then
		mount -t 9p -o "$3,trans=virtio,version=$4" "$1" "$2"
	else
		mount -t virtiofs -o "$3" "$1" "$2"
	fi
}
# throw_away TAG DIRECTORY: what is changed in it goes to memory.
throw_away() {
	mkdir -p "/lower/$1" "/upper/$1/data" "/upper/$1/work" "/root$2"
	reach "$1" "/lower/$1" ro 9p2000.L,cache=loose,msize=512000
	mount -t overlay -o "lowerdir=/lower/$1,upperdir=/upper/$1/data,workdir=/upper/$1/work" \
		"$1" "/root$2"
}
writable() {
	mkdir -p "/root$2"
	reach "$1" "/root$2" rw 9p2000.L,cache=none,msize=262144,access=any
}
mkdir /upper
mount -t tmpfs -o mode=755 upper /upper
. /mounts

mkdir -p /root/proc /root/sys /root/dev /root/run
mount --move /proc /root/proc
mount --move /sys /root/sys
mount --move /dev /root/dev
# ash opens it for what runs in the background.
mknod /dev/null c 1 3
ln -s /proc/self/fd /root/dev/fd
ln -s /proc/self/fd/0 /root/dev/stdin
ln -s /proc/self/fd/1 /root/dev/stdout
ln -s /proc/self/fd/2 /root/dev/stderr
mkdir -p /root/dev/pts /root/dev/shm
mount -t devpts devpts /root/dev/pts
mount -t tmpfs -o mode=1777 shm /root/dev/shm
mount -t tmpfs -o mode=755 run /root/run
mount -t debugfs debugfs /root/sys/kernel/debug
mount -t tracefs tracefs /root/sys/kernel/tracing
mount -t securityfs security /root/sys/kernel/security
mount -t cgroup2 cgroup /root/sys/fs/cgroup
ip link set lo up
hostname tracectl-guest

# Streams of their own, byte for byte: a console would translate line ends. A
# port can be opened only once, so the command gets a pipe to it.
for port in /root/sys/class/virtio-ports/*; do
	stream=$(cat "$port/name")
	mkfifo "/$stream"
	cat "/$stream" >"/root/dev/${port##*/}" &
	eval "$stream=$!"
done

[ ! -e /module.ko ] || insmod /module.ko || echo "init: the module failed" >/root/dev/kmsg
: >/root/job/started
chroot /root /bin/sh /job/command >/stdout 2>/stderr </dev/null
echo $? >/root/job/status
# What the command left running may hold the pipes open; it gets a moment.
for _ in 1 2 3 4 5 6 7 8 9 10; do
	kill -0 "$stdout" 2>/dev/null || kill -0 "$stderr" 2>/dev/null || break
	sleep 0.1
done
dmesg >/root/job/dmesg
sync
poweroff -f
