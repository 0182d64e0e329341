"""Which constants of which headers ``constants.json`` is made of."""

from __future__ import annotations

# name of a set: header to read, pattern of its names
SETS = {
    "open_flags": ("asm/fcntl.h", r"O_(?!ACCMODE|NDELAY)[A-Z]+"),
    "at_flags": ("linux/fcntl.h", r"AT_(SYMLINK|REMOVEDIR|EACCESS|NO_|EMPTY|STATX|RECURSIVE)\w*"),
    "prot": ("asm/mman.h", r"PROT_\w+"),
    "map_flags": ("linux/mman.h", r"MAP_(?!TYPE|FILE|HUGE_|SHARED_VALIDATE|UNINIT)\w+"),
    "advice": ("asm/mman.h", r"MADV_\w+"),
    "signal": ("asm/signal.h", r"SIG(?!EV_|_|RTM|STKSZ|POLL|LOST|UNUSED)[A-Z0-9]+"),
    "sigmask_how": ("asm/signal.h", r"SIG_(BLOCK|UNBLOCK|SETMASK)"),
    "whence": ("linux/fs.h", r"SEEK_(?!MAX)\w+"),
    "clone_flags": ("linux/sched.h", r"CLONE_(?!ARGS)\w+"),
    "fcntl_command": (
        "linux/fcntl.h",
        r"F_(?!OK$|RDLCK|WRLCK|UNLCK|EXLCK|SHLCK|OWNER|SEAL|LINUX_)\w+",
    ),
    "futex_op": (
        "linux/futex.h",
        r"FUTEX_(?!WAITERS|OWNER|TID|BITSET|OP_|CMD_MASK|32|NO_NODE|ROBUST|WAITV|PRIVATE_FLAG|.*_LIST)\w+",
    ),
    "epoll_op": ("linux/eventpoll.h", r"EPOLL_CTL_\w+"),
    "resource": ("asm/resource.h", r"RLIMIT_\w+"),
    "clock": ("linux/time.h", r"CLOCK_(?!SGI)\w+"),
    "prctl_option": (
        "linux/prctl.h",
        r"PR_(SET|GET|CAPBSET)_(?!MM_|VMA_)\w+|PR_SET_(MM|VMA)|PR_CAP_AMBIENT",
    ),
    "arch_prctl_option": ("asm/prctl.h", r"ARCH_\w+"),
    "random_flags": ("linux/random.h", r"GRND_\w+"),
    # WUNTRACED is WSTOPPED, which strace prints.
    "wait_options": ("linux/wait.h", r"W(?!UNTRACED)[A-Z]+|__W[A-Z]+"),
    "wait_which": ("linux/wait.h", r"P_[A-Z]+"),
    "mount_flags": (
        "linux/mount.h",
        r"MS_(?!ACTIVE|BORN|NOUSER|RMT_|MGC_|NOREMOTE|KERNMOUNT|SUBMOUNT|VERBOSE)\w+",
    ),
    "lock_operation": ("asm/fcntl.h", r"LOCK_(SH|EX|NB|UN)"),
    "memfd_flags": ("linux/memfd.h", r"MFD_(?!HUGE_)\w+"),
    "eventfd_flags": ("linux/eventfd.h", r"EFD_\w+"),
    "epoll_flags": ("linux/eventpoll.h", r"EPOLL_CLOEXEC"),
    "timerfd_flags": ("linux/timerfd.h", r"TFD_(CLOEXEC|NONBLOCK)"),
    "timerfd_set_flags": ("linux/timerfd.h", r"TFD_TIMER_\w+"),
    "timer_flags": ("linux/time.h", r"TIMER_ABSTIME"),
    "signalfd_flags": ("linux/signalfd.h", r"SFD_\w+"),
    "inotify_flags": ("linux/inotify.h", r"IN_(CLOEXEC|NONBLOCK)"),
    "inotify_mask": (
        "linux/inotify.h",
        r"IN_(?!CLOEXEC|NONBLOCK|Q_OVERFLOW|CLOSE |MOVE )\w+",
    ),
    "rename_flags": ("linux/fs.h", r"RENAME_\w+"),
    "msync_flags": ("asm/mman.h", r"MS_\w+"),
    "mlock_flags": ("asm/mman.h", r"MCL_\w+"),
    "mremap_flags": ("linux/mman.h", r"MREMAP_\w+"),
    "statx_mask": ("linux/stat.h", r"STATX_(?!ATTR|_)\w+"),
    "xattr_flags": ("linux/xattr.h", r"XATTR_(CREATE|REPLACE)"),
    "close_range_flags": ("linux/close_range.h", r"CLOSE_RANGE_\w+"),
    "fallocate_mode": ("linux/falloc.h", r"FALLOC_FL_\w+"),
    "fadvice": ("linux/fadvise.h", r"POSIX_FADV_\w+"),
    "rusage_who": ("linux/resource.h", r"RUSAGE_(SELF|CHILDREN|THREAD)"),
    "itimer": ("linux/time.h", r"ITIMER_\w+"),
    "file_type": ("linux/stat.h", r"S_IF(?!MT)[A-Z]+"),
    "sync_range_flags": ("linux/fs.h", r"SYNC_FILE_RANGE_(WAIT_BEFORE|WRITE|WAIT_AFTER)"),
    "lock_flags": ("asm/mman.h", r"MLOCK_\w+"),
    "scheduler": ("linux/sched.h", r"SCHED_(NORMAL|FIFO|RR|BATCH|IDLE|DEADLINE|EXT)"),
    "capability": ("linux/capability.h", r"CAP_(?!LAST|TO|VALID)[A-Z_]+"),
    "seals": ("linux/fcntl.h", r"F_SEAL_\w+"),
    "lock_type": ("asm/fcntl.h", r"F_(RD|WR|UN)LCK"),
    "notify_mask": ("linux/fcntl.h", r"DN_\w+"),
    "own_level": ("asm/socket.h", r"SOL_SOCKET"),
    "socket_option": ("asm/socket.h", r"SO_(?!GET_FILTER)\w+"),
    "tcp_option": (
        "linux/tcp.h",
        r"TCP_(?!ACCECN|MSS_|S_|MD5SIG_|REPAIR_|RECEIVE_|AO_|NLA)[A-Z_0-9]+",
    ),
    "ip_option": ("linux/in.h", r"IP_(?!DEFAULT|MAX|MIN|PMTUDISC)[A-Z_]+"),
    "ipv6_option": ("linux/in6.h", r"IPV6_(?!PMTUDISC|PRIORITY|FLOWINFO|FL_|PREFER|TLV)[A-Z_0-9]+"),
    "netlink_family": (
        "linux/netlink.h",
        r"NETLINK_(ROUTE|USERSOCK|FIREWALL|SOCK_DIAG|NFLOG|XFRM|SELINUX|ISCSI|AUDIT|FIB_LOOKUP|"
        r"CONNECTOR|NETFILTER|IP6_FW|DNRTMSG|KOBJECT_UEVENT|GENERIC|SCSITRANSPORT|ECRYPTFS|RDMA|"
        r"CRYPTO|SMC)",
    ),
    "ether_protocol": ("linux/if_ether.h", r"ETH_P_\w+"),
    "priority_which": ("linux/resource.h", r"PRIO_(PROCESS|PGRP|USER)"),
    "poll_events": ("asm/poll.h", r"POLL(?!FREE|_BUSY|REMOVE)[A-Z]+"),
    "epoll_events": ("linux/eventpoll.h", r"EPOLL(?!_)[A-Z]+"),
    "signal_action": ("asm/signal.h", r"SA_(?!UNSUPPORTED|EXPOSE|NOMASK|ONESHOT)[A-Z]+"),
    "signal_stack": ("linux/signal.h", r"SS_(ONSTACK|DISABLE)"),
    "lock_owner": ("asm/fcntl.h", r"F_OWNER_\w+"),
    "terminal_input": (
        "asm/termbits.h",
        r"IGN(?:BRK|PAR|CR)|BRKINT|PARMRK|INPCK|ISTRIP|INLCR|IUCLC|ICRNL|IX(?:ON|ANY|OFF)|"
        r"IMAXBEL|IUTF8",
    ),
    "terminal_output": ("asm/termbits.h", r"OPOST|OLCUC|ONLCR|OCRNL|ONOCR|ONLRET|OFILL|OFDEL"),
    "terminal_delay": ("asm/termbits.h", r"(?:NL|CR|TAB|BS|VT|FF)[0-3]"),
    "terminal_control": (
        "asm/termbits.h",
        r"CSTOPB|CREAD|PARENB|PARODD|HUPCL|CLOCAL|CMSPAR|CRTSCTS",
    ),
    "terminal_size": ("asm/termbits.h", r"CS[5-8]"),
    "terminal_speed": ("asm/termbits.h", r"B\d+"),
    "terminal_local": (
        "asm/termbits.h",
        r"ISIG|ICANON|XCASE|ECHO(?:E|K|NL|CTL|PRT|KE)?|NOFLSH|TOSTOP|FLUSHO|PENDIN|IEXTEN|EXTPROC",
    ),
    "seccomp_op": ("linux/seccomp.h", r"SECCOMP_(SET_MODE|GET_ACTION|GET_NOTIF)\w+"),
}
X86_SETS = frozenset({"arch_prctl_option"})

# Constants that no header of user space has; name of a set: header to search, pattern of names
KERNEL_SETS = {
    # Without the second names that strace does not use.
    "family": ("include/linux/socket.h", r"AF_(?!MAX|LOCAL|ROUTE)[A-Z0-9]+"),
    "message_flags": (
        "include/linux/socket.h",
        r"MSG_(?!CMSG_COMPAT|TRYHARD|SENDPAGE|SPLICE|NO_SHARED)[A-Z_]+",
    ),
    "socket_type": ("include/linux/net.h", r"SOCK_(?!MAX|NOSPACE|PASS|SUPPORT)[A-Z]+"),
    "splice_flags": ("include/linux/splice.h", r"SPLICE_F_(?!ALL)[A-Z]+"),
    "io_priority_who": ("include/uapi/linux/ioprio.h", r"IOPRIO_WHO_[A-Z]+"),
    "dumpable": ("include/linux/sched/coredump.h", r"SUID_DUMP_[A-Z]+"),
    "shutdown_how": ("include/linux/net.h", r"SHUT_[A-Z]+"),
    "socket_level": ("include/linux/socket.h", r"SOL_[A-Z0-9]+"),
    "ip_protocol": ("include/uapi/linux/in.h", r"IPPROTO_(?!MAX)[A-Z0-9]+"),
    "kcmp_type": ("include/uapi/linux/kcmp.h", r"KCMP_(?!TYPES)[A-Z_]+"),
    "unmount_flags": ("include/linux/fs.h", r"(?:MNT_|UMOUNT_NO)[A-Z]+"),
}
