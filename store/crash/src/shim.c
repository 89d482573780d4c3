/*
 * Stands in for the calls that change files, and makes one of them fail or the process end there.
 *
 * CUT_BELOW  only paths below this folder count
 * CUT_LIST   a file that gets one line for each call: operation@thread path
 * CUT_MATCH  operation@thread path#occurrence, as in the list
 * CUT_DO     before, after, eio, enospc, short or torn
 *
 * Runs of digits in a path read as one star, so do the names of checkpoints on their way in: runs differ in them. The
 * thread is high or low for those of RocksDB that flush and that compact, else main.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum what { GO, BEFORE, AFTER, FAIL_IO, FAIL_SPACE, SHORT, TORN };

static long seen;

static void end(void) {
    for (;;) {
        syscall(SYS_kill, (int)syscall(SYS_getpid), SIGKILL);
    }
}

static const char *thread(void) {
    char name[17] = "";
    prctl(PR_GET_NAME, name);
    if (!strncmp(name, "rocksdb:high", 12)) return "high";
    if (!strncmp(name, "rocksdb:low", 11)) return "low";
    return "main";
}

/* The path below the folder with what differs between runs as stars; 0 for what lies elsewhere. */
static int plain(const char *path, char *out, size_t room) {
    const char *below = getenv("CUT_BELOW");
    size_t length = below ? strlen(below) : 0, at = 0;
    if (!length || strncmp(path, below, length) || (path[length] && path[length] != '/')) return 0;
    path += length;
    while (*path == '/') path++;
    while (*path && at + 2 < room) {
        if (*path >= '0' && *path <= '9') {
            while (*path >= '0' && *path <= '9') path++;
            out[at++] = '*';
        } else {
            out[at++] = *path++;
        }
        if (at >= 10 && !strncmp(out + at - 10, "/incoming/", 10)) {
            while (*path && *path != '/') path++;
            out[at++] = '*';
        }
    }
    out[at] = 0;
    return 1;
}

/* What is to happen at this call. */
static enum what pass(const char *op, const char *path) {
    char name[4096], line[4400];
    if (!plain(path, name, sizeof name)) return GO;
    int length = snprintf(line, sizeof line, "%s@%s %s\n", op, thread(), name);
    const char *list = getenv("CUT_LIST"), *match = getenv("CUT_MATCH"), *order = getenv("CUT_DO");
    if (list) {
        int file = (int)syscall(SYS_openat, AT_FDCWD, list, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (file >= 0) {
            syscall(SYS_write, file, line, length);
            syscall(SYS_close, file);
        }
    }
    if (!match || !order) return GO;
    const char *hash = strrchr(match, '#');
    line[--length] = 0;
    if (!hash || (size_t)length != (size_t)(hash - match) || strncmp(line, match, length)) return GO;
    if (__atomic_add_fetch(&seen, 1, __ATOMIC_SEQ_CST) != atol(hash + 1)) return GO;
    syscall(SYS_write, 1, "cut\n", 4);
    if (!strcmp(order, "before")) end();
    if (!strcmp(order, "after")) return AFTER;
    if (!strcmp(order, "eio")) return FAIL_IO;
    if (!strcmp(order, "enospc")) return FAIL_SPACE;
    if (!strcmp(order, "short")) return SHORT;
    return TORN;
}

static enum what pass_fd(const char *op, int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return GO;
    path[length] = 0;
    return pass(op, path);
}

static void resolve(int folder, const char *path, char *out, size_t room) {
    out[0] = 0;
    if (path[0] != '/' && folder != AT_FDCWD) {
        char link[64];
        snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
        ssize_t length = readlink(link, out, room - 2);
        if (length < 0) length = 0;
        out[length++] = '/';
        out[length] = 0;
    }
    strncat(out, path, room - strlen(out) - 1);
}

static enum what pass_at(const char *op, int folder, const char *path) {
    char full[4096];
    resolve(folder, path, full, sizeof full);
    return pass(op, full);
}

static int failed(enum what what) {
    errno = what == FAIL_SPACE ? ENOSPC : EIO;
    return -1;
}

#define DO(verdict, call)                                    \
    do {                                                    \
        enum what order = (verdict);                         \
        if (order == FAIL_IO || order == FAIL_SPACE) return failed(order); \
        long answer = (call);                               \
        if (order != GO) end();                             \
        return answer;                                      \
    } while (0)

/* A write, all of it or its first half. */
#define WRITE(fd, length, call)                             \
    do {                                                    \
        enum what order = pass_fd("write", fd);             \
        if (order == FAIL_IO || order == FAIL_SPACE) return failed(order); \
        if (order == SHORT || order == TORN) length = length > 1 ? length / 2 : length; \
        ssize_t answer = (call);                            \
        if (order == AFTER || order == TORN) end();         \
        return answer;                                      \
    } while (0)

ssize_t write(int fd, const void *data, size_t length) { WRITE(fd, length, syscall(SYS_write, fd, data, length)); }
ssize_t pwrite(int fd, const void *data, size_t length, off_t at) {
    WRITE(fd, length, syscall(SYS_pwrite64, fd, data, length, at));
}
ssize_t pwrite64(int fd, const void *data, size_t length, off64_t at) {
    WRITE(fd, length, syscall(SYS_pwrite64, fd, data, length, at));
}
ssize_t writev(int fd, const struct iovec *parts, int length) { WRITE(fd, length, syscall(SYS_writev, fd, parts, length)); }
ssize_t pwritev(int fd, const struct iovec *parts, int length, off_t at) {
    WRITE(fd, length, syscall(SYS_pwritev, fd, parts, length, at, 0));
}
ssize_t pwritev64(int fd, const struct iovec *parts, int length, off64_t at) {
    WRITE(fd, length, syscall(SYS_pwritev, fd, parts, length, at, 0));
}

int fsync(int fd) { DO(pass_fd("sync", fd), syscall(SYS_fsync, fd)); }
int fdatasync(int fd) { DO(pass_fd("sync", fd), syscall(SYS_fdatasync, fd)); }
int ftruncate(int fd, off_t length) { DO(pass_fd("truncate", fd), syscall(SYS_ftruncate, fd, length)); }
int ftruncate64(int fd, off64_t length) { DO(pass_fd("truncate", fd), syscall(SYS_ftruncate, fd, length)); }
int fallocate(int fd, int mode, off_t at, off_t length) {
    DO(pass_fd("allocate", fd), syscall(SYS_fallocate, fd, mode, at, length));
}
int fallocate64(int fd, int mode, off64_t at, off64_t length) {
    DO(pass_fd("allocate", fd), syscall(SYS_fallocate, fd, mode, at, length));
}

static int opens(int folder, const char *path, int flags, int mode) {
    struct stat found;
    int makes = flags & O_CREAT && fstatat(folder, path, &found, AT_SYMLINK_NOFOLLOW) != 0;
    enum what what = makes || flags & O_TRUNC ? pass_at("create", folder, path) : GO;
    DO(what, syscall(SYS_openat, folder, path, flags, mode));
}

#define MODE(flags)                                         \
    int mode = 0;                                           \
    if ((flags) & O_CREAT || ((flags) & O_TMPFILE) == O_TMPFILE) { \
        va_list rest;                                       \
        va_start(rest, flags);                              \
        mode = va_arg(rest, int);                           \
        va_end(rest);                                       \
    }

int open(const char *path, int flags, ...) { MODE(flags) return opens(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags) return opens(AT_FDCWD, path, flags, mode); }
int openat(int folder, const char *path, int flags, ...) { MODE(flags) return opens(folder, path, flags, mode); }
int openat64(int folder, const char *path, int flags, ...) { MODE(flags) return opens(folder, path, flags, mode); }
int creat(const char *path, mode_t mode) { return opens(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, (int)mode); }

int renameat(int from_folder, const char *from, int to_folder, const char *to) {
    DO(pass_at("rename", to_folder, to), syscall(SYS_renameat2, from_folder, from, to_folder, to, 0));
}
int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags) {
    DO(pass_at("rename", to_folder, to), syscall(SYS_renameat2, from_folder, from, to_folder, to, flags));
}
int rename(const char *from, const char *to) { return renameat(AT_FDCWD, from, AT_FDCWD, to); }
int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags) {
    DO(pass_at("link", to_folder, to), syscall(SYS_linkat, from_folder, from, to_folder, to, flags));
}
int link(const char *from, const char *to) { return linkat(AT_FDCWD, from, AT_FDCWD, to, 0); }
int unlinkat(int folder, const char *path, int flags) {
    const char *op = flags & AT_REMOVEDIR ? "rmdir" : "unlink";
    DO(pass_at(op, folder, path), syscall(SYS_unlinkat, folder, path, flags));
}
int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }
int mkdirat(int folder, const char *path, mode_t mode) {
    DO(pass_at("mkdir", folder, path), syscall(SYS_mkdirat, folder, path, mode));
}
int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }
