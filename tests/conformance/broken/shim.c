/* SPDX-License-Identifier: MIT */
/* The hak_ names on the shim's blocks, each with the faults that HAKMEM_BROKEN
 * can switch on. */
#include "shim.h"

#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hakmem.h"
#include "shim_core.h"

enum { OS_PAGE_BYTES = 4096 };

static enum shim_fault chosen_fault(void) {
    static const char *const names[] = {
#define X(name, text) #name,
        SHIM_FAULTS(X)
#undef X
    };
    const char *name = getenv("HAKMEM_BROKEN");
    if (name == NULL) {
        return SHIM_FAULT_none;
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i], name) == 0) {
            return (enum shim_fault)i;
        }
    }
    dprintf(STDERR_FILENO, "HAKMEM_BROKEN: no fault is named '%s'; broken/shim.h lists them\n",
            name);
    _exit(2);
}

bool shim_is_broken(enum shim_fault fault) {
    static atomic_int fault_plus_1;
    int known = atomic_load_explicit(&fault_plus_1, memory_order_relaxed); /* same for all */
    if (known == 0) {
        known = (int)chosen_fault() + 1;
        atomic_store_explicit(&fault_plus_1, known, memory_order_relaxed);
    }
    return known == (int)fault + 1;
}

static void *out_of_memory(void) {
    if (!shim_is_broken(SHIM_FAULT_no_enomem)) {
        errno = ENOMEM;
    }
    return NULL;
}

static size_t rounded_up_to_power(size_t value) {
    size_t power = 1;
    while (power < value) {
        power *= 2;
    }
    return power;
}

/* The bytes a block of this size and alignment takes up. */
static size_t stride_for(size_t size_bytes, size_t alignment_bytes) {
    size_t needed = size_bytes > alignment_bytes ? size_bytes : alignment_bytes;
    if (needed > SHIM_CLASS_MAX_BYTES) {
        return needed;
    }
    if (shim_is_broken(SHIM_FAULT_class_one_short) && needed > SHIM_BLOCK_MIN_BYTES) {
        needed--;
    }
    return rounded_up_to_power(needed < SHIM_BLOCK_MIN_BYTES ? SHIM_BLOCK_MIN_BYTES : needed);
}

static void *take(size_t size_bytes, size_t alignment_bytes) {
    static _Thread_local void *last_block;
    static _Thread_local unsigned take_count;
    if (size_bytes > PTRDIFF_MAX || alignment_bytes > PTRDIFF_MAX - size_bytes) {
        return out_of_memory();
    }
    size_t stride_bytes = stride_for(size_bytes, alignment_bytes);
    if (shim_is_broken(SHIM_FAULT_given_twice) && ++take_count % 61 == 0 && size_bytes <= 4096 &&
        last_block != NULL) {
        return last_block;
    }
    void *block = shim_core_take(stride_bytes, alignment_bytes, size_bytes);
    if (block == NULL) {
        return out_of_memory();
    }
    last_block =
        alignment_bytes <= 16 && stride_bytes >= 4096 && stride_bytes <= 65536 ? block : NULL;
    return block;
}

void *hak_malloc(size_t size_bytes) {
    if (shim_is_broken(SHIM_FAULT_zero_is_null) && size_bytes == 0) {
        return NULL;
    }
    return take(size_bytes, SHIM_BLOCK_MIN_BYTES);
}

/* The address the block was taken at: one fault hands out addresses inside. */
static void *start_of(void *block) {
    uintptr_t address = (uintptr_t)block;
    bool is_inside = shim_is_broken(SHIM_FAULT_alignment_of_own_size) && address % 64 == 16 &&
                     shim_core_stride(block) >= 512;
    return is_inside ? (void *)(address - 16) : block;
}

void hak_free(void *block) {
    if (block == NULL) {
        return;
    }
    int kept_errno = errno;
    shim_core_give(start_of(block));
    errno = shim_is_broken(SHIM_FAULT_free_sets_errno) ? EINVAL : kept_errno;
}

void *hak_calloc(size_t count, size_t size_bytes) {
    size_t total_bytes = count * size_bytes;
    bool overflows = size_bytes != 0 && total_bytes / size_bytes != count;
    if (overflows && !shim_is_broken(SHIM_FAULT_calloc_wraps)) {
        return out_of_memory();
    }
    void *block = hak_malloc(total_bytes);
    if (block != NULL && shim_core_stride(block) <= SHIM_CLASS_MAX_BYTES) {
        size_t zeroed_bytes =
            shim_is_broken(SHIM_FAULT_calloc_tail) ? total_bytes / 8 * 8 : total_bytes;
        memset(block, 0, zeroed_bytes);
    }
    return block;
}

static size_t copied_bytes(void *old, size_t new_bytes) {
    size_t old_bytes = shim_core_size(start_of(old));
    size_t least_bytes = old_bytes < new_bytes ? old_bytes : new_bytes;
    /* Only so far that the copy runs over neighbours, not off the chunk. */
    size_t stride_bytes = shim_core_stride(old);
    if (shim_is_broken(SHIM_FAULT_realloc_rounds_copy) && stride_bytes <= 16 * 1024) {
        return stride_bytes;
    }
    if (shim_is_broken(SHIM_FAULT_realloc_loses_tail)) {
        return least_bytes / 16 * 16;
    }
    return least_bytes;
}

void *hak_realloc(void *block, size_t size_bytes) {
    if (block == NULL) {
        return hak_malloc(size_bytes);
    }
    if (size_bytes == 0 && !shim_is_broken(SHIM_FAULT_realloc_zero_allocates)) {
        hak_free(block);
        return NULL;
    }
    if (shim_is_broken(SHIM_FAULT_crash_in_realloc) && size_bytes > 1000) {
        int *volatile nowhere = NULL;
        return (void *)(uintptr_t)*nowhere;
    }
    void *moved = hak_malloc(size_bytes);
    if (moved != NULL) {
        memcpy(moved, block, copied_bytes(block, size_bytes));
        hak_free(block);
    } else if (shim_is_broken(SHIM_FAULT_realloc_failure_frees)) {
        hak_free(block);
        errno = ENOMEM;
    }
    return moved;
}

void *hak_reallocarray(void *block, size_t count, size_t size_bytes) {
    size_t total_bytes;
    if (__builtin_mul_overflow(count, size_bytes, &total_bytes)) {
        return out_of_memory();
    }
    return hak_realloc(block, total_bytes);
}

void *hak_memalign(size_t alignment_bytes, size_t size_bytes) {
    size_t alignment_max =
        shim_is_broken(SHIM_FAULT_alignment_limit_low) ? SIZE_MAX / 4 + 1 : SIZE_MAX / 2 + 1;
    if (alignment_bytes > alignment_max) {
        errno = EINVAL;
        return NULL;
    }
    size_t rounded_bytes = rounded_up_to_power(alignment_bytes);
    bool is_own_size = size_bytes == rounded_bytes && size_bytes >= 256 && size_bytes <= 1024;
    if (is_own_size && shim_is_broken(SHIM_FAULT_alignment_of_own_size)) {
        char *block = take(size_bytes * 2, SHIM_BLOCK_MIN_BYTES);
        return block + 16;
    }
    return take(size_bytes, rounded_bytes < 16 ? 16 : rounded_bytes);
}

static bool is_power_of_two(size_t value) {
    return value != 0 && (value & (value - 1)) == 0;
}

void *hak_aligned_alloc(size_t alignment_bytes, size_t size_bytes) {
    if (!is_power_of_two(alignment_bytes) && !shim_is_broken(SHIM_FAULT_alignment_unchecked)) {
        errno = EINVAL;
        return NULL;
    }
    return hak_memalign(alignment_bytes, size_bytes);
}

int hak_posix_memalign(void **block_out, size_t alignment_bytes, size_t size_bytes) {
    bool is_valid = is_power_of_two(alignment_bytes) && alignment_bytes % sizeof(void *) == 0;
    if (!is_valid && !shim_is_broken(SHIM_FAULT_alignment_unchecked)) {
        return EINVAL;
    }
    int kept_errno = errno;
    void *block = hak_memalign(alignment_bytes, size_bytes);
    errno = shim_is_broken(SHIM_FAULT_memalign_sets_errno) ? ENOMEM : kept_errno;
    if (block != NULL || shim_is_broken(SHIM_FAULT_memalign_writes_result)) {
        *block_out = block;
    }
    return block != NULL ? 0 : ENOMEM;
}

void *hak_valloc(size_t size_bytes) {
    return hak_memalign(OS_PAGE_BYTES, size_bytes);
}

void *hak_pvalloc(size_t size_bytes) {
    size_t rounded_bytes = (size_bytes + OS_PAGE_BYTES - 1) / OS_PAGE_BYTES * OS_PAGE_BYTES;
    if (rounded_bytes < size_bytes) {
        return out_of_memory();
    }
    bool keeps = shim_is_broken(SHIM_FAULT_pvalloc_keeps_size);
    return hak_valloc(keeps ? size_bytes : rounded_bytes);
}

/* Exactly what was asked for, as in a checked build. */
size_t hak_malloc_usable_size(void *block) {
    if (block == NULL) {
        return 0;
    }
    bool has_neighbours = shim_core_stride(start_of(block)) <= SHIM_CLASS_MAX_BYTES;
    if (shim_is_broken(SHIM_FAULT_usable_too_large) && has_neighbours) {
        return shim_core_stride(block) + 16;
    }
    return shim_core_size(start_of(block));
}

void hak_free_sized(void *block, size_t size_bytes) {
    if (block != NULL && shim_core_size(start_of(block)) != size_bytes) {
        abort();
    }
    if (!shim_is_broken(SHIM_FAULT_free_sized_leaks)) {
        hak_free(block);
    }
}

void hak_free_aligned_sized(void *block, size_t alignment_bytes, size_t size_bytes) {
    if (block != NULL && (uintptr_t)block % alignment_bytes != 0) {
        abort();
    }
    hak_free_sized(block, size_bytes);
}

int hak_malloc_trim(size_t keep_bytes) {
    (void)keep_bytes;
    return shim_is_broken(SHIM_FAULT_trim_does_nothing) ? 0 : shim_core_trim();
}

struct mallinfo2 hak_mallinfo2(void) {
    struct shim_core_totals totals = shim_core_totals();
    struct mallinfo2 info;
    memset(&info, 0, sizeof info);
    info.arena = totals.chunk_bytes;
    info.uordblks = totals.live_bytes;
    info.fordblks = totals.chunk_bytes - totals.live_bytes;
    info.hblks = totals.mapping_count;
    info.hblkhd = totals.mapping_bytes;
    return info;
}

size_t hak_heap_check(void) {
    return 0;
}

int hak_check_level(void) {
    return 0;
}
