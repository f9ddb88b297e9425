/* Writes down, in order, what a process does to the files of one folder, so that a test can lay the
 * folder out as a power cut would have left it at any moment.
 *
 *   LD_PRELOAD=lossy.so LOSSY_FOLDER=/log LOSSY_JOURNAL=/tmp/journal program
 *
 * The journal is a sequence of records: operation (1 byte), length of the name (4), offset (8), length of
 * the data (8), name, data; numbers in the machine's order. Operations: W write, T truncate to offset,
 * S sync, U unlink, A what was written to standard output: the program's word that something is done.
 * A file that is mapped (SQLite's -shm) isn't written down: it doesn't outlive the process.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static int journal = -1;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

typedef ssize_t (*write_t)(int, const void *, size_t);

static ssize_t real_write(int fd, const void *data, size_t size)
{
    static write_t call;
    if (!call)
        call = (write_t)dlsym(RTLD_NEXT, "write");
    return call(fd, data, size);
}

static int watched(const char *path)
{
    const char *folder = getenv("LOSSY_FOLDER");
    return folder && strncmp(path, folder, strlen(folder)) == 0;
}

/* The path of an open file in the folder, or NULL. */
static const char *name_of(int fd, char *path, size_t size)
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, size - 1);
    if (length < 0)
        return NULL;
    path[length] = 0;
    return watched(path) ? path : NULL;
}

static void note(char operation, const char *name, int64_t offset, const void *data, int64_t size)
{
    uint32_t length = strlen(name);
    pthread_mutex_lock(&lock);
    if (journal < 0)
        journal = open(getenv("LOSSY_JOURNAL"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    real_write(journal, &operation, 1);
    real_write(journal, &length, sizeof length);
    real_write(journal, &offset, sizeof offset);
    real_write(journal, &size, sizeof size);
    real_write(journal, name, length);
    if (size)
        real_write(journal, data, size);
    pthread_mutex_unlock(&lock);
}

ssize_t write(int fd, const void *data, size_t size)
{
    char path[4096];
    if (fd == 1) {
        note('A', "", 0, data, size);
    } else if (fd != journal && name_of(fd, path, sizeof path)) {
        off_t offset = lseek(fd, 0, SEEK_CUR);
        note('W', path, offset, data, size);
    }
    return real_write(fd, data, size);
}

#define PWRITE(NAME, OFFSET)                                                    \
    ssize_t NAME(int fd, const void *data, size_t size, OFFSET offset)          \
    {                                                                           \
        static ssize_t (*call)(int, const void *, size_t, OFFSET);              \
        char path[4096];                                                        \
        if (!call)                                                              \
            call = dlsym(RTLD_NEXT, #NAME);                                     \
        if (name_of(fd, path, sizeof path))                                     \
            note('W', path, offset, data, size);                                \
        return call(fd, data, size, offset);                                    \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

#define TRUNCATE(NAME, OFFSET)                                                  \
    int NAME(int fd, OFFSET size)                                               \
    {                                                                           \
        static int (*call)(int, OFFSET);                                        \
        char path[4096];                                                        \
        if (!call)                                                              \
            call = dlsym(RTLD_NEXT, #NAME);                                     \
        if (name_of(fd, path, sizeof path))                                     \
            note('T', path, size, NULL, 0);                                     \
        return call(fd, size);                                                  \
    }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

#define SYNC(NAME)                                                              \
    int NAME(int fd)                                                            \
    {                                                                           \
        static int (*call)(int);                                                \
        char path[4096];                                                        \
        if (!call)                                                              \
            call = dlsym(RTLD_NEXT, #NAME);                                     \
        int result = call(fd);                                                  \
        if (result == 0 && name_of(fd, path, sizeof path))                      \
            note('S', path, 0, NULL, 0);                                        \
        return result;                                                          \
    }
SYNC(fsync)
SYNC(fdatasync)

int unlink(const char *path)
{
    static int (*call)(const char *);
    if (!call)
        call = dlsym(RTLD_NEXT, "unlink");
    if (watched(path))
        note('U', path, 0, NULL, 0);
    return call(path);
}
