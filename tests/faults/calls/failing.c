/* Counts what a process asks of the kernel for the files of one folder and for its pipes, and fails
 * one such call, or all from one on, with an error of choice:
 *
 *   LD_PRELOAD=failing.so program      and there, through ctypes: calls_watch, calls_fail, calls_seen
 *
 * Calls are counted by class: opens, writes and syncs of the log (audit.db and its companions),
 * anything with another file, and reads and writes of pipes.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

enum { LOG_OPEN, LOG_WRITE, LOG_SYNC, FILES, PIPES, CLASSES, NONE = -1 };
enum { OPEN, WRITE, SYNC, NAME, READ };

static char folder[4096];
static long seen[CLASSES], index_, struck;
static int failing = NONE, forever, error_, counting;
static char what[4200];
static __thread int paused;

/* Begin to count, for the files of this folder. */
void calls_watch(const char *path)
{
    snprintf(folder, sizeof folder, "%s", path);
    memset(seen, 0, sizeof seen);
    struck = 0;
    failing = NONE;
    what[0] = 0;
    counting = 1;
}

/* Fail call number `number` (from 1) of a class, and with `on` all of its calls after that. */
void calls_fail(int class, long number, int on, int error)
{
    index_ = number;
    forever = on;
    error_ = error;
    failing = class;
}

/* Count no further; a failure that goes on goes on. */
void calls_rest(void) { counting = 0; }

/* Fail nothing any more. */
void calls_mend(void) { failing = NONE; }

/* Leave the calling thread alone while `on`. */
void calls_pause(int on) { paused = on; }

long calls_seen(int class) { return seen[class]; }
long calls_struck(void) { return struck; }
const char *calls_what(void) { return what; }

static int class_of(int operation, const char *path)
{
    size_t length = strlen(folder);
    if (!length || paused)
        return NONE;
    if (strncmp(path, "pipe:", 5) == 0)
        return operation == WRITE || operation == READ ? PIPES : NONE;
    if (strncmp(path, folder, length) != 0 || operation == READ)
        return NONE;
    if (strncmp(path + length, "/audit.db", 9) != 0)
        return FILES;
    switch (operation) {
    case OPEN:
        return LOG_OPEN;
    case SYNC:
        return LOG_SYNC;
    case WRITE:
        return LOG_WRITE;
    default:
        return FILES;
    }
}

/* Whether this call is to fail; errno is set then. */
static int fails(int operation, const char *path, const char *name)
{
    int class = class_of(operation, path);
    if (class == NONE)
        return 0;
    long number = counting ? __sync_add_and_fetch(&seen[class], 1) : 0;
    if (class != failing || !(number == index_ || (forever && struck)))
        return 0;
    if (!struck)
        snprintf(what, sizeof what, "%s %s", name, path);
    struck++;
    errno = error_;
    return 1;
}

static int fd_fails(int operation, int fd, const char *name)
{
    char link[64], path[4096];
    if (!folder[0] || paused)
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    return fails(operation, path, name);
}

#define REAL(RESULT, NAME, ...)                                     \
    static RESULT (*call)(__VA_ARGS__);                             \
    if (!call)                                                      \
        call = (RESULT(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #NAME);

#define OPENS(NAME)                                                 \
    int NAME(const char *path, int flags, ...)                      \
    {                                                               \
        REAL(int, NAME, const char *, int, mode_t)                  \
        va_list rest;                                               \
        va_start(rest, flags);                                      \
        mode_t mode = va_arg(rest, mode_t);                         \
        va_end(rest);                                               \
        return fails(OPEN, path, #NAME) ? -1 : call(path, flags, mode); \
    }
OPENS(open)
OPENS(open64)

#define OPENS_AT(NAME)                                              \
    int NAME(int at, const char *path, int flags, ...)              \
    {                                                               \
        REAL(int, NAME, int, const char *, int, mode_t)             \
        va_list rest;                                               \
        va_start(rest, flags);                                      \
        mode_t mode = va_arg(rest, mode_t);                         \
        va_end(rest);                                               \
        return fails(OPEN, path, #NAME) ? -1 : call(at, path, flags, mode); \
    }
OPENS_AT(openat)
OPENS_AT(openat64)

#define PWRITE(NAME, OFFSET)                                        \
    ssize_t NAME(int fd, const void *data, size_t size, OFFSET at)  \
    {                                                               \
        REAL(ssize_t, NAME, int, const void *, size_t, OFFSET)      \
        return fd_fails(WRITE, fd, #NAME) ? -1 : call(fd, data, size, at); \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

ssize_t write(int fd, const void *data, size_t size)
{
    REAL(ssize_t, write, int, const void *, size_t)
    return fd_fails(WRITE, fd, "write") ? -1 : call(fd, data, size);
}

ssize_t read(int fd, void *data, size_t size)
{
    REAL(ssize_t, read, int, void *, size_t)
    return fd_fails(READ, fd, "read") ? -1 : call(fd, data, size);
}

#define ON_FD(NAME, OPERATION)                                      \
    int NAME(int fd)                                                \
    {                                                               \
        REAL(int, NAME, int)                                        \
        return fd_fails(OPERATION, fd, #NAME) ? -1 : call(fd);      \
    }
ON_FD(fsync, SYNC)
ON_FD(fdatasync, SYNC)

#define TRUNCATE(NAME, OFFSET)                                      \
    int NAME(int fd, OFFSET size)                                   \
    {                                                               \
        REAL(int, NAME, int, OFFSET)                                \
        return fd_fails(WRITE, fd, #NAME) ? -1 : call(fd, size);    \
    }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

int fchmod(int fd, mode_t mode)
{
    REAL(int, fchmod, int, mode_t)
    return fd_fails(NAME, fd, "fchmod") ? -1 : call(fd, mode);
}

int unlink(const char *path)
{
    REAL(int, unlink, const char *)
    return fails(NAME, path, "unlink") ? -1 : call(path);
}

int rename(const char *from, const char *to)
{
    REAL(int, rename, const char *, const char *)
    return fails(NAME, to, "rename") ? -1 : call(from, to);
}

int mkdir(const char *path, mode_t mode)
{
    REAL(int, mkdir, const char *, mode_t)
    return fails(NAME, path, "mkdir") ? -1 : call(path, mode);
}
