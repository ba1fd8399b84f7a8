/* SPDX-License-Identifier: MIT */
/* The operations of fuzz_api that make, resize and free one block. */
#include <errno.h>
#include <malloc.h>

#include "hakmem.h"
#include "harness/arena.h"
#include "harness/target.h"
#include "model.h"

enum { OS_PAGE_BYTES = 4096, MARK = 0x5A5A }; /* MARK: an errno nobody sets */
static const size_t PRODUCT_MAX_BYTES = (size_t)64 << 20;

/* Frees what is in the slot, after a last look at it. */
static void empty_slot(size_t slot) {
    if (model_blocks[slot].start != NULL) {
        api_free(slot);
    }
}

/* A result of a call whose alignment, if any, was valid. */
static void judge(size_t slot, void *block, size_t size, size_t alignment, enum model_origin origin,
                  const char *call) {
    int error = errno;
    if (model_accepts(call, block, model_expect(size, alignment), error)) {
        model_take(slot, block, size, alignment, origin, call);
    }
}

void api_malloc(size_t slot, size_t size) {
    empty_slot(slot);
    errno = MARK;
    judge(slot, hak_malloc(size), size, 1, FROM_MALLOC, "malloc");
}

/* The size of each element, or a smaller one where the product would be
 * possible and yet too large to be worth a look. */
static size_t tamed(size_t count, size_t size) {
    size_t product;
    bool is_overflow = __builtin_mul_overflow(count, size, &product);
    if (is_overflow || product <= PRODUCT_MAX_BYTES || model_expect(product, 1) == MUST_FAIL) {
        return size;
    }
    return count <= PRODUCT_MAX_BYTES ? 1 : 0;
}

/* The product, or SIZE_MAX where it overflows: no such block can be had. */
static size_t product_of(size_t count, size_t size) {
    size_t product;
    return __builtin_mul_overflow(count, size, &product) ? SIZE_MAX : product;
}

void api_calloc(size_t slot, size_t count, size_t size) {
    empty_slot(slot);
    size = tamed(count, size);
    errno = MARK;
    void *block = hak_calloc(count, size);
    int error = errno;
    size_t total = product_of(count, size);
    if (block != NULL && model_expect(total, 1) != MUST_FAIL) {
        model_verify_zero(block, total);
    }
    errno = error;
    judge(slot, block, total, 1, FROM_MALLOC, "calloc");
}

/* --- Resizing --------------------------------------------------------------- */

static int tier_of(size_t size) {
    return size <= 32 * 1024 ? 0 : size <= 1024 * 1024 ? 1 : 2;
}

static void tally_resize(const struct model_block *old, const void *block, size_t size) {
    hak_fuzz_tally(size > old->size_bytes ? OUTCOME_grew : OUTCOME_shrank);
    hak_fuzz_tally(block == old->start ? OUTCOME_stayed : OUTCOME_moved);
    if (tier_of(size) != tier_of(old->size_bytes)) {
        hak_fuzz_tally(OUTCOME_crossed_tier);
    }
}

/* What realloc, or reallocarray with this product, made of a block. */
static void judge_resize(size_t slot, void *block, size_t size, const char *call) {
    int error = errno;
    struct model_block old = model_blocks[slot];
    if (old.start == NULL) {
        errno = error;
        judge(slot, block, size, 1, FROM_MALLOC, call);
        return;
    }
    if (size == 0) {
        if (block != NULL) {
            hak_fuzz_fail("%s: to 0 bytes gave %p", call, block);
        }
        model_note_freed(old.start);
        model_blocks[slot].start = NULL;
        hak_fuzz_tally(OUTCOME_resized_to_zero);
        return;
    }
    if (!model_accepts(call, block, model_expect(size, 1), error)) {
        model_verify(slot, "after a resize that failed");
        hak_fuzz_tally(OUTCOME_resize_failed);
        return;
    }
    struct model_block kept = old;
    kept.start = block;
    model_verify_block(&kept, size < old.size_bytes ? size : old.size_bytes, "kept by realloc");
    if (block != old.start) {
        hak_fuzz_arena_wrote(block, size < old.size_bytes ? size : old.size_bytes); /* the copy */
        model_note_freed(old.start);
    }
    tally_resize(&old, block, size);
    model_take(slot, block, size, 1, FROM_MALLOC, call);
}

void api_realloc(size_t slot, size_t size) {
    model_verify(slot, "before realloc");
    errno = MARK;
    judge_resize(slot, hak_realloc(model_blocks[slot].start, size), size, "realloc");
}

void api_reallocarray(size_t slot, size_t count, size_t size) {
    model_verify(slot, "before reallocarray");
    size = tamed(count, size);
    errno = MARK;
    void *block = hak_reallocarray(model_blocks[slot].start, count, size);
    judge_resize(slot, block, product_of(count, size), "reallocarray");
}

/* --- Alignment -------------------------------------------------------------- */

static bool is_power_of_two(size_t value) {
    return value != 0 && (value & (value - 1)) == 0;
}

static size_t next_power_of_two(size_t value) { /* value <= 2^63 */
    size_t power = 1;
    while (power < value) {
        power *= 2;
    }
    return power;
}

void api_aligned_alloc(size_t slot, size_t alignment, size_t size) {
    empty_slot(slot);
    errno = MARK;
    void *block = hak_aligned_alloc(alignment, size);
    if (is_power_of_two(alignment)) {
        judge(slot, block, size, alignment, FROM_ALIGNED_ALLOC, "aligned_alloc");
        return;
    }
    if (block != NULL || errno != EINVAL) {
        hak_fuzz_fail("aligned_alloc: alignment %zu gave %p, errno %d", alignment, block, errno);
    }
    hak_fuzz_tally(OUTCOME_bad_alignment);
}

void api_memalign(size_t slot, size_t alignment, size_t size) {
    empty_slot(slot);
    errno = MARK;
    void *block = hak_memalign(alignment, size);
    if (alignment > SIZE_MAX / 2 + 1) { /* as glibc: no power of two to round it up to */
        if (block != NULL || errno != EINVAL) {
            hak_fuzz_fail("memalign: alignment %zu gave %p, errno %d", alignment, block, errno);
        }
        hak_fuzz_tally(OUTCOME_bad_alignment);
        return;
    }
    judge(slot, block, size, next_power_of_two(alignment), FROM_OTHER, "memalign");
}

void api_posix_memalign(size_t slot, size_t alignment, size_t size) {
    empty_slot(slot);
    char untouched;
    void *block = &untouched;
    errno = MARK;
    int result = hak_posix_memalign(&block, alignment, size);
    if (errno != MARK) {
        hak_fuzz_fail("posix_memalign: set errno to %d", errno);
    }
    if (result != 0 && block != &untouched) {
        hak_fuzz_fail("posix_memalign: returned %d and yet wrote %p", result, block);
    }
    if (!is_power_of_two(alignment) || alignment % sizeof(void *) != 0) {
        if (result != EINVAL) {
            hak_fuzz_fail("posix_memalign: alignment %zu returned %d", alignment, result);
        }
        hak_fuzz_tally(OUTCOME_bad_alignment);
        return;
    }
    errno = result;
    judge(slot, result == 0 ? block : NULL, size, alignment, FROM_OTHER, "posix_memalign");
}

void api_valloc(size_t slot, size_t size) {
    empty_slot(slot);
    errno = MARK;
    judge(slot, hak_valloc(size), size, OS_PAGE_BYTES, FROM_OTHER, "valloc");
}

void api_pvalloc(size_t slot, size_t size) {
    empty_slot(slot);
    size_t rounded = size > SIZE_MAX - OS_PAGE_BYTES
                         ? SIZE_MAX
                         : (size + OS_PAGE_BYTES - 1) / OS_PAGE_BYTES * OS_PAGE_BYTES;
    errno = MARK;
    judge(slot, hak_pvalloc(size), rounded, OS_PAGE_BYTES, FROM_OTHER, "pvalloc");
}

/* --- Freeing ---------------------------------------------------------------- */

static void forget(size_t slot, const char *call) {
    struct model_block *block = &model_blocks[slot];
    if (errno != MARK) {
        hak_fuzz_fail("%s: set errno to %d", call, errno);
    }
    if (block->start == NULL) {
        hak_fuzz_tally(OUTCOME_freed_null);
        return;
    }
    model_note_freed(block->start);
    block->start = NULL;
    hak_fuzz_tally(OUTCOME_freed);
    if (block->thread != model_thread()) {
        hak_fuzz_tally(OUTCOME_freed_by_other);
        /* Threads nest: a smaller number than ours is still alive. */
        if (block->thread > model_thread()) {
            hak_fuzz_tally(OUTCOME_freed_after_exit);
        }
    }
}

void api_free(size_t slot) {
    model_verify(slot, "before free");
    errno = MARK;
    hak_free(model_blocks[slot].start);
    forget(slot, "free");
}

void api_free_sized(size_t slot) {
    const struct model_block *block = &model_blocks[slot];
    model_verify(slot, "before free_sized");
    errno = MARK;
    if (block->start != NULL && block->origin == FROM_ALIGNED_ALLOC) {
        hak_free_aligned_sized(block->start, block->alignment_bytes, block->size_bytes);
        hak_fuzz_tally(OUTCOME_freed_aligned_sized);
    } else if (block->start == NULL || block->origin == FROM_MALLOC) {
        hak_free_sized(block->start, block->start == NULL ? 0 : block->size_bytes);
        hak_fuzz_tally(OUTCOME_freed_sized);
    } else {
        hak_free(block->start);
    }
    forget(slot, "free_sized");
}

void api_rewrite(size_t slot) {
    struct model_block *block = &model_blocks[slot];
    if (block->start == NULL) {
        return;
    }
    model_verify(slot, "before it is written anew");
    size_t usable_bytes = hak_malloc_usable_size(block->start);
    if (usable_bytes != block->usable_bytes) {
        hak_fuzz_fail("usable size: was %zu, is %zu", block->usable_bytes, usable_bytes);
    }
    model_fill(block);
    hak_fuzz_tally(OUTCOME_rewritten);
}
