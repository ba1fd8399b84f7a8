/* SPDX-License-Identifier: MIT */
/* The malloc family under its prefix: hakmem.h. Layer 7.
 * Aligned allocation is in aligned.c, questions in introspect.c. */
#include "hakmem.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "front/fast.h"

static void *or_enomem(void *block) {
    if (hak_unlikely(block == NULL)) {
        errno = ENOMEM;
    }
    return block;
}

HAK_NOINLINE void *hak_malloc_slow(size_t size_bytes) {
    return or_enomem(hak_heap_alloc_slow(size_bytes, NULL));
}

HAK_NOINLINE void *hak_malloc_medium(size_t size_bytes) {
    if (hak_likely(size_bytes <= HAK_CLASS_SIZE_MAX_BYTES)) {
        uint32_t kind = hak_class_of_medium(size_bytes) + HAK_KIND_CLASS_FIRST;
        void *block = hak_tcache_pop(hak_tls, kind);
        if (hak_likely(block != NULL)) {
            return block;
        }
    }
    return hak_malloc_slow(size_bytes);
}

void *hak_malloc(size_t size_bytes) {
    return hak_fast_malloc(size_bytes);
}

void hak_free(void *block) {
    hak_fast_free(block);
}

static void *calloc_unguarded(size_t size_bytes) {
    bool is_zero = false;
    if (size_bytes <= HAK_CLASS_SIZE_MAX_BYTES) {
        void *block = hak_fast_malloc(size_bytes);
        return block == NULL ? NULL : memset(block, 0, size_bytes);
    }
    void *block = or_enomem(hak_heap_alloc_slow(size_bytes, &is_zero));
    return block == NULL || is_zero ? block : memset(block, 0, size_bytes);
}

void *hak_calloc(size_t count, size_t size_bytes) {
    size_t total;
    if (hak_unlikely(__builtin_mul_overflow(count, size_bytes, &total))) {
        return or_enomem(NULL);
    }
    return HAK_CHECK_LEVEL >= 1 ? or_enomem(hak_guard_calloc(total, "calloc"))
                                : calloc_unguarded(total);
}

/* `fresh`, with the contents of `block`, which is freed; NULL, and nothing done, for NULL. */
static inline void *replace(void *block, size_t kept_bytes, void *fresh) {
    if (hak_likely(fresh != NULL)) {
        memcpy(fresh, block, kept_bytes);
        hak_fast_free(block);
    }
    return fresh;
}

static void *move(void *block, size_t kept_bytes, size_t new_size_bytes) {
    return replace(block, kept_bytes, hak_fast_malloc(new_size_bytes));
}

/* A block stays where it is while at least half of it is used. */
static inline bool stays(size_t old_size_bytes, size_t size_bytes) {
    return size_bytes <= old_size_bytes && size_bytes > old_size_bytes / 2;
}

static HAK_NOINLINE void *realloc_large(void *block, size_t size_bytes) {
    size_t old = hak_heap_block_size(block, "realloc");
    if (stays(old, size_bytes)) {
        return block;
    }
    if (old > HAK_CLASS_SIZE_MAX_BYTES && size_bytes <= HAK_SIZE_MAX_BYTES) {
        void *resized = hak_heap_resize(block, size_bytes);
        if (resized != NULL) {
            return resized;
        }
    }
    return move(block, old < size_bytes ? old : size_bytes, size_bytes);
}

static HAK_NOINLINE void *grow_slow(void *block, size_t old, size_t size_bytes, size_t roomy) {
    int saved_errno = errno;
    void *fresh = move(block, old, roomy);
    if (fresh == NULL) {
        errno = saved_errno; /* the first try is nobody's business */
        fresh = move(block, old, size_bytes);
    }
    return fresh;
}

/* To a block with room for 3/8 more at least, so that growing a few bytes at a time does
 * not copy it at every size class; without it when memory has run out for that. */
static inline void *grow(void *block, size_t old, size_t size_bytes) {
    size_t roomy = old + old / 8 * 3, wanted = size_bytes > roomy ? size_bytes : roomy;
    if (hak_likely(wanted <= HAK_CLASS_TABLE_MAX_BYTES)) {
        void *fresh = hak_tcache_pop(hak_tls, hak_kind_by_eighth[(wanted + 7) >> 3]);
        if (hak_likely(fresh != NULL)) {
            return replace(block, old, fresh);
        }
    }
    return grow_slow(block, old, size_bytes, wanted);
}

/* A block of a size class needs one look at the region map; what is not one (not ours,
 * or not started) has another kind. */
static void *realloc_unguarded(void *block, size_t size_bytes) {
    uint32_t class_index = (uint32_t)hak_region_kind(block) - HAK_KIND_CLASS_FIRST;
    if (hak_unlikely(class_index >= HAK_CLASS_COUNT)) {
        return realloc_large(block, size_bytes);
    }
    size_t old = hak_class_infos[class_index].stride_bytes;
    if (stays(old, size_bytes)) {
        return block;
    }
    return size_bytes <= old ? move(block, size_bytes, size_bytes) : grow(block, old, size_bytes);
}

void *hak_realloc(void *block, size_t size_bytes) {
    if (block == NULL) {
        return hak_fast_malloc(size_bytes);
    }
    if (size_bytes == 0) {
        hak_fast_free(block);
        return NULL;
    }
    return HAK_CHECK_LEVEL >= 1 ? or_enomem(hak_guard_realloc(block, size_bytes, "realloc"))
                                : realloc_unguarded(block, size_bytes);
}

void *hak_reallocarray(void *block, size_t count, size_t size_bytes) {
    size_t total;
    if (hak_unlikely(__builtin_mul_overflow(count, size_bytes, &total))) {
        return or_enomem(NULL);
    }
    return hak_realloc(block, total);
}

void hak_free_sized(void *block, size_t size_bytes) {
    if (HAK_CHECK_LEVEL >= 1) {
        hak_guard_free_sized(block, 1, size_bytes, "free_sized");
    } else {
        hak_fast_free(block);
    }
}

void hak_free_aligned_sized(void *block, size_t alignment_bytes, size_t size_bytes) {
    if (HAK_CHECK_LEVEL >= 1) {
        hak_guard_free_sized(block, alignment_bytes, size_bytes, "free_aligned_sized");
    } else {
        hak_fast_free(block);
    }
}
