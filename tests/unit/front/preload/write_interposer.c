/* SPDX-License-Identifier: MIT */
/* write() replaced by one that allocates, as a tracing or logging library's
 * would, while adaptive sizing writes its log under the heap's lock: from four
 * threads, with caches that grow all the time. Reports go the same way. */
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "preload.h"

static _Atomic unsigned calls;

ssize_t write(int fd, const void *bytes, size_t count) {
    void *volatile small = malloc(50 + count % 1000), *volatile large = malloc(100000);
    free(small);
    free(large);
    calls++;
    return syscall(SYS_write, fd, bytes, count);
}

enum { BLOCKS = 3000, ROUNDS = 60, LOG_BYTES = 64 * 1024, TERMINAL = 10 };

/* Caches of one size after the other grow; each growth writes a line. */
static void *grow_caches(void *seed) {
    static __thread void *blocks[BLOCKS];
    for (size_t round = 0; round < ROUNDS; round++) {
        size_t size = 16 + (round % 20) * 16 + (size_t)seed;
        for (int i = 0; i < BLOCKS; i++) {
            blocks[i] = malloc(size);
        }
        for (int i = 0; i < BLOCKS; i++) {
            free(blocks[i]);
        }
        DEMAND(write(STDERR_FILENO, "from the program\n", 17) == 17);
    }
    return NULL;
}

/* The log goes to the stderr that the process started with: that has to be a file. */
static void start_again(char **argv) {
    int memory = memfd_create("log", 0);
    DEMAND(dup2(STDERR_FILENO, TERMINAL) == TERMINAL);
    DEMAND(memory >= 0 && dup2(memory, STDERR_FILENO) == STDERR_FILENO);
    execl("/proc/self/exe", argv[0], "again", NULL);
    _exit(1);
}

int main(int argc, char **argv) {
    static char log[LOG_BYTES];
    pthread_t threads[PRELOAD_THREADS];
    if (argc == 1) {
        start_again(argv);
    }
    int memory = dup(STDERR_FILENO);
    alarm(60);
    for (size_t i = 0; i < PRELOAD_THREADS; i++) {
        DEMAND(pthread_create(&threads[i], NULL, grow_caches, (void *)i) == 0);
    }
    for (size_t i = 0; i < PRELOAD_THREADS; i++) {
        DEMAND(pthread_join(threads[i], NULL) == 0);
    }
    DEMAND(dup2(TERMINAL, STDERR_FILENO) == STDERR_FILENO);
    DEMAND(pread(memory, log, LOG_BYTES - 1, 0) > 0);
    DEMAND(strstr(log, "[TLS_CACHE] Grow class ") != NULL);
    DEMAND(calls >= PRELOAD_THREADS * ROUNDS);
    return 0;
}
