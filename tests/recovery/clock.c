/* Loaded into PostgreSQL before its other libraries: the clock as the file named by CLOCK_FILE says, which holds two numbers of
   seconds: what is added to the real time, and 0 or the instant at which the clock stands still. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    static int (*original)(struct timeval *restrict, void *restrict);
    long offset = 0, stands_at = 0;
    FILE *file = getenv("CLOCK_FILE") == NULL ? NULL : fopen(getenv("CLOCK_FILE"), "r");

    if (original == NULL)
        original = (__typeof__(original)) dlsym(RTLD_NEXT, "gettimeofday");
    if (file != NULL) {
        if (fscanf(file, "%ld %ld", &offset, &stands_at) != 2)
            offset = stands_at = 0;
        fclose(file);
    }
    if (stands_at != 0) {
        now->tv_sec = stands_at;
        now->tv_usec = 0;
        return 0;
    }
    original(now, zone);
    now->tv_sec += offset;
    return 0;
}
