/* SPDX-License-Identifier: MIT */
/* The shim's blocks; see shim_core.h. One descriptor per chunk or mapping; a
 * flat table leads from the MiB of an address to its descriptor. */
#include "shim_core.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/mman.h>

#include "shim.h"

#define MIB_SHIFT 20
#define CHUNK_BYTES ((size_t)1 << MIB_SHIFT)

enum { DESCRIPTOR_COUNT = 1 << 15, CLASS_COUNT = 15, OS_PAGE_BYTES = 4096 };
static const uint32_t IS_FREE = UINT32_MAX;

struct span {
    unsigned char *base;
    size_t mapped_bytes;
    size_t stride_bytes;    /* of its blocks; a mapping has one */
    size_t mapping_size;    /* recorded size of a mapping's block */
    uint32_t *sizes;        /* recorded size per block of a chunk, or IS_FREE */
    uint32_t first_offset;  /* nothing below is free: where a search begins */
    uint32_t next_of_class; /* chunks of the class, newest first; 0 ends */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct span spans[DESCRIPTOR_COUNT]; /* 0 is never used */
static uint32_t span_of_mib[(size_t)1 << (47 - MIB_SHIFT)];
static uint32_t unused_spans[DESCRIPTOR_COUNT];
static uint32_t unused_count;
static uint32_t span_count = 1;
static uint32_t newest_of_class[CLASS_COUNT];
static struct shim_core_totals totals;

static void lock_all(void) {
    pthread_mutex_lock(&lock);
}

static void unlock_all(void) {
    pthread_mutex_unlock(&lock);
}

__attribute__((constructor)) static void survive_fork(void) {
    if (!shim_is_broken(SHIM_FAULT_fork_keeps_lock)) {
        pthread_atfork(lock_all, unlock_all, unlock_all);
    }
}

/* --- Spans ------------------------------------------------------------------ */

static void *map_aligned(size_t bytes, size_t alignment_bytes) {
    size_t asked_bytes = bytes + alignment_bytes;
    if (asked_bytes < bytes) {
        return NULL;
    }
    void *raw = mmap(NULL, asked_bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (raw == MAP_FAILED) {
        return NULL;
    }
    uintptr_t start = (uintptr_t)raw;
    uintptr_t aligned = (start + alignment_bytes - 1) & ~((uintptr_t)alignment_bytes - 1);
    if (aligned > start) {
        munmap(raw, aligned - start);
    }
    if (start + asked_bytes > aligned + bytes) {
        munmap((void *)(aligned + bytes), start + asked_bytes - (aligned + bytes));
    }
    return (void *)aligned;
}

static uint32_t new_span(size_t bytes, size_t alignment_bytes, size_t stride_bytes) {
    if (unused_count == 0 && span_count == DESCRIPTOR_COUNT) {
        return 0;
    }
    unsigned char *base = map_aligned(bytes, alignment_bytes);
    if (base == NULL) {
        return 0;
    }
    uint32_t index = unused_count > 0 ? unused_spans[--unused_count] : span_count++;
    spans[index] = (struct span){.base = base, .mapped_bytes = bytes, .stride_bytes = stride_bytes};
    for (size_t at = 0; at < bytes; at += CHUNK_BYTES) {
        span_of_mib[((uintptr_t)base + at) >> MIB_SHIFT] = index;
    }
    return index;
}

/* A block that is not ours ends the program, as in any allocator. */
static struct span *span_of(const void *block) {
    uint32_t index = span_of_mib[(uintptr_t)block >> MIB_SHIFT];
    if (index == 0) {
        abort();
    }
    return &spans[index];
}

static size_t index_in(const struct span *span, const void *block) {
    size_t offset = (size_t)((const unsigned char *)block - span->base);
    return offset / span->stride_bytes;
}

/* --- Classes ---------------------------------------------------------------- */

static void *take_from(struct span *span, size_t size_bytes) {
    uint32_t count = (uint32_t)(span->mapped_bytes / span->stride_bytes);
    for (uint32_t i = span->first_offset; i < count; i++) {
        if (span->sizes[i] == IS_FREE) {
            span->sizes[i] = (uint32_t)size_bytes;
            span->first_offset = i + 1;
            return span->base + (size_t)i * span->stride_bytes;
        }
    }
    span->first_offset = count;
    return NULL;
}

static uint32_t new_chunk(size_t stride_bytes) {
    uint32_t index = new_span(CHUNK_BYTES, CHUNK_BYTES, stride_bytes);
    size_t count = CHUNK_BYTES / stride_bytes;
    if (index == 0) {
        return 0;
    }
    uint32_t *sizes = mmap(NULL, count * sizeof *sizes, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (sizes == MAP_FAILED) {
        munmap(spans[index].base, CHUNK_BYTES);
        span_of_mib[(uintptr_t)spans[index].base >> MIB_SHIFT] = 0;
        unused_spans[unused_count++] = index;
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        sizes[i] = IS_FREE;
    }
    spans[index].sizes = sizes;
    totals.chunk_bytes += CHUNK_BYTES;
    return index;
}

static void *take_of_class(size_t stride_bytes, size_t size_bytes) {
    uint32_t *newest = &newest_of_class[__builtin_ctzl(stride_bytes) - 4];
    for (uint32_t i = *newest; i != 0; i = spans[i].next_of_class) {
        void *block = take_from(&spans[i], size_bytes);
        if (block != NULL) {
            return block;
        }
    }
    uint32_t index = new_chunk(stride_bytes);
    if (index == 0) {
        return NULL;
    }
    spans[index].next_of_class = *newest;
    *newest = index;
    return take_from(&spans[index], size_bytes);
}

static void *take_mapping(size_t stride_bytes, size_t alignment_bytes, size_t size_bytes) {
    size_t mapped_bytes = (stride_bytes + OS_PAGE_BYTES - 1) / OS_PAGE_BYTES * OS_PAGE_BYTES;
    size_t least_bytes = alignment_bytes > CHUNK_BYTES ? alignment_bytes : CHUNK_BYTES;
    uint32_t index = new_span(mapped_bytes, least_bytes, mapped_bytes);
    if (index == 0) {
        return NULL;
    }
    spans[index].mapping_size = size_bytes;
    totals.mapping_count++;
    totals.mapping_bytes += mapped_bytes;
    return spans[index].base;
}

/* --- The interface ---------------------------------------------------------- */

void *shim_core_take(size_t stride_bytes, size_t alignment_bytes, size_t size_bytes) {
    lock_all();
    void *block;
    if (stride_bytes <= SHIM_CLASS_MAX_BYTES && alignment_bytes <= SHIM_CLASS_MAX_BYTES) {
        block = take_of_class(stride_bytes, size_bytes);
        totals.live_bytes += block != NULL ? stride_bytes : 0;
    } else {
        block = take_mapping(stride_bytes, alignment_bytes, size_bytes);
    }
    unlock_all();
    return block;
}

static void give_mapping(struct span *span) {
    for (size_t at = 0; at < span->mapped_bytes; at += CHUNK_BYTES) {
        span_of_mib[((uintptr_t)span->base + at) >> MIB_SHIFT] = 0;
    }
    munmap(span->base, span->mapped_bytes);
    totals.mapping_count--;
    totals.mapping_bytes -= span->mapped_bytes;
    unused_spans[unused_count++] = (uint32_t)(span - spans);
}

void shim_core_give(void *block) {
    lock_all();
    struct span *span = span_of(block);
    if (span->sizes == NULL) {
        give_mapping(span);
    } else {
        uint32_t index = (uint32_t)index_in(span, block);
        if (span->sizes[index] == IS_FREE) {
            abort();
        }
        span->sizes[index] = IS_FREE;
        span->first_offset = index < span->first_offset ? index : span->first_offset;
        totals.live_bytes -= span->stride_bytes;
    }
    unlock_all();
}

size_t shim_core_size(void *block) {
    lock_all();
    struct span *span = span_of(block);
    size_t size_bytes =
        span->sizes == NULL ? span->mapping_size : span->sizes[index_in(span, block)];
    unlock_all();
    return size_bytes;
}

size_t shim_core_stride(void *block) {
    lock_all();
    size_t stride_bytes = span_of(block)->stride_bytes;
    unlock_all();
    return stride_bytes;
}

/* Whether no live block reaches into the OS page at `offset` of a chunk. */
static bool is_page_free(const struct span *span, size_t offset) {
    size_t first = offset / span->stride_bytes;
    size_t last = (offset + OS_PAGE_BYTES - 1) / span->stride_bytes;
    for (size_t i = first; i <= last; i++) {
        if (span->sizes[i] != IS_FREE) {
            return false;
        }
    }
    return true;
}

int shim_core_trim(void) {
    int given = 0;
    lock_all();
    for (uint32_t index = 1; index < span_count; index++) {
        const struct span *span = &spans[index];
        for (size_t at = 0; span->sizes != NULL && at < CHUNK_BYTES; at += OS_PAGE_BYTES) {
            if (is_page_free(span, at)) {
                madvise(span->base + at, OS_PAGE_BYTES, MADV_DONTNEED);
                given = 1;
            }
        }
    }
    unlock_all();
    return given;
}

struct shim_core_totals shim_core_totals(void) {
    lock_all();
    struct shim_core_totals copy = totals;
    unlock_all();
    return copy;
}
