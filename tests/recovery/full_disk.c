/* Loaded into PostgreSQL before its other libraries: while the file named by FULL_DISK_FLAG is there, no file below the folder
   named by FULL_DISK_FOLDER can grow. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static int is_refused(int file, off_t end) {
    const char *flag = getenv("FULL_DISK_FLAG"), *folder = getenv("FULL_DISK_FOLDER");
    char link[64], path[4096];
    struct stat facts;
    ssize_t length;

    if (flag == NULL || folder == NULL || access(flag, F_OK) != 0)
        return 0;
    if (fstat(file, &facts) != 0 || !S_ISREG(facts.st_mode) || end <= facts.st_size)
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    length = readlink(link, path, sizeof path);
    return length > 0 && (size_t) length >= strlen(folder) && strncmp(path, folder, strlen(folder)) == 0;
}

static off_t total(const struct iovec *parts, int count) {
    off_t sum = 0;

    for (int i = 0; i < count; i++)
        sum += parts[i].iov_len;
    return sum;
}

#define ORIGINAL(name) ((__typeof__(&name)) dlsym(RTLD_NEXT, #name))
#define REFUSE(condition) if (condition) { errno = ENOSPC; return -1; }

ssize_t write(int file, const void *bytes, size_t size) {
    REFUSE(is_refused(file, lseek(file, 0, SEEK_CUR) + (off_t) size));
    return ORIGINAL(write)(file, bytes, size);
}

ssize_t pwrite(int file, const void *bytes, size_t size, off_t offset) {
    REFUSE(is_refused(file, offset + (off_t) size));
    return ORIGINAL(pwrite)(file, bytes, size, offset);
}

ssize_t pwritev(int file, const struct iovec *parts, int count, off_t offset) {
    REFUSE(is_refused(file, offset + total(parts, count)));
    return ORIGINAL(pwritev)(file, parts, count, offset);
}

/* Gives the error instead of setting it. */
int posix_fallocate(int file, off_t offset, off_t size) {
    return is_refused(file, offset + size) ? ENOSPC : ORIGINAL(posix_fallocate)(file, offset, size);
}
