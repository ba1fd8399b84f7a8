/* SPDX-License-Identifier: MIT */
/**
 * @file block.c
 * The malloc family, every call with its promises verified.
 */
#include "block.h"
#include "pattern.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "allocator.h"

/* What malloc aligns to: 16 bytes, 8 for blocks too small to hold 16. */
static size_t natural_alignment_bytes(size_t size_bytes) {
    return size_bytes >= 16 ? 16 : 8;
}

static unsigned maker_of(uint64_t id) {
    return (unsigned)(id >> 40);
}

static _Noreturn void fail_at(const struct stress_run *run, const struct stress_block *block,
                              size_t offset, const char *when) {
    stress_fail(run,
                "block %p (%zu bytes, made by thread %u) differs at byte %zu %s: expected 0x%02x, "
                "found 0x%02x",
                (void *)block->memory, block->size_bytes, maker_of(block->id), offset, when,
                stress_pattern_byte(offset, block->id), block->memory[offset]);
}

/** Takes in memory the allocator just gave: checks it, then writes to all of it. */
static void accept_block(struct stress_worker *worker, struct stress_block *block, void *memory,
                         size_t size_bytes, size_t alignment_bytes) {
    const struct stress_run *run = worker->run;
    if ((uintptr_t)memory % alignment_bytes != 0) {
        stress_fail(run, "block %p of %zu bytes is not aligned to %zu bytes", memory, size_bytes,
                    alignment_bytes);
    }
    size_t usable_bytes = malloc_usable_size(memory);
    if (usable_bytes < size_bytes) {
        stress_fail(run, "malloc_usable_size(%p) is %zu, but %zu bytes were asked for", memory,
                    usable_bytes, size_bytes);
    }
    worker->block_count++;
    block->memory = memory;
    block->size_bytes = size_bytes;
    block->id = ((uint64_t)worker->index << 40) | worker->block_count;
    stress_pattern_fill(memory, size_bytes, block->id);
}

static void fail_if_null(const struct stress_worker *worker, const void *memory,
                         const char *function, size_t size_bytes) {
    if (memory == NULL) {
        stress_fail(worker->run, "%s of %zu bytes gave NULL: %s", function, size_bytes,
                    strerror(errno));
    }
}

void stress_block_malloc(struct stress_worker *worker, struct stress_block *block,
                         size_t size_bytes) {
    void *memory = malloc(size_bytes);
    fail_if_null(worker, memory, "malloc", size_bytes);
    accept_block(worker, block, memory, size_bytes, natural_alignment_bytes(size_bytes));
}

bool stress_block_try_malloc(struct stress_worker *worker, struct stress_block *block,
                             size_t size_bytes) {
    errno = 0;
    void *memory = malloc(size_bytes);
    if (memory != NULL) {
        accept_block(worker, block, memory, size_bytes, natural_alignment_bytes(size_bytes));
        return true;
    }
    if (errno != ENOMEM) {
        stress_fail(worker->run, "malloc of %zu bytes gave NULL with errno %d, not ENOMEM",
                    size_bytes, errno);
    }
    return false;
}

void stress_block_calloc(struct stress_worker *worker, struct stress_block *block,
                         size_t size_bytes) {
    size_t element_bytes = size_bytes % 4 == 0 ? 4 : 1;
    unsigned char *memory = calloc(size_bytes / element_bytes, element_bytes);
    fail_if_null(worker, memory, "calloc", size_bytes);
    size_t offset = stress_zero_find_difference(memory, size_bytes);
    if (offset != STRESS_SAME) {
        stress_fail(worker->run, "calloc of %zu bytes gave %p with 0x%02x at byte %zu, not zero",
                    size_bytes, (void *)memory, memory[offset], offset);
    }
    accept_block(worker, block, memory, size_bytes, natural_alignment_bytes(size_bytes));
}

void stress_block_aligned(struct stress_worker *worker, struct stress_block *block,
                          size_t alignment_bytes, size_t size_bytes) {
    void *memory = NULL;
    switch (stress_random_below(&worker->random, 3)) {
    case 0:
        memory = memalign(alignment_bytes, size_bytes);
        break;
    case 1:
        memory = aligned_alloc(alignment_bytes, size_bytes);
        break;
    default:
        if (alignment_bytes < sizeof(void *)) {
            alignment_bytes = sizeof(void *); /* the least that POSIX allows */
        }
        errno = posix_memalign(&memory, alignment_bytes, size_bytes);
        break;
    }
    fail_if_null(worker, memory, "an aligned allocation", size_bytes);
    accept_block(worker, block, memory, size_bytes, alignment_bytes);
}

void stress_block_create(struct stress_worker *worker, struct stress_block *block,
                         size_t size_bytes) {
    uint64_t dice = stress_random_below(&worker->random, 16);
    if (dice == 0) {
        size_t alignment_bytes = (size_t)1 << stress_random_between(&worker->random, 3, 12);
        stress_block_aligned(worker, block, alignment_bytes, size_bytes);
    } else if (dice <= 3) {
        stress_block_calloc(worker, block, size_bytes);
    } else {
        stress_block_malloc(worker, block, size_bytes);
    }
}

void stress_block_verify(const struct stress_run *run, const struct stress_block *block) {
    size_t offset = stress_pattern_find_difference(block->memory, block->size_bytes, block->id);
    if (offset != STRESS_SAME) {
        fail_at(run, block, offset, "when it was verified");
    }
}

void stress_block_realloc(struct stress_worker *worker, struct stress_block *block,
                          size_t size_bytes) {
    struct stress_block old = *block;
    stress_block_verify(worker->run, &old);
    block->memory = NULL;
    void *memory = realloc(old.memory, size_bytes);
    fail_if_null(worker, memory, "realloc", size_bytes);
    size_t kept_bytes = old.size_bytes < size_bytes ? old.size_bytes : size_bytes;
    size_t offset = stress_pattern_find_difference(memory, kept_bytes, old.id);
    if (offset != STRESS_SAME) {
        struct stress_block kept = {memory, kept_bytes, old.id};
        fail_at(worker->run, &kept, offset, "after realloc");
    }
    accept_block(worker, block, memory, size_bytes, natural_alignment_bytes(size_bytes));
}

void stress_block_free(const struct stress_run *run, struct stress_block *block) {
    if (block->memory == NULL) {
        return;
    }
    stress_block_verify(run, block);
    void *memory = block->memory;
    block->memory = NULL;
    free(memory);
}

void stress_blocks_free(const struct stress_run *run, struct stress_block *blocks, size_t count) {
    for (size_t i = 0; i < count; i++) {
        stress_block_free(run, &blocks[i]);
    }
}

void stress_blocks_shuffle(struct stress_random *random, struct stress_block *blocks,
                           size_t count) {
    for (size_t i = count; i > 1; i--) {
        size_t other = (size_t)stress_random_below(random, i);
        struct stress_block kept = blocks[i - 1];
        blocks[i - 1] = blocks[other];
        blocks[other] = kept;
    }
}
