"""The system calls by architecture: what a profile that refuses the unknown must name."""

from __future__ import annotations

# The names of libseccomp 2.5.4, and those that Linux 6.5 to 6.17 brought after it; a runtime ignores names that it does
# not know. x: x86_64, i: 32-bit x86, n: x32, a: 32-bit Arm, A: aarch64.
_TABLE = (
    (
        "xinaA",
        """
        accept4 acct add_key adjtimex bind bpf brk cachestat capget capset chdir chroot clock_adjtime clock_getres
        clock_gettime clock_nanosleep clock_settime clone clone3 close close_range connect copy_file_range delete_module dup
        dup3 epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 eventfd2 execve execveat exit exit_group faccessat faccessat2
        fallocate fanotify_init fanotify_mark fchdir fchmod fchmodat fchmodat2 fchown fchownat fcntl fdatasync fgetxattr
        file_getattr file_setattr finit_module flistxattr flock fremovexattr fsconfig fsetxattr fsmount fsopen fspick fstat
        fstatfs fsync ftruncate futex futex_requeue futex_wait futex_waitv futex_wake get_mempolicy get_robust_list getcpu
        getcwd getdents64 getegid geteuid getgid getgroups getitimer getpeername getpgid getpid getppid getpriority getrandom
        getresgid getresuid getrusage getsid getsockname getsockopt gettid gettimeofday getuid getxattr getxattrat init_module
        inotify_add_watch inotify_init1 inotify_rm_watch io_cancel io_destroy io_getevents io_pgetevents io_setup io_submit
        io_uring_enter io_uring_register io_uring_setup ioctl ioprio_get ioprio_set kcmp kexec_load keyctl kill
        landlock_add_rule landlock_create_ruleset landlock_restrict_self lgetxattr linkat listen listmount listxattr
        listxattrat llistxattr lookup_dcookie lremovexattr lseek lsetxattr lsm_get_self_attr lsm_list_modules
        lsm_set_self_attr madvise map_shadow_stack mbind membarrier memfd_create migrate_pages mincore mkdirat mknodat mlock
        mlock2 mlockall mount mount_setattr move_mount move_pages mprotect mq_getsetattr mq_notify mq_open mq_timedreceive
        mq_timedsend mq_unlink mremap mseal msgctl msgget msgrcv msgsnd msync munlock munlockall munmap name_to_handle_at
        nanosleep open_by_handle_at open_tree open_tree_attr openat openat2 perf_event_open personality pidfd_getfd pidfd_open
        pidfd_send_signal pipe2 pivot_root pkey_alloc pkey_free pkey_mprotect ppoll prctl pread64 preadv preadv2 prlimit64
        process_madvise process_mrelease process_vm_readv process_vm_writev pselect6 ptrace pwrite64 pwritev pwritev2 quotactl
        quotactl_fd read readahead readlinkat readv reboot recvfrom recvmmsg recvmsg remap_file_pages removexattr
        removexattrat renameat renameat2 request_key restart_syscall rseq rt_sigaction rt_sigpending rt_sigprocmask
        rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo sched_get_priority_max
        sched_get_priority_min sched_getaffinity sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval
        sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield seccomp semctl semget sendfile sendmmsg
        sendmsg sendto set_mempolicy set_mempolicy_home_node set_robust_list set_tid_address setdomainname setfsgid setfsuid
        setgid setgroups sethostname setitimer setns setpgid setpriority setregid setresgid setresuid setreuid setrlimit
        setsid setsockopt settimeofday setuid setxattr setxattrat shmat shmctl shmdt shmget shutdown sigaltstack signalfd4
        socket socketpair splice statfs statmount statx swapoff swapon symlinkat sync syncfs sysinfo syslog tee tgkill
        timer_create timer_delete timer_getoverrun timer_gettime timer_settime timerfd_create timerfd_gettime timerfd_settime
        times tkill truncate umask umount2 uname unlinkat unshare userfaultfd utimensat vhangup vmsplice wait4 waitid write
        writev
        """,
    ),
    (
        "xiaA",
        """
        nfsservctl
        """,
    ),
    (
        "xinA",
        """
        fadvise64 getrlimit memfd_secret mmap sync_file_range
        """,
    ),
    (
        "xina",
        """
        access chmod chown creat dup2 epoll_create epoll_wait eventfd fork futimesat getdents getpgrp inotify_init lchown link
        lstat mkdir mknod open pause pipe poll readlink rename rmdir signalfd stat symlink sysfs unlink ustat utimes vfork
        """,
    ),
    (
        "xnaA",
        """
        accept kexec_file_load semop semtimedop
        """,
    ),
    (
        "xia",
        """
        _sysctl uselib vserver
        """,
    ),
    (
        "xin",
        """
        afs_syscall alarm arch_prctl getpmsg ioperm iopl modify_ldt putpmsg select time utime
        """,
    ),
    (
        "xnA",
        """
        newfstatat
        """,
    ),
    (
        "ia",
        """
        _llseek _newselect bdflush chown32 clock_adjtime64 clock_getres_time64 clock_gettime64 clock_nanosleep_time64
        clock_settime64 fchown32 fcntl64 fstat64 fstatat64 fstatfs64 ftruncate64 futex_time64 getegid32 geteuid32 getgid32
        getgroups32 getresgid32 getresuid32 getuid32 io_pgetevents_time64 lchown32 lstat64 mmap2 mq_timedreceive_time64
        mq_timedsend_time64 nice ppoll_time64 pselect6_time64 recvmmsg_time64 rt_sigtimedwait_time64
        sched_rr_get_interval_time64 semtimedop_time64 sendfile64 setfsgid32 setfsuid32 setgid32 setgroups32 setregid32
        setresgid32 setresuid32 setreuid32 setuid32 sigaction sigpending sigprocmask sigreturn sigsuspend stat64 statfs64
        timer_gettime64 timer_settime64 timerfd_gettime64 timerfd_settime64 truncate64 ugetrlimit utimensat_time64
        """,
    ),
    (
        "xi",
        """
        create_module get_kernel_syms get_thread_area query_module set_thread_area
        """,
    ),
    (
        "xn",
        """
        security tuxcall
        """,
    ),
    (
        "a",
        """
        arm_fadvise64_64 arm_sync_file_range breakpoint cacheflush get_tls pciconfig_iobase pciconfig_read pciconfig_write
        recv send set_tls usr26 usr32
        """,
    ),
    (
        "i",
        """
        break fadvise64_64 ftime gtty idle ipc lock mpx oldfstat oldlstat oldolduname oldstat olduname prof profil readdir
        sgetmask signal socketcall ssetmask stime stty ulimit umount vm86 vm86old waitpid
        """,
    ),
    (
        "x",
        """
        epoll_ctl_old epoll_wait_old uretprobe
        """,
    ),
)

_LETTERS = {"x": "SCMP_ARCH_X86_64", "i": "SCMP_ARCH_X86", "n": "SCMP_ARCH_X32", "a": "SCMP_ARCH_ARM", "A": "SCMP_ARCH_AARCH64"}

SYSCALLS: dict[str, frozenset[str]] = {
    name: frozenset(_LETTERS[letter] for letter in letters) for letters, names in _TABLE for name in names.split()
}
"""Each name and the architectures that have it."""

ARCHITECTURES = {
    "x86_64": ("SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"),
    "aarch64": ("SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"),
}
"""A machine's own architecture and every other whose calls its kernel answers; one left out is killed by libseccomp."""

ALIASES = {"amd64": "x86_64", "x64": "x86_64", "arm64": "aarch64"}


def machine(arch: str) -> str | None:
    """The row of ARCHITECTURES that a target's `arch` means, None where this table knows none."""
    name = ALIASES.get(arch.lower(), arch.lower())
    return name if name in ARCHITECTURES else None


def names_on(architectures: tuple[str, ...]) -> tuple[str, ...]:
    """All names that any of `architectures` has, sorted."""
    return tuple(sorted(name for name, has in SYSCALLS.items() if not has.isdisjoint(architectures)))
