/* SPDX-License-Identifier: MIT */
/* The shadow of every live block; see model.h. */
#include "model.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "hakmem.h"
#include "harness/arena.h"
#include "harness/pattern.h"
#include "harness/target.h"

enum {
    ALWAYS_WHOLE_BYTES = 64 * 1024,
    WHOLE_BUDGET_BYTES = 256 * 1024, /* of larger blocks, per input, while fuzzing */
    SAMPLE_COUNT = 16,
    SAMPLE_BYTES = 64,
    END_BYTES = 4096,
    FREED_COUNT = 64,
    LARGEST_CLASS_BYTES = 32 * 1024,
    LARGEST_RUN_BYTES = 1024 * 1024,
    CANARY_BYTES = 128,
    FILLED_BYTES = 64 * 1024,
};
static const size_t CERTAIN_BYTES = (size_t)256 << 20;     /* always to be had */
static const size_t ADDRESS_SPACE_BYTES = (size_t)1 << 47; /* never to be had */

struct model_block model_blocks[API_SLOT_COUNT];

static bool fault_is_armed;
static size_t whole_budget_bytes;
static uint64_t next_seed;
static unsigned thread_count;
static _Thread_local unsigned thread_number;
static const void *freed[FREED_COUNT];
static size_t freed_next;

void model_reset(void) {
    memset(model_blocks, 0, sizeof model_blocks);
    memset(freed, 0, sizeof freed);
    fault_is_armed = false;
    whole_budget_bytes = hak_fuzz_is_fuzzing() ? WHOLE_BUDGET_BYTES : SIZE_MAX;
    next_seed = 1;
    thread_count = 0;
    thread_number = 0;
}

void model_set_fault(bool is_armed) {
    fault_is_armed = is_armed;
}

unsigned model_thread(void) {
    return thread_number;
}

void model_enter_thread(void) {
    thread_number = ++thread_count;
}

enum model_expectation model_expect(size_t size_bytes, size_t alignment_bytes) {
    if (size_bytes >= ADDRESS_SPACE_BYTES || alignment_bytes >= ADDRESS_SPACE_BYTES) {
        return MUST_FAIL;
    }
    bool is_certain = size_bytes <= CERTAIN_BYTES && alignment_bytes <= CERTAIN_BYTES;
    return is_certain && !fault_is_armed ? MUST_SUCCEED : MAY_FAIL;
}

bool model_accepts(const char *call, const void *block, enum model_expectation expected,
                   int error) {
    if (block != NULL) {
        if (expected == MUST_FAIL) {
            hak_fuzz_fail("%s: gave %p for a request that cannot be met", call, block);
        }
        return true;
    }
    if (expected == MUST_SUCCEED) {
        hak_fuzz_fail("%s: gave NULL, errno %d, for a request that can be met", call, error);
    }
    if (error != ENOMEM) {
        hak_fuzz_fail("%s: failed with errno %d, not ENOMEM", call, error);
    }
    hak_fuzz_tally(expected == MUST_FAIL ? OUTCOME_refused : OUTCOME_fault_survived);
    return false;
}

/* --- Contents --------------------------------------------------------------- */

struct range {
    size_t offset, size_bytes;
};

/* Part `i` of the bytes that a block's pattern covers: all of it, or both ends
 * and samples between. An empty range ends the list. */
static struct range covered(const struct model_block *block, size_t i) {
    size_t bytes = block->usable_bytes;
    if (block->is_whole) {
        return (struct range){0, i == 0 ? bytes : 0};
    }
    if (i == 0) {
        return (struct range){0, END_BYTES};
    }
    if (i <= SAMPLE_COUNT) {
        return (struct range){END_BYTES + (bytes - 2 * END_BYTES) / (SAMPLE_COUNT + 1) * i,
                              SAMPLE_BYTES};
    }
    return (struct range){bytes - END_BYTES, i == SAMPLE_COUNT + 1 ? END_BYTES : 0};
}

/* Whether every byte of a block of this size is to be looked at. */
static bool is_whole_affordable(size_t size_bytes) {
    if (size_bytes <= ALWAYS_WHOLE_BYTES) {
        return true;
    }
    if (size_bytes > whole_budget_bytes || size_bytes > CERTAIN_BYTES / 16) {
        hak_fuzz_tally(OUTCOME_sampled);
        return false;
    }
    whole_budget_bytes -= hak_fuzz_is_fuzzing() ? size_bytes : 0;
    return true;
}

/* What the allocator itself writes: checked builds put a canary behind what was asked
 * for and fill a freed block from its start. A class is at most a quarter, or 16 bytes, larger
 * than what is asked of it; runs and mappings are filled so far. */
void model_note_written(const void *block, size_t size_bytes, size_t alignment_bytes) {
    size_t asked = (size_bytes + CANARY_BYTES + alignment_bytes - 1) & ~(alignment_bytes - 1);
    size_t filled = asked <= LARGEST_CLASS_BYTES ? asked + asked / 4 + 16 : FILLED_BYTES;
    hak_fuzz_arena_wrote(block, filled);
    hak_fuzz_arena_wrote((const char *)block + size_bytes, CANARY_BYTES);
}

void model_fill(struct model_block *block) {
    block->seed = next_seed++ << 32;
    struct range range;
    for (size_t i = 0; (range = covered(block, i)).size_bytes > 0; i++) {
        hak_pattern_fill(block->start, range.offset, range.size_bytes, block->seed);
        hak_fuzz_arena_wrote(block->start + range.offset, range.size_bytes);
    }
}

void model_verify_block(const struct model_block *block, size_t size_bytes, const char *when) {
    struct range range;
    for (size_t i = 0; (range = covered(block, i)).size_bytes > 0; i++) {
        if (range.offset >= size_bytes) {
            continue;
        }
        size_t end = range.offset + range.size_bytes;
        end = end < size_bytes ? end : size_bytes;
        size_t at =
            hak_pattern_mismatch(block->start, range.offset, end - range.offset, block->seed);
        if (at != SIZE_MAX) {
            hak_fuzz_fail("contents: byte %zu of a block of %zu bytes at %p is 0x%02x, not 0x%02x "
                          "(%s)",
                          at, block->size_bytes, (const void *)block->start, block->start[at],
                          hak_pattern_byte(at, block->seed), when);
        }
    }
}

void model_verify(size_t slot, const char *when) {
    const struct model_block *block = &model_blocks[slot];
    if (block->start != NULL) {
        model_verify_block(block, block->usable_bytes, when);
    }
}

void model_verify_slots(const char *when) {
    for (size_t slot = 0; slot < API_SLOT_COUNT; slot++) {
        model_verify(slot, when);
    }
}

void model_verify_zero(const void *block, size_t size_bytes) {
    struct model_block zeroed = {.start = (unsigned char *)(uintptr_t)block,
                                 .usable_bytes = size_bytes,
                                 .is_whole = is_whole_affordable(size_bytes)};
    struct range range;
    for (size_t i = 0; (range = covered(&zeroed, i)).size_bytes > 0; i++) {
        size_t at = hak_pattern_nonzero(zeroed.start + range.offset, range.size_bytes);
        if (at != SIZE_MAX) {
            hak_fuzz_fail("zeroing: byte %zu of %zu from calloc is 0x%02x, not 0",
                          range.offset + at, size_bytes, zeroed.start[range.offset + at]);
        }
    }
    hak_fuzz_tally(OUTCOME_zeroed);
    if (model_was_freed(block)) {
        hak_fuzz_tally(OUTCOME_zeroed_reused);
    }
}

/* --- Places ----------------------------------------------------------------- */

static bool is_apart(const unsigned char *a, size_t a_bytes, const unsigned char *b,
                     size_t b_bytes) {
    /* A block of no bytes still has an address of its own. */
    uintptr_t a_end = (uintptr_t)a + (a_bytes > 0 ? a_bytes : 1);
    uintptr_t b_end = (uintptr_t)b + (b_bytes > 0 ? b_bytes : 1);
    return a_end <= (uintptr_t)b || b_end <= (uintptr_t)a;
}

static void require_apart(const struct model_block *fresh, const char *call) {
    for (size_t slot = 0; slot < API_SLOT_COUNT; slot++) {
        const struct model_block *held = &model_blocks[slot];
        if (held->start == NULL || held == fresh) {
            continue;
        }
        if (!is_apart(fresh->start, fresh->size_bytes, held->start, held->size_bytes)) {
            hak_fuzz_fail("overlap: %s gave %zu bytes at %p; slot %zu has %zu bytes at %p", call,
                          fresh->size_bytes, (void *)fresh->start, slot, held->size_bytes,
                          (void *)held->start);
        }
        if (!is_apart(fresh->start, fresh->usable_bytes, held->start, held->usable_bytes)) {
            hak_fuzz_fail("usable size: %zu of a block of %zu at %p (%s) and %zu of a block of %zu "
                          "at %p (slot %zu) overlap",
                          fresh->usable_bytes, fresh->size_bytes, (void *)fresh->start, call,
                          held->usable_bytes, held->size_bytes, (void *)held->start, slot);
        }
    }
}

static void tally_block(const struct model_block *block) {
    size_t size_bytes = block->size_bytes;
    hak_fuzz_tally(OUTCOME_allocated);
    if (size_bytes == 0) {
        hak_fuzz_tally(OUTCOME_zero_size);
    }
    if (size_bytes > LARGEST_CLASS_BYTES) {
        hak_fuzz_tally(size_bytes > LARGEST_RUN_BYTES ? OUTCOME_mapping : OUTCOME_run);
    }
    if (block->alignment_bytes > 16) {
        hak_fuzz_tally(OUTCOME_aligned);
    }
    if (model_was_freed(block->start)) {
        hak_fuzz_tally(OUTCOME_reused);
    }
}

void model_take(size_t slot, void *start, size_t size_bytes, size_t alignment_bytes,
                enum model_origin origin, const char *call) {
    struct model_block *block = &model_blocks[slot];
    size_t least_bytes = size_bytes <= 8 ? 8 : 16;
    size_t demanded_bytes = alignment_bytes > least_bytes ? alignment_bytes : least_bytes;
    if ((uintptr_t)start % demanded_bytes != 0) {
        hak_fuzz_fail("alignment: %s gave %p for %zu bytes, not a multiple of %zu", call, start,
                      size_bytes, demanded_bytes);
    }
    *block = (struct model_block){.start = start,
                                  .size_bytes = size_bytes,
                                  .usable_bytes = hak_malloc_usable_size(start),
                                  .alignment_bytes = alignment_bytes,
                                  .thread = thread_number,
                                  .origin = origin};
    if (block->usable_bytes < size_bytes) {
        hak_fuzz_fail("usable size: %zu of a block of %zu (%s)", block->usable_bytes, size_bytes,
                      call);
    }
    if (!model_has_guard(start, size_bytes)) {
        hak_fuzz_fail("guard: none behind %zu bytes (%s)", size_bytes, call);
    }
    require_apart(block, call);
    block->is_whole = is_whole_affordable(block->usable_bytes);
    model_note_written(start, block->usable_bytes, alignment_bytes);
    model_fill(block);
    tally_block(block);
}

size_t model_live_bytes(void) {
    size_t sum = 0;
    for (size_t slot = 0; slot < API_SLOT_COUNT; slot++) {
        sum += model_blocks[slot].start != NULL ? model_blocks[slot].size_bytes : 0;
    }
    return sum;
}

void model_note_freed(const void *block) {
    freed[freed_next++ % FREED_COUNT] = block;
}

bool model_was_freed(const void *block) {
    for (size_t i = 0; i < FREED_COUNT; i++) {
        if (freed[i] == block) {
            return true;
        }
    }
    return false;
}
