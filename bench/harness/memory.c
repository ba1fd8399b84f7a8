/* SPDX-License-Identifier: MIT */
/*
 * What the kernel says about this process's memory, read without malloc.
 *
 * The peak is VmHWM, not getrusage's ru_maxrss: the latter starts at the
 * resident size of the process that was forked before exec, so a small program
 * started by a large one would show the large one's memory. The current RSS is
 * smaps_rollup's, which is exact; statm's per-CPU counters may be off by
 * hundreds of pages.
 */
#include "harness/bench.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "hakmem.h"

#define BYTES_PER_KIB 1024u

void *bench_table_create(size_t size_bytes) {
    void *table =
        mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (table == MAP_FAILED)
        bench_fail("no %zu bytes for bookkeeping: %s", size_bytes, strerror(errno));
    return table;
}

void bench_table_release(void *table, size_t size_bytes) {
    if (munmap(table, size_bytes) != 0)
        bench_fail("munmap of bookkeeping: %s", strerror(errno));
}

/* Reads a small file whole; false when it can't. */
static bool read_file(const char *path, char *text, size_t capacity) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    size_t length = 0;
    ssize_t got = 0;
    while (length + 1 < capacity && (got = read(fd, text + length, capacity - 1 - length)) > 0)
        length += (size_t)got;
    close(fd);
    text[length] = '\0';
    return got >= 0 && length > 0;
}

/* The value in KiB after `key` in a /proc file, in bytes. */
static bool read_kib(const char *path, const char *key, size_t *bytes) {
    char text[8192];
    if (!read_file(path, text, sizeof text))
        return false;
    const char *found = strstr(text, key);
    if (found == NULL)
        return false;
    *bytes = (size_t)strtoull(found + strlen(key), NULL, 10) * BYTES_PER_KIB;
    return true;
}

size_t bench_rss_bytes(void) {
    size_t bytes = 0;
    if (!read_kib("/proc/self/smaps_rollup", "\nRss:", &bytes) &&
        !read_kib("/proc/self/status", "\nVmRSS:", &bytes))
        bench_fail(
            "neither /proc/self/smaps_rollup nor /proc/self/status can be read; mount /proc");
    return bytes;
}

size_t bench_peak_rss_bytes(void) {
    size_t bytes = 0;
    if (!read_kib("/proc/self/status", "\nVmHWM:", &bytes))
        bench_fail("/proc/self/status has no VmHWM; mount /proc");
    return bytes;
}

size_t bench_tls_cache_bytes(void) {
    void (*read_stats)(struct hak_stats *stats);
    /* POSIX has dlsym return functions as void *, which ISO C cannot convert. */
    *(void **)&read_stats = dlsym(RTLD_DEFAULT, "hak_stats_read");
    if (read_stats == NULL)
        return SIZE_MAX;
    struct hak_stats stats;
    size_t bytes = 0;
    read_stats(&stats);
    for (uint32_t c = 0; c < stats.class_count; c++)
        bytes += (size_t)stats.tls_count[c] * stats.class_stride_bytes[c] +
                 stats.tls_capacity[c] * sizeof(void *);
    return bytes;
}

uint64_t bench_minor_faults(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (uint64_t)usage.ru_minflt;
}
