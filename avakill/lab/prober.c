/* Tries each door of `doors.py` that it is asked for, in a fresh process; static, so that no policy takes a library away.
 *
 * stdin: a 32-bit length, then fields that end in NUL: door, way, directory, path, directory of `to`, to, argument.
 * stdout: two 32-bit numbers, an errno (0: done, VANISHED: "done" but nothing came) and the signal that ended the process.
 * A first answer of zeroes says that the prober runs.
 *
 * Ways: "" (paths as given), "cwd" (from a working directory), "dirfd" (from a descriptor of the directory), "procdirfd"
 * (by /proc/self/fd/N/), "procfd" (O_PATH first, then /proc/self/fd/N).
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define VANISHED 100000
#define UNKNOWN_DOOR 100001
#define SECONDS 5
#define LONGEST 65536
#define MOST_BLOCKS 256
#define MARK "avakill was here"
#define DONE(call) ((call) < 0 ? errno : 0)

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#define RENAME_EXCHANGE 2
#endif

struct how { uint64_t flags, mode, resolve; };
struct answer { int32_t error, signal; };

static int at = AT_FDCWD, at2 = AT_FDCWD;
static const char *path, *to, *argument;
static char spelled[LONGEST], spelled2[LONGEST], around[LONGEST];

/* -- small parts -- */

static const char *parent_of(const char *name)
{
    snprintf(around, sizeof around, "%s", name);
    char *slash = strrchr(around, '/');
    if (!slash) return strcpy(around, ".");
    if (slash == around) slash++;
    *slash = 0;
    return around;
}

static const char *last_of(const char *name)
{
    const char *slash = strrchr(name, '/');
    return slash ? slash + 1 : name;
}

static int get_byte(int fd)
{
    char byte;
    ssize_t got = pread(fd, &byte, 1, 0);
    return got < 0 ? errno : got == 1 ? 0 : VANISHED;
}

static int put_mark(int fd)
{
    ssize_t put = write(fd, MARK, sizeof MARK - 1);
    return put < 0 ? errno : put == sizeof MARK - 1 ? 0 : VANISHED;
}

static int opened(int flags) { return openat(at, path, flags | O_CLOEXEC | O_NOCTTY, 0644); }

static int read_by(int fd) { return fd < 0 ? errno : get_byte(fd); }

static int write_by(int fd) { return fd < 0 ? errno : put_mark(fd); }

static int opened2(uint64_t flags, uint64_t mode)
{
    struct how how = { flags | O_CLOEXEC, mode, 0 };
    return syscall(SYS_openat2, at, path, &how, sizeof how);
}

/* -- io_uring, by its system calls -- */

static int ring(struct io_uring_sqe *ask)
{
    struct io_uring_params set = { 0 };
    int fd = syscall(SYS_io_uring_setup, 2, &set);
    if (fd < 0) return -errno;
    size_t size = set.sq_off.array + set.sq_entries * sizeof(unsigned);
    size_t more = set.cq_off.cqes + set.cq_entries * sizeof(struct io_uring_cqe);
    char *sq = mmap(0, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, IORING_OFF_SQ_RING);
    char *cq = mmap(0, more, PROT_READ | PROT_WRITE, MAP_SHARED, fd, IORING_OFF_CQ_RING);
    struct io_uring_sqe *asks = mmap(0, 2 * sizeof *asks, PROT_READ | PROT_WRITE, MAP_SHARED, fd, IORING_OFF_SQES);
    if (sq == MAP_FAILED || cq == MAP_FAILED || asks == MAP_FAILED) return -errno;
    asks[0] = *ask;
    ((unsigned *)(sq + set.sq_off.array))[0] = 0;
    __atomic_store_n((unsigned *)(sq + set.sq_off.tail), 1, __ATOMIC_RELEASE);
    if (syscall(SYS_io_uring_enter, fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0) return -errno;
    unsigned head = *(unsigned *)(cq + set.cq_off.head);
    if (head == __atomic_load_n((unsigned *)(cq + set.cq_off.tail), __ATOMIC_ACQUIRE)) return -VANISHED;
    return ((struct io_uring_cqe *)(cq + set.cq_off.cqes))[head & (set.cq_entries - 1)].res;
}

static struct io_uring_sqe ask_of(int operation)
{
    struct io_uring_sqe ask = { 0 };
    ask.opcode = operation;
    ask.fd = at;
    ask.addr = (uintptr_t)path;
    return ask;
}

static int ring_open_as(int flags, int how)
{
    struct io_uring_sqe ask = ask_of(IORING_OP_OPENAT);
    ask.flags = how;
    ask.len = 0644;
    ask.open_flags = flags;
    int fd = ring(&ask);
    if (fd < 0) errno = -fd;
    return fd < 0 ? -1 : fd;
}

static int ring_open(int flags) { return ring_open_as(flags, 0); }

static int ring_two(int operation, int flags)
{
    struct io_uring_sqe ask = ask_of(operation);
    ask.len = at2;
    ask.addr2 = (uintptr_t)to;
    ask.rename_flags = flags;
    return -ring(&ask);
}

/* -- reading -- */

static int open_read(void) { return read_by(opened(O_RDONLY)); }
static int openat2_read(void) { return read_by(opened2(O_RDONLY, 0)); }
static int uring_read(void) { return read_by(ring_open(O_RDONLY)); }

static int uring_async_read(void) { return read_by(ring_open_as(O_RDONLY, IOSQE_ASYNC)); } /* by a thread of the kernel's */

static int mmap_read(void)
{
    int fd = opened(O_RDONLY);
    if (fd < 0) return errno;
    volatile char *seen = mmap(0, 1, PROT_READ, MAP_PRIVATE, fd, 0);
    if (seen == MAP_FAILED) return errno;
    return *seen ? 0 : VANISHED;
}

static int sendfile_out(void)
{
    int fd = opened(O_RDONLY), ends[2];
    if (fd < 0 || pipe(ends) < 0) return errno;
    ssize_t sent = sendfile(ends[1], fd, NULL, 8);
    return sent < 0 ? errno : sent ? 0 : VANISHED;
}

static int splice_out(void)
{
    int fd = opened(O_RDONLY), ends[2];
    if (fd < 0 || pipe(ends) < 0) return errno;
    ssize_t sent = splice(fd, NULL, ends[1], NULL, 8, 0);
    return sent < 0 ? errno : sent ? 0 : VANISHED;
}

static int handle_read(void)
{
    struct { struct file_handle head; unsigned char room[128]; } handle = { .head.handle_bytes = 128 };
    int mount;
    if (name_to_handle_at(at, path, &handle.head, &mount, AT_SYMLINK_FOLLOW) < 0) return errno;
    return read_by(open_by_handle_at(AT_FDCWD, &handle.head, O_RDONLY));
}

static int list(void)
{
    char room[1024];
    int fd = opened(O_RDONLY | O_DIRECTORY);
    if (fd < 0) return errno;
    long got = syscall(SYS_getdents64, fd, room, sizeof room);
    return got < 0 ? errno : got ? 0 : VANISHED;
}

/* -- content -- */

static int open_write(void) { return write_by(opened(O_WRONLY)); }
static int append(void) { return write_by(opened(O_WRONLY | O_APPEND)); }
static int rdwr(void) { return write_by(opened(O_RDWR)); }
static int openat2_write(void) { return write_by(opened2(O_WRONLY, 0)); }
static int uring_write(void) { return write_by(ring_open(O_WRONLY)); }
static int create_existing(void) { return write_by(opened(O_WRONLY | O_CREAT)); }
static int truncate_open_write(void) { return DONE(opened(O_WRONLY | O_TRUNC)); }
static int truncate_open_read(void) { return DONE(opened(O_RDONLY | O_TRUNC)); }
static int creat_existing(void) { return DONE(opened(O_WRONLY | O_CREAT | O_TRUNC)); }

static int truncate_path(void)
{
    if (at != AT_FDCWD && fchdir(at) < 0) return errno;
    return DONE(truncate(path, 0));
}

static int truncate_fd(void)
{
    int fd = opened(O_WRONLY);
    return fd < 0 ? errno : DONE(ftruncate(fd, 0));
}

static int allocate(void)
{
    int fd = opened(O_WRONLY);
    return fd < 0 ? errno : DONE(fallocate(fd, 0, 0, 8192));
}

static int mmap_write(void)
{
    int fd = opened(O_RDWR);
    if (fd < 0) return errno;
    char *seen = mmap(0, sizeof MARK, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (seen == MAP_FAILED) return errno;
    memcpy(seen, MARK, sizeof MARK - 1);
    return 0;
}

static int copy_range(void)
{
    int from = opened(O_RDONLY), into = opened(O_WRONLY);
    loff_t start = 0, end = 8192;
    if (from < 0 || into < 0) return errno;
    ssize_t put = copy_file_range(from, &start, into, &end, 8, 0);
    return put < 0 ? errno : put ? 0 : VANISHED;
}

static int sendfile_in(void)
{
    int fd = opened(O_WRONLY);
    if (fd < 0) return errno;
    int from = memfd_create("from", MFD_CLOEXEC);
    if (from < 0 || put_mark(from)) return errno;
    loff_t start = 0;
    ssize_t put = sendfile(fd, from, &start, sizeof MARK - 1);
    return put < 0 ? errno : put ? 0 : VANISHED;
}

static int splice_in(void)
{
    int fd = opened(O_WRONLY), ends[2];
    if (fd < 0 || pipe(ends) < 0 || put_mark(ends[1])) return errno;
    ssize_t put = splice(ends[0], NULL, fd, NULL, sizeof MARK - 1, 0);
    return put < 0 ? errno : put ? 0 : VANISHED;
}

static int nameless(void) { return write_by(opened(O_TMPFILE | O_WRONLY)); }

/* -- new names -- */

static int open_create(void) { return write_by(opened(O_WRONLY | O_CREAT | O_EXCL)); }
static int create_read(void) { return DONE(opened(O_RDONLY | O_CREAT | O_EXCL)); }
static int creat_new(void) { return write_by(opened(O_WRONLY | O_CREAT | O_TRUNC)); }
static int openat2_create(void) { return write_by(opened2(O_WRONLY | O_CREAT, 0644)); }
static int uring_create(void) { return write_by(ring_open(O_WRONLY | O_CREAT)); }
static int make_file(void) { return DONE(mknodat(at, path, S_IFREG | 0644, 0)); }
static int make_fifo(void) { return DONE(mknodat(at, path, S_IFIFO | 0644, 0)); }
static int make_device(void) { return DONE(mknodat(at, path, S_IFCHR | 0644, makedev(1, 3))); }
static int make_directory(void) { return DONE(mkdirat(at, path, 0755)); }
static int make_symlink(void) { return DONE(symlinkat("nowhere", at, path)); }

static int uring_mkdir(void)
{
    struct io_uring_sqe ask = ask_of(IORING_OP_MKDIRAT);
    ask.len = 0755;
    return -ring(&ask);
}

static int uring_symlink(void)
{
    struct io_uring_sqe ask = ask_of(IORING_OP_SYMLINKAT);
    ask.addr = (uintptr_t)"nowhere";
    ask.addr2 = (uintptr_t)path;
    return -ring(&ask);
}

static int make_socket(void)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || (at != AT_FDCWD && fchdir(at) < 0)) return errno;
    if (strlen(path) >= sizeof name.sun_path) {
        if (chdir(parent_of(path)) < 0) return errno;
        path = last_of(path);
    }
    if (strlen(path) >= sizeof name.sun_path) return ENAMETOOLONG;
    memcpy(name.sun_path, path, strlen(path));
    return DONE(bind(fd, (struct sockaddr *)&name, sizeof name));
}

static int named_later(void)
{
    int fd = openat(at, parent_of(path), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0644);
    if (fd < 0 || put_mark(fd)) return errno;
    snprintf(spelled2, sizeof spelled2, "/proc/self/fd/%d", fd);
    return DONE(linkat(AT_FDCWD, spelled2, at, path, AT_SYMLINK_FOLLOW));
}

static int make_link(void) { return DONE(linkat(at, path, at2, to, 0)); }
static int uring_link(void) { return ring_two(IORING_OP_LINKAT, 0); }

static int link_fd(void)
{
    char name[64];
    int fd = opened(O_PATH);
    if (fd < 0) return errno;
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    return DONE(linkat(AT_FDCWD, name, at2, to, AT_SYMLINK_FOLLOW));
}

/* -- names that change or go -- */

static int rename_with(unsigned flags) { return DONE(syscall(SYS_renameat2, at, path, at2, to, flags)); }
static int rename_plain(void) { return rename_with(0); }
static int rename_noreplace(void) { return rename_with(RENAME_NOREPLACE); }
static int exchange(void) { return rename_with(RENAME_EXCHANGE); }
static int uring_rename(void) { return ring_two(IORING_OP_RENAMEAT, 0); }
static int remove_file(void) { return DONE(unlinkat(at, path, 0)); }
static int remove_directory(void) { return DONE(unlinkat(at, path, AT_REMOVEDIR)); }

static int uring_remove(int flags)
{
    struct io_uring_sqe ask = ask_of(IORING_OP_UNLINKAT);
    ask.unlink_flags = flags;
    return -ring(&ask);
}

static int uring_unlink(void) { return uring_remove(0); }
static int uring_rmdir(void) { return uring_remove(AT_REMOVEDIR); }

/* -- owner, mode, times, labels, flags -- */

static int change_mode(void) { return DONE(fchmodat(at, path, 0751, 0)); }
static int change_owner(void) { return DONE(fchownat(at, path, 1, 1, 0)); }

static int change_mode_fd(void)
{
    int fd = opened(O_RDONLY);
    return fd < 0 ? errno : DONE(fchmod(fd, 0751));
}

static int change_times(void)
{
    struct timespec times[2] = { { 1, 0 }, { 1, 0 } };
    return DONE(utimensat(at, path, times, 0));
}

static int change_xattr(void)
{
    if (at != AT_FDCWD && fchdir(at) < 0) return errno;
    int failed = DONE(setxattr(path, "user.avakill", "x", 1, 0));
    if (failed != EOPNOTSUPP) return failed;
    return DONE(setxattr(path, "trusted.avakill", "x", 1, 0)); /* tmpfs before Linux 6.6 has no user.* */
}

static int change_flags(void)
{
    int fd = opened(O_RDONLY), flags;
    if (fd < 0 || ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0) return errno;
    flags |= FS_NODUMP_FL;
    return DONE(ioctl(fd, FS_IOC_SETFLAGS, &flags));
}

/* -- programs -- */

static char *no_environment[] = { NULL };

static int execute(void)
{
    char *words[] = { (char *)path, NULL };
    return DONE(syscall(SYS_execveat, at, path, words, no_environment, 0));
}

static int execute_fd(void)
{
    char *words[] = { (char *)path, NULL };
    int fd = opened(O_PATH);
    return fd < 0 ? errno : DONE(syscall(SYS_execveat, fd, "", words, no_environment, AT_EMPTY_PATH));
}

static int execute_script(void)
{
    char *words[] = { (char *)argument, NULL };
    return DONE(execve(argument, words, no_environment));
}

static int copied_to(int into)
{
    char room[4096];
    int from = opened(O_RDONLY);
    if (from < 0 || into < 0) return errno;
    for (int blocks = 0; blocks < MOST_BLOCKS; blocks++) { /* a device may have no end */
        ssize_t got = read(from, room, sizeof room);
        if (got == 0) return 0;
        if (got < 0 || write(into, room, got) != got) return errno ? errno : EIO;
    }
    return EFBIG;
}

static int execute_memfd(void)
{
    char *words[] = { (char *)path, NULL };
    int fd = memfd_create("copy", MFD_CLOEXEC), failed = copied_to(fd);
    return failed ? failed : DONE(syscall(SYS_execveat, fd, "", words, no_environment, AT_EMPTY_PATH));
}

static int execute_copy(void)
{
    char *words[] = { (char *)argument, NULL };
    int fd = open(argument, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755), failed = copied_to(fd);
    if (failed) return failed;
    close(fd);
    return DONE(execve(argument, words, no_environment));
}

static int execute_by_loader(void)
{
#ifdef __aarch64__
    char *loader = "/lib/ld-linux-aarch64.so.1";
#else
    char *loader = "/lib64/ld-linux-x86-64.so.2";
#endif
    char *words[] = { loader, (char *)path, NULL };
    return DONE(execve(loader, words, no_environment));
}

/* -- destinations: path is the address, to the port -- */

static union { struct sockaddr any; struct sockaddr_in four; struct sockaddr_in6 six; } there;
static socklen_t there_size;

static int aim(void)
{
    memset(&there, 0, sizeof there);
    if (strchr(path, ':')) {
        there.six.sin6_family = AF_INET6;
        there.six.sin6_port = htons(atoi(to));
        there_size = sizeof there.six;
        return inet_pton(AF_INET6, path, &there.six.sin6_addr) == 1;
    }
    there.four.sin_family = AF_INET;
    there.four.sin_port = htons(atoi(to));
    there_size = sizeof there.four;
    return inet_pton(AF_INET, path, &there.four.sin_addr) == 1;
}

static int aimed(int type, int protocol)
{
    if (!aim()) { errno = EDESTADDRREQ; return -1; }
    return socket(there.any.sa_family, type | SOCK_CLOEXEC, protocol);
}

static int connect_by(int fd) { return fd < 0 ? errno : DONE(connect(fd, &there.any, there_size)); }
static int connect_tcp(void) { return connect_by(aimed(SOCK_STREAM, 0)); }
static int connect_udp(void) { return connect_by(aimed(SOCK_DGRAM, 0)); }

static int mapped_tcp(void)
{
    static char mapped[64];
    snprintf(mapped, sizeof mapped, "::ffff:%s", path);
    path = mapped;
    return connect_tcp();
}

static int fastopen(void)
{
    int fd = aimed(SOCK_STREAM, 0);
    return fd < 0 ? errno : DONE(sendto(fd, "x", 1, MSG_FASTOPEN | MSG_NOSIGNAL, &there.any, there_size));
}

static int fastopen_connect(void)
{
    int fd = aimed(SOCK_STREAM, 0), yes = 1;
    if (fd < 0 || setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &yes, sizeof yes) < 0) return errno;
    if (connect(fd, &there.any, there_size) < 0) return errno;
    return DONE(send(fd, "x", 1, MSG_NOSIGNAL));
}

static int uring_connect(void)
{
    int fd = aimed(SOCK_STREAM, 0);
    if (fd < 0) return errno;
    struct io_uring_sqe ask = { .opcode = IORING_OP_CONNECT, .fd = fd };
    ask.addr = (uintptr_t)&there;
    ask.off = there_size;
    return -ring(&ask);
}

static int sendto_udp(void)
{
    int fd = aimed(SOCK_DGRAM, 0);
    return fd < 0 ? errno : DONE(sendto(fd, "x", 1, 0, &there.any, there_size));
}

static struct msghdr letter(void)
{
    static struct iovec one = { "x", 1 };
    struct msghdr made = { .msg_name = &there, .msg_namelen = there_size, .msg_iov = &one, .msg_iovlen = 1 };
    return made;
}

static int sendmsg_udp(void)
{
    int fd = aimed(SOCK_DGRAM, 0);
    struct msghdr one = letter();
    return fd < 0 ? errno : DONE(sendmsg(fd, &one, 0));
}

static int sendmmsg_udp(void)
{
    int fd = aimed(SOCK_DGRAM, 0);
    struct mmsghdr one = { .msg_hdr = letter() };
    return fd < 0 ? errno : DONE(sendmmsg(fd, &one, 1, 0));
}

static int raw(void)
{
    int fd = aimed(SOCK_RAW, IPPROTO_UDP);
    uint16_t packet[5] = { htons(9), htons(atoi(to)), htons(10), 0, 0 };
    if (fd < 0) return errno;
    if (there.any.sa_family == AF_INET6) there.six.sin6_port = 0;
    return DONE(sendto(fd, packet, sizeof packet, 0, &there.any, there_size));
}

/* -- what no name decides -- */

static int inherited_read(void) { return get_byte(atoi(argument)); }
static int inherited_write(void) { return put_mark(atoi(argument)); }

static int inherited_reopen(void)
{
    char name[64];
    snprintf(name, sizeof name, "/proc/self/fd/%d", atoi(argument));
    return read_by(open(name, O_RDONLY | O_CLOEXEC));
}

static int by_bind(int flags)
{
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) return -1;
    if (mount(parent_of(path), argument, NULL, MS_BIND, NULL) < 0) return -1;
    snprintf(spelled2, sizeof spelled2, "%s/%s", argument, last_of(path));
    return open(spelled2, flags | O_CLOEXEC);
}

static int bind_read(void) { return read_by(by_bind(O_RDONLY)); }
static int bind_write(void) { return write_by(by_bind(O_WRONLY)); }

static int by_chroot(int flags)
{
    if (chroot(parent_of(path)) < 0 || chdir("/") < 0) return -1;
    snprintf(spelled2, sizeof spelled2, "/%s", last_of(path));
    return open(spelled2, flags | O_CLOEXEC);
}

static int chroot_read(void) { return read_by(by_chroot(O_RDONLY)); }
static int chroot_write(void) { return write_by(by_chroot(O_WRONLY)); }

/* -- the table, and one trial after the other -- */

static const struct { const char *name; int (*try)(void); } doors[] = {
    { "open-read", open_read }, { "openat2-read", openat2_read }, { "uring-read", uring_read },
    { "uring-async-read", uring_async_read },
    { "mmap-read", mmap_read }, { "sendfile-out", sendfile_out }, { "splice-out", splice_out },
    { "handle-read", handle_read }, { "list", list },
    { "open-write", open_write }, { "append", append }, { "rdwr", rdwr }, { "create-existing", create_existing },
    { "openat2-write", openat2_write }, { "uring-write", uring_write }, { "fallocate", allocate },
    { "mmap-write", mmap_write }, { "copy-range", copy_range }, { "sendfile-in", sendfile_in },
    { "splice-in", splice_in }, { "tmpfile", nameless },
    { "truncate", truncate_path }, { "ftruncate", truncate_fd }, { "trunc-write", truncate_open_write },
    { "trunc-read", truncate_open_read }, { "creat-existing", creat_existing },
    { "open-create", open_create }, { "create-read", create_read }, { "creat", creat_new },
    { "openat2-create", openat2_create }, { "uring-create", uring_create },
    { "mknod", make_file }, { "mkfifo", make_fifo }, { "mknod-device", make_device }, { "unix-bind", make_socket },
    { "tmpfile-link", named_later }, { "mkdir", make_directory }, { "uring-mkdir", uring_mkdir },
    { "symlink", make_symlink }, { "uring-symlink", uring_symlink },
    { "link", make_link }, { "link-fd", link_fd }, { "uring-link", uring_link },
    { "rename", rename_plain }, { "rename-noreplace", rename_noreplace }, { "exchange", exchange },
    { "uring-rename", uring_rename },
    { "unlink", remove_file }, { "uring-unlink", uring_unlink }, { "rmdir", remove_directory }, { "uring-rmdir", uring_rmdir },
    { "chmod", change_mode }, { "fchmod", change_mode_fd }, { "chown", change_owner }, { "utimes", change_times },
    { "setxattr", change_xattr }, { "flags", change_flags },
    { "exec", execute }, { "fexec", execute_fd }, { "script", execute_script },
    { "connect-tcp", connect_tcp }, { "fastopen", fastopen }, { "fastopen-connect", fastopen_connect },
    { "mapped-tcp", mapped_tcp }, { "uring-connect", uring_connect }, { "connect-udp", connect_udp },
    { "sendto-udp", sendto_udp }, { "sendmsg-udp", sendmsg_udp }, { "sendmmsg-udp", sendmmsg_udp }, { "raw", raw },
    { "inherited-read", inherited_read }, { "inherited-reopen", inherited_reopen }, { "inherited-write", inherited_write },
    { "bind-read", bind_read }, { "bind-write", bind_write },
    { "chroot-read", chroot_read }, { "chroot-write", chroot_write },
    { "memfd-exec", execute_memfd }, { "copy-exec", execute_copy }, { "loader", execute_by_loader },
};

static int go_by(const char *way, const char *directory, const char *directory2)
{
    if (!*way) return 0;
    if (!strcmp(way, "cwd")) return DONE(chdir(directory));
    if (!strcmp(way, "procfd")) {
        int fd = open(path, O_PATH | O_CLOEXEC);
        if (fd < 0) return errno;
        snprintf(spelled, sizeof spelled, "/proc/self/fd/%d", fd);
        path = spelled;
        return 0;
    }
    int fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int fd2 = *directory2 ? open(directory2, O_PATH | O_DIRECTORY | O_CLOEXEC) : AT_FDCWD;
    if (fd < 0 || fd2 == -1) return errno;
    if (!strcmp(way, "dirfd")) {
        at = fd;
        at2 = fd2;
        return 0;
    }
    snprintf(spelled, sizeof spelled, "/proc/self/fd/%d/%s", fd, path);
    path = spelled;
    if (*directory2) {
        static char second[LONGEST];
        snprintf(second, sizeof second, "/proc/self/fd/%d/%s", fd2, to);
        to = second;
    }
    return 0;
}

static int try(char *fields[7])
{
    path = fields[3];
    to = fields[5];
    argument = fields[6];
    int failed = go_by(fields[1], fields[2], fields[4]);
    if (failed) return failed;
    for (size_t n = 0; n < sizeof doors / sizeof *doors; n++)
        if (!strcmp(doors[n].name, fields[0])) {
            errno = 0;
            return doors[n].try();
        }
    return UNKNOWN_DOOR;
}

static int whole(int fd, void *room, size_t size)
{
    for (size_t have = 0; have < size;) {
        ssize_t got = read(fd, (char *)room + have, size - have);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return 0;
        have += got;
    }
    return 1;
}

static struct answer fresh(char *fields[7])
{
    int ends[2], status = 0;
    struct answer got = { 0, 0 };
    if (pipe2(ends, O_CLOEXEC) < 0) return (struct answer){ errno, 0 };
    pid_t child = fork();
    if (child < 0) {
        got.error = errno;
        close(ends[0]);
        close(ends[1]);
        return got;
    }
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        alarm(SECONDS);
        int32_t failed = try(fields);
        if (write(ends[1], &failed, sizeof failed) < 0) _exit(2);
        _exit(0);
    }
    close(ends[1]);
    int said = whole(ends[0], &got.error, sizeof got.error);
    close(ends[0]);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    if (WIFSIGNALED(status)) got.signal = WTERMSIG(status);
    if (!said) got.error = WIFEXITED(status) && WEXITSTATUS(status) ? VANISHED : 0; /* it became the program that it executed */
    return got;
}

int main(void)
{
    static char room[LONGEST];
    struct answer got = { 0, 0 };
    uint32_t size;
    umask(0);
    setrlimit(RLIMIT_CORE, &(struct rlimit){ 1, 1 }); /* core(5): 1 also stops the program that a pattern pipes to */
    if (write(1, &got, sizeof got) != sizeof got) return 1;
    while (whole(0, &size, sizeof size)) {
        char *fields[7], *next = room;
        if (size > sizeof room || !whole(0, room, size) || size == 0 || room[size - 1]) return 2;
        for (int n = 0; n < 7; n++) {
            if (next >= room + size) return 3;
            fields[n] = next;
            next += strlen(next) + 1;
        }
        got = fresh(fields);
        if (write(1, &got, sizeof got) != sizeof got) return 1;
    }
    return 0;
}
