# SPDX-License-Identifier: GPL-2.0
# What this kernel's headers have. Distributions port features back, so the
# headers are asked, not the version.
tracectl-has = $(shell grep -qs $(1) $(addprefix $(srctree)/include/linux/,$(2)) && echo -D$(3))

# relay: subbuf_start() lost prev_padding in 6.18
ccflags-y += $(call tracectl-has,'size_t prev_padding.;',relay.h,TRACECTL_RELAY_PREV_PADDING)
# mm: vm_flags_set() and friends came with 6.3, 1c71222e5f23
ccflags-y += $(call tracectl-has,'void vm_flags_set',mm.h,TRACECTL_HAVE_VM_FLAGS_SET)
# ftrace: callbacks got struct ftrace_regs with 5.11, d19ad0775dcd
ccflags-y += $(call tracectl-has,'struct ftrace_regs',ftrace.h,TRACECTL_HAVE_FTRACE_REGS)
# ftrace: ftrace_regs_get_argument() came with 6.2, 94d095ffa0e1
ccflags-y += $(call tracectl-has,'ftrace_regs_get_argument',ftrace.h ftrace_regs.h,TRACECTL_HAVE_FTRACE_ARGUMENT)
# timekeeping: ktime_get_snapshot() was told which clock with 7.2
ccflags-y += $(call tracectl-has,'ktime_get_snapshot_id',timekeeping.h,TRACECTL_HAVE_SNAPSHOT_ID)
# fs: struct filename has no uptr any more in 7.2
ccflags-y += $(call tracectl-has,'user char.*uptr;',fs.h,TRACECTL_HAVE_FILENAME_UPTR)
# fs: do_symlinkat() took a struct filename with 5.15, as getname_uflags()
# came; its own prototype is in no such header
ccflags-y += $(call tracectl-has,'getname_uflags',fs.h,TRACECTL_HAVE_SYMLINK_FILENAME)
# sched: sched_switch got prev_state with 5.18, fa2c3254d7cf
ccflags-y += $(call tracectl-has,'unsigned int prev_state',../trace/events/sched.h,TRACECTL_HAVE_PREV_STATE)
# tracing: probes of system calls may fault since 6.13
ccflags-y += $(call tracectl-has,'TRACE_EVENT_SYSCALL',../trace/events/syscalls.h,TRACECTL_HAVE_SLEEPING_CALL_PROBES)
# mm: get_user_pages() lost vmas with 6.5
ccflags-y += $(call tracectl-has,'struct vm_area_struct \*\*vmas',mm.h,TRACECTL_GET_USER_PAGES_VMAS)
