/* SPDX-License-Identifier: MIT */
/* The pool as a whole, one thread: random operations against an interval map. */
#include "l25/l25.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>

#include "base/check.h"
#include "region/purge_policy.h"
#include "region/region_map.h"
#include "support/child.h"
#include "support/expect.h"
#include "support/os_fault.h"
#include "support/random.h"

enum { RUNS_MAX = 300 };

/* Live runs as intervals; each is marked at both ends of its size. */
struct run {
    char *start;
    size_t asked, size;
};

static struct run runs[RUNS_MAX];
static uint32_t run_count;
static size_t live_bytes;

static void start(void) {
    cr_assert(hak_region_init(true));
    hak_l25_init();
}

static void expect_no_overlap(const struct run *run) {
    for (uint32_t i = 0; i < run_count; i++) {
        const struct run *other = &runs[i];
        expect(other == run || run->start + run->size <= other->start ||
                   other->start + other->size <= run->start,
               "%p + %zu overlaps %p + %zu", (void *)run->start, run->size, (void *)other->start,
               other->size);
    }
}

static void mark(const struct run *run) {
    memset(run->start, (int)((uintptr_t)run->start >> 16 & 0x3F) + 1, 64);
    memset(run->start + run->asked - 1, 0x55, 1);
}

static void expect_mark(const struct run *run) {
    int first = (int)((uintptr_t)run->start >> 16 & 0x3F) + 1;
    expect(run->start[0] == first && run->start[63] == first, "%p was written to",
           (void *)run->start);
    expect(run->start[run->asked - 1] == 0x55, "%p: its end was written to", (void *)run->start);
}

static void expect_size(const struct run *run) {
    expect(run->size >= run->asked && run->size - run->asked < HAK_GRANULE_SIZE_BYTES &&
               run->size % HAK_GRANULE_SIZE_BYTES == 0,
           "%zu for %zu", run->size, run->asked);
}

static void alloc(struct test_random *random) {
    if (run_count == RUNS_MAX) {
        return;
    }
    struct run *run = &runs[run_count];
    size_t alignment = (size_t)8 << test_random_below(random, 18);
    bool is_zero = false;
    run->asked = 65 + test_random_below(random, (uint32_t)HAK_RUN_SIZE_MAX_BYTES - 64);
    run->start = hak_l25_alloc(run->asked, alignment, (uint32_t)test_random_next(random), &is_zero);
    expect(run->start != NULL, "%zu", run->asked);
    expect((uintptr_t)run->start % alignment == 0 &&
               (uintptr_t)run->start % HAK_GRANULE_SIZE_BYTES == 0,
           "%p for alignment %zu", (void *)run->start, alignment);
    expect(hak_region_kind(run->start) == HAK_KIND_RUN, "%p", (void *)run->start);
    run->size = hak_l25_size_bytes(run->start);
    expect_size(run);
    expect_no_overlap(run);
    for (size_t at = 0; is_zero && at < run->size; at += 512) {
        expect(run->start[at] == 0, "%p is not zero at %zu", (void *)run->start, at);
    }
    mark(run);
    live_bytes += run->size;
    run_count++;
}

static void free_at(uint32_t at) {
    expect_mark(&runs[at]);
    live_bytes -= runs[at].size;
    hak_l25_free(runs[at].start);
    expect(hak_region_kind(runs[at].start) == HAK_KIND_NONE, "%p", (void *)runs[at].start);
    runs[at] = runs[--run_count];
}

static void resize_at(uint32_t at, struct test_random *random) {
    struct run *run = &runs[at];
    size_t asked = 65 + test_random_below(random, (uint32_t)HAK_RUN_SIZE_MAX_BYTES - 64);
    expect_mark(run);
    size_t before = run->size;
    if (hak_l25_resize(run->start, asked)) {
        run->asked = asked;
        live_bytes += hak_l25_size_bytes(run->start) - before;
        run->size = hak_l25_size_bytes(run->start);
        expect_size(run);
        expect_no_overlap(run);
        mark(run);
    } else {
        expect(asked > before, "cannot shrink %zu to %zu", before, asked);
        expect(hak_l25_size_bytes(run->start) == before, "%zu changed", before);
        expect_mark(run);
    }
}

static void expect_counts(void) {
    struct hak_l25_counts counts;
    hak_l25_count(&counts);
    expect(counts.run_count == run_count, "%u runs, not %u", counts.run_count, run_count);
    expect(counts.live_bytes == live_bytes, "%zu live, not %zu", counts.live_bytes, live_bytes);
    expect(counts.shard_count == 1, "%u shards without contention", counts.shard_count);
    if (HAK_CHECK_LEVEL >= 1) {
        hak_l25_verify();
    }
}

static void step(struct test_random *random, uint64_t *now_ns) {
    uint32_t what = test_random_below(random, 100);
    if (what < 40 || run_count == 0) {
        alloc(random);
    } else if (what < 78) {
        free_at(test_random_below(random, run_count));
    } else if (what < 97) {
        resize_at(test_random_below(random, run_count), random);
    } else if (what < 99) {
        *now_ns += HAK_PURGE_DELAY_NS / 2;
        hak_l25_tick(*now_ns);
    } else {
        hak_l25_trim();
    }
}

Test(l25, random_operations, .init = start, .timeout = 300) {
    struct test_random random;
    uint64_t now_ns = HAK_PURGE_DELAY_NS;
    test_random_init(&random, 12);
    for (int i = 0; i < 15000; i++) {
        step(&random, &now_ns);
        if (i % 64 == 0) {
            expect_counts();
        }
    }
    while (run_count > 0) {
        free_at(run_count - 1);
    }
    expect_counts();
    hak_l25_trim();
    struct hak_l25_counts counts;
    hak_l25_count(&counts);
    cr_assert_eq(counts.chunk_count, 0);
    cr_assert_eq(hak_l25_trim(), 0);
}

Test(l25, every_size_in_granules_and_its_edges, .init = start) {
    for (size_t n = 1; n <= 16; n++) {
        for (int edge = -1; edge <= 1; edge++) {
            size_t asked = n * HAK_GRANULE_SIZE_BYTES + (size_t)edge;
            if (asked > HAK_RUN_SIZE_MAX_BYTES) {
                continue;
            }
            bool is_zero;
            char *run = hak_l25_alloc(asked, 8, 0, &is_zero);
            cr_assert_eq(hak_l25_size_bytes(run), (n + (edge > 0)) * HAK_GRANULE_SIZE_BYTES);
            hak_l25_free(run);
        }
    }
}

/* A chunk that a tick purged and that nobody needs is given to the OS in time. */
Test(l25, ticks_give_empty_chunks_back, .init = start) {
    bool is_zero;
    void *blocks[40];
    for (int i = 0; i < 40; i++) {
        blocks[i] = hak_l25_alloc(HAK_RUN_SIZE_MAX_BYTES, 8, 0, &is_zero);
        cr_assert_not_null(blocks[i]);
    }
    int64_t held = test_os_held_bytes();
    for (int i = 0; i < 40; i++) {
        hak_l25_free(blocks[i]);
    }
    for (uint64_t tick = 1; tick <= 40; tick++) {
        hak_l25_tick(tick * HAK_PURGE_DELAY_NS);
    }
    struct hak_l25_counts counts;
    hak_l25_count(&counts);
    cr_assert_eq(counts.chunk_count, 1);
    cr_assert_eq(held - test_os_held_bytes(), 19 * (int64_t)HAK_SUPERSLAB_SIZE_BYTES);
}

Test(l25, without_memory_null_then_works_on, .init = start) {
    bool is_zero;
    void *first = hak_l25_alloc(HAK_RUN_SIZE_MAX_BYTES, 8, 0, &is_zero);
    test_os_fail_at(TEST_OS_ALL, 1, 1);
    void *second =
        hak_l25_alloc(HAK_RUN_SIZE_MAX_BYTES, 8, 0, &is_zero); /* the chunk's other half */
    cr_assert_not_null(second);
    cr_assert_null(hak_l25_alloc(1, 8, 0, &is_zero));
    hak_l25_free(first);
    cr_assert_eq(hak_l25_alloc(HAK_RUN_SIZE_MAX_BYTES, 8, 0, &is_zero), first);
    test_os_recover();
    cr_assert_not_null(hak_l25_alloc(1, 8, 0, &is_zero));
}

Test(l25, records_are_found_only_at_the_start, .init = start) {
    bool is_zero;
    char *run = hak_l25_alloc(200000, 8, 0, &is_zero);
    cr_assert_not_null(hak_l25_record(run));
    cr_assert_null(hak_l25_record(run + 16));
    cr_assert_eq(hak_l25_size_bytes(run + 16), 0);
}

/* --- Misuse ---------------------------------------------------------------- */

static struct test_child child;

static void free_inside(void *unused) {
    bool is_zero;
    (void)unused;
    start();
    hak_l25_free((char *)hak_l25_alloc(100000, 8, 0, &is_zero) + 16);
}

static void free_twice(void *unused) {
    bool is_zero;
    (void)unused;
    start();
    void *keeper = hak_l25_alloc(100000, 8, 0, &is_zero);
    void *run = hak_l25_alloc(100000, 8, 0, &is_zero);
    hak_l25_free(run);
    hak_l25_free(run);
    hak_l25_free(keeper);
}

static void expect_message(void (*body)(void *), const char *message) {
    test_child_run(&child, body, NULL);
    cr_assert_eq(child.signal, SIGABRT);
    cr_assert_not_null(strstr(child.text, message), "it said: %s", child.text);
}

Test(l25, freeing_inside_a_run_is_reported) {
    expect_message(free_inside, "pointer is not the start of a block");
}

Test(l25, freeing_twice_is_reported) {
    expect_message(free_twice, "double free: the block is free already");
}
