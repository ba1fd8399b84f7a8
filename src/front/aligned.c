/* SPDX-License-Identifier: MIT */
/* Aligned allocation: hakmem.h. Layer 7. */
#include "hakmem.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/bitmap.h"
#include "base/check.h"
#include "base/constants.h"
#include "check/guard.h"
#include "heap/heap.h"
#include "os/os_memory.h"

/* A power of two as alignment; NULL without memory, errno untouched. */
static void *alloc_aligned(size_t alignment_bytes, size_t size_bytes, const char *call) {
    if (size_bytes > HAK_SIZE_MAX_BYTES || alignment_bytes > HAK_SIZE_MAX_BYTES / 2) {
        return NULL;
    }
    int saved_errno = errno;
    void *block = HAK_CHECK_LEVEL >= 1
                      ? hak_guard_alloc(size_bytes, alignment_bytes, call)
                      : hak_heap_alloc_aligned(size_bytes, alignment_bytes, NULL);
    errno = saved_errno;
    return block;
}

static void *or_errno(void *block) {
    if (block == NULL) {
        errno = ENOMEM;
    }
    return block;
}

void *hak_aligned_alloc(size_t alignment_bytes, size_t size_bytes) {
    if (!hak_is_power_of_two(alignment_bytes)) {
        errno = EINVAL;
        return NULL;
    }
    return or_errno(alloc_aligned(alignment_bytes, size_bytes, "aligned_alloc"));
}

void *hak_memalign(size_t alignment_bytes, size_t size_bytes) {
    if (alignment_bytes > SIZE_MAX / 2 + 1) {
        errno = EINVAL; /* as glibc: there is no power of two to round it up to */
        return NULL;
    }
    size_t rounded = alignment_bytes == 0 ? 1 : (size_t)hak_power_of_two_ceil(alignment_bytes);
    return or_errno(alloc_aligned(rounded, size_bytes, "memalign"));
}

int hak_posix_memalign(void **block_out, size_t alignment_bytes, size_t size_bytes) {
    if (!hak_is_power_of_two(alignment_bytes) || alignment_bytes % sizeof(void *) != 0) {
        return EINVAL;
    }
    void *block = alloc_aligned(alignment_bytes, size_bytes, "posix_memalign");
    if (block == NULL) {
        return ENOMEM;
    }
    *block_out = block;
    return 0;
}

void *hak_valloc(size_t size_bytes) {
    return or_errno(alloc_aligned(hak_os_page_size_bytes(), size_bytes, "valloc"));
}

void *hak_pvalloc(size_t size_bytes) {
    size_t page_bytes = hak_os_page_size_bytes();
    if (size_bytes > HAK_SIZE_MAX_BYTES - page_bytes) {
        errno = ENOMEM;
        return NULL;
    }
    size_t whole = hak_round_up(size_bytes == 0 ? 1 : size_bytes, page_bytes);
    return or_errno(alloc_aligned(page_bytes, whole, "pvalloc"));
}
