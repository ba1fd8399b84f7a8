/* SPDX-License-Identifier: MIT */
/* Names of glibc's own malloc beyond the family, for the drop-in libraries. Layer 7.
 *
 * Left to glibc they would speak of its heap, which is empty, or give out and take
 * its blocks; and a static program that calls one would get glibc's malloc beside
 * ours. In a file of their own, so that other static programs do without. */
#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include "front/fast.h"
#include "hakmem.h"

/* --- Questions and settings ------------------------------------------------ */

/* hakmem has none of glibc's parameters to set: those that it knows are taken and do nothing. */
HAK_API int mallopt(int parameter, int value) {
    (void)value;
    return parameter >= M_ARENA_MAX && parameter <= M_KEEP && parameter != 0;
}

static int clamped(size_t value) {
    return value <= INT_MAX ? (int)value : INT_MAX;
}

HAK_API struct mallinfo mallinfo(void) {
    struct mallinfo2 wide = hak_mallinfo2();
    struct mallinfo info = {0};
    info.arena = clamped(wide.arena);
    info.hblks = clamped(wide.hblks);
    info.hblkhd = clamped(wide.hblkhd);
    info.uordblks = clamped(wide.uordblks);
    info.fordblks = clamped(wide.fordblks);
    return info;
}

HAK_API void malloc_stats(void) {
    hak_stats_print(STDERR_FILENO);
}

/* glibc's elements, as far as they have a meaning here: free memory, and in it what waits
 * whole; mappings in use; all memory. */
HAK_API int malloc_info(int options, FILE *stream) {
    struct hak_stats stats;
    if (options != 0) {
        return EINVAL;
    }
    hak_stats_read(&stats);
    size_t mapped = stats.mapped_bytes, live = stats.live_bytes;
    fprintf(stream,
            "<malloc version=\"1\">\n"
            "<total type=\"rest\" count=\"%u\" size=\"%zu\"/>\n"
            "<total type=\"mmap\" count=\"%u\" size=\"%zu\"/>\n"
            "<system type=\"current\" size=\"%zu\"/>\n"
            "<aspace type=\"total\" size=\"%zu\"/>\n"
            "</malloc>\n",
            stats.superslab_pool_count + stats.big_cached_count,
            mapped - (live < mapped ? live : mapped), stats.big_live_count,
            (size_t)stats.big_live_bytes, mapped, mapped);
    return ferror(stream) != 0 ? -1 : 0;
}

/* --- The family under glibc's own prefix ------------------------------------ */

/* Exported without a declaration; programs that wrap malloc call them. */
HAK_API void *__libc_malloc(size_t size);
HAK_API void __libc_free(void *block);
HAK_API void *__libc_calloc(size_t count, size_t size);
HAK_API void *__libc_realloc(void *block, size_t size);
HAK_API void *__libc_memalign(size_t alignment, size_t size);
HAK_API void *__libc_valloc(size_t size);
HAK_API void *__libc_pvalloc(size_t size);

HAK_API void *__libc_malloc(size_t size) {
    return hak_fast_malloc(size);
}

HAK_API void __libc_free(void *block) {
    hak_fast_free(block);
}

HAK_API void *__libc_calloc(size_t count, size_t size) {
    return hak_calloc(count, size);
}

HAK_API void *__libc_realloc(void *block, size_t size) {
    return hak_realloc(block, size);
}

HAK_API void *__libc_memalign(size_t alignment, size_t size) {
    return hak_memalign(alignment, size);
}

HAK_API void *__libc_valloc(size_t size) {
    return hak_valloc(size);
}

HAK_API void *__libc_pvalloc(size_t size) {
    return hak_pvalloc(size);
}
