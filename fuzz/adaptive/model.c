/* SPDX-License-Identifier: MIT */
/* The blocks of fuzz_adaptive; see model.h. */
#include "model.h"

#include <string.h>

#include "harness/arena.h"
#include "harness/run.h"
#include "harness/target.h"

enum { LIVE_MAX = 1 << 18, GRANULE_BYTES = 65536, NUMBERED_BYTES = 1024, PAGE_BYTES = 4096 };

struct model_class model_classes[REFERENCE_CLASS_COUNT];

uint64_t model_event_count;
static void *live[LIVE_MAX]; /* by the number a block carries; used anew each input */
static uint32_t number_next;

void model_reset(void) {
    for (size_t c = 0; c < REFERENCE_CLASS_COUNT; c++) {
        model_classes[c].cached_count = model_classes[c].held_count = 0;
        model_classes[c].is_open = false;
    }
    memset(live, 0, (number_next + 1) * sizeof live[0]);
    number_next = 0;
}

/* Blocks that carry numbers: in a whole input (harness/run.h) all, in others those at the
 * begin of a granule, because each page touched costs as much as an operation. */
static bool is_numbered(const void *block) {
    return (uintptr_t)block % GRANULE_BYTES < NUMBERED_BYTES || hak_fuzz_is_whole();
}

static bool is_live(void *block) {
    uint64_t number;
    memcpy(&number, block, sizeof number);
    return number < LIVE_MAX && live[number] == block;
}

/* Numbers written to one page, not yet declared. */
struct span {
    char *low, *high; /* both NULL: none */
};

static void declare_span(const struct span *span) {
    if (span->low != NULL) {
        hak_fuzz_arena_wrote(span->low, (size_t)(span->high - span->low));
    }
}

/* Blocks come mostly neighbour after neighbour, so many are declared at once. */
static void note_number(struct span *span, char *block) {
    if (span->low == NULL || (uintptr_t)block / PAGE_BYTES != (uintptr_t)span->low / PAGE_BYTES) {
        declare_span(span);
        *span = (struct span){.low = block, .high = block + sizeof(uint64_t)};
    }
    span->low = block < span->low ? block : span->low;
    char *end = block + sizeof(uint64_t);
    span->high = end > span->high ? end : span->high;
}

static void give_number(struct span *span, void *block, size_t class_index) {
    if (is_live(block)) {
        hak_fuzz_fail("refill: %p of class %zu is somebody's already", block, class_index);
    }
    if (number_next + 1 == LIVE_MAX) {
        return; /* more than any program of 64 operations brings up */
    }
    uint64_t number = ++number_next; /* 0 is what purged memory reads as */
    live[number] = block;
    memcpy(block, &number, sizeof number);
    note_number(span, block);
}

void model_take_in(size_t class_index, void *const *blocks, uint32_t count) {
    struct model_class *model = &model_classes[class_index];
    struct span span = {NULL, NULL};
    for (uint32_t i = 0; i < count; i++) {
        if ((uintptr_t)blocks[i] % (class_index == 0 ? 8 : 16) != 0) {
            hak_fuzz_fail("refill: %p of class %zu is not aligned", blocks[i], class_index);
        }
        if (is_numbered(blocks[i])) {
            give_number(&span, blocks[i], class_index);
        }
        model->cached[model->cached_count++] = blocks[i];
    }
    declare_span(&span);
}

static uint64_t number_of(void *block) {
    uint64_t number;
    memcpy(&number, block, sizeof number);
    return number;
}

void model_demand_numbers(void *const *blocks, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        if (!is_numbered(blocks[i])) {
            continue;
        }
        uint64_t number = number_of(blocks[i]);
        if (number >= LIVE_MAX || live[number] != blocks[i]) {
            hak_fuzz_fail("contents: %p lost its number: it is 0x%llx now", blocks[i],
                          (unsigned long long)number);
        }
    }
}

/* Its memory may have been purged since: it is nobody's any more. */
static void leave(void *block) {
    uint64_t number = is_numbered(block) ? number_of(block) : 0;
    if (number < LIVE_MAX && live[number] == block) {
        live[number] = NULL;
    }
}

void model_drop_oldest(struct model_class *class, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        leave(class->cached[i]);
    }
    class->cached_count -= count;
    if (count > 0 && class->cached_count > 0) { /* each call of memmove() is ASan's */
        memmove(class->cached, class->cached + count,
                class->cached_count * sizeof class->cached[0]);
    }
}

static void compare_number(const char *what, size_t class_index, uint64_t found,
                           uint64_t expected) {
    if (found != expected) {
        hak_fuzz_fail("%s of class %zu is %llu, not %llu", what, class_index,
                      (unsigned long long)found, (unsigned long long)expected);
    }
}

/* Not memcmp(): ASan stands before it. Without an early exit, for vectors. */
static bool are_same(void *const *found, void *const *expected, uint32_t count) {
    uintptr_t differences = 0;
    for (uint32_t i = 0; i < count; i++) {
        differences |= (uintptr_t)found[i] ^ (uintptr_t)expected[i];
    }
    return differences == 0;
}

static void name_difference(const struct hak_adaptive *sizing, const struct reference *reference,
                            size_t class_index) {
    compare_number("capacity", class_index, sizing->capacity, reference->capacity);
    compare_number("capacity_max", class_index, sizing->capacity_max, reference->capacity_max);
    compare_number("high_water_mark", class_index, sizing->high_water_mark, reference->mark);
    compare_number("refill_count", class_index, sizing->refill_count, reference->event_count);
    compare_number("grow_count", class_index, sizing->grow_count, reference->grow_count);
    compare_number("shrink_count", class_index, sizing->shrink_count, reference->shrink_count);
}

static void compare_sizing(const struct hak_adaptive *sizing, const struct reference *reference,
                           size_t class_index) {
    uint32_t differences = (sizing->capacity ^ reference->capacity) |
                           (sizing->capacity_max ^ reference->capacity_max) |
                           (sizing->high_water_mark ^ reference->mark) |
                           (sizing->refill_count ^ reference->event_count) |
                           (sizing->grow_count ^ reference->grow_count) |
                           (sizing->shrink_count ^ reference->shrink_count);
    if (differences != 0) {
        name_difference(sizing, reference, class_index);
    }
}

/* A class without slots is empty by its fields alone; that the allocator's functions say so
 * too is asked in whole inputs (harness/run.h). */
static bool is_plainly_closed(const struct hak_tcache *tcache, size_t class_index) {
    return !hak_fuzz_is_whole() && !model_classes[class_index].is_open &&
           model_classes[class_index].cached_count == 0 &&
           tcache->classes[class_index].slots == NULL;
}

void model_compare(const struct hak_tcache *tcache, size_t class_index) {
    const struct model_class *model = &model_classes[class_index];
    const struct hak_tcache_class *class = &tcache->classes[class_index];
    uint32_t index = (uint32_t)class_index;
    compare_sizing(&class->sizing, &model->reference, class_index);
    if (is_plainly_closed(tcache, class_index)) {
        return;
    }
    compare_number("hak_tcache_capacity", class_index, hak_tcache_capacity(tcache, index),
                   model->is_open ? model->reference.capacity : 0);
    compare_number("count", class_index, hak_tcache_count(tcache, index), model->cached_count);
    if (!are_same(class->slots + 1, model->cached, model->cached_count)) {
        hak_fuzz_fail("slots of class %zu hold other blocks than %u refills and pushes put there",
                      class_index, model->cached_count);
    }
}

size_t model_live_bytes(void) {
    size_t bytes = 0;
    for (size_t c = 0; c < REFERENCE_CLASS_COUNT; c++) {
        bytes +=
            (model_classes[c].cached_count + model_classes[c].held_count) * reference_stride(c);
    }
    return bytes;
}
