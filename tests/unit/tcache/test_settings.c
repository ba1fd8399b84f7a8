/* SPDX-License-Identifier: MIT */
/* Adaptive sizing through the public functions: the variables that govern it,
 * and threads whose caches follow what they do. Each test runs in a child, with
 * an environment, a clock and heaps of its own. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/config.h"
#include "base/start_stderr.h"
#include "base/size_class.h"
#include "check/guard.h"
#include "hakmem.h"
#include "misuse/outcome.h"
#include "os/os_thread.h"
#include "support/threads.h"
#include "tcache/adaptive.h"

/* While not 0, what the allocator takes for the time. */
static _Atomic uint64_t fake_now_ns;

uint64_t __real_hak_os_clock_coarse_ns(void);
uint64_t __wrap_hak_os_clock_coarse_ns(void);
uint64_t __wrap_hak_os_clock_coarse_ns(void) {
    return fake_now_ns != 0 ? fake_now_ns : __real_hak_os_clock_coarse_ns();
}

enum { SECOND = 1000000000, CLASS_64 = 4, BLOCK_COUNT = 20000 };

/* What to ask for to get a block of class 4. */
static size_t request_of_64(void) {
    return 64 - (HAK_CHECK_LEVEL >= 1 ? HAK_GUARD_SIZE_BYTES : 0);
}

static uint32_t capacity(uint32_t class_index) {
    struct hak_stats stats;
    hak_stats_read(&stats);
    return stats.tls_capacity[class_index];
}

/* As if the process had been started with these. */
static void start_with(const char *name, const char *value) {
    setenv("HAKMEM_ADAPTIVE_LOG", "0", 1);
    setenv(name, value, 1);
    hak_config_read();
    hak_adaptive_log_init();
}

static void *blocks[BLOCK_COUNT];

static void allocate_all(void) {
    for (size_t i = 0; i < BLOCK_COUNT; i++) {
        blocks[i] = hak_malloc(request_of_64());
    }
}

static void free_all(void) {
    for (size_t i = 0; i < BLOCK_COUNT; i++) {
        hak_free(blocks[i]);
    }
}

/* Bursts that no cache holds: adaptive caches grow to their maximum. */
static void burst(void) {
    for (int round = 0; round < 5; round++) {
        allocate_all();
        free_all();
    }
}

/* Ends the child with a status that the test knows. */
static void demand(bool condition, const char *what, uint64_t value) {
    if (!condition) {
        fprintf(stderr, "not so: %s (%lu)\n", what, (unsigned long)value);
        _exit(1);
    }
}

static void expect_fine(void (*body)(void *), const char *text) {
    const struct test_child *child = outcome_of(body, NULL);
    cr_assert_eq(child->exit_code, 0, OUTCOME_FORMAT, OUTCOME_VALUES(child));
    cr_assert_eq(child->signal, 0, OUTCOME_FORMAT, OUTCOME_VALUES(child));
    if (text != NULL) {
        cr_assert_str_eq(child->text, text);
    }
}

/* --- Variables ----------------------------------------------------------- */

static void default_sizing(void *unused) {
    (void)unused;
    start_with("HAKMEM_ADAPTIVE_SIZING", "1");
    hak_free(hak_malloc(request_of_64()));
    demand(capacity(CLASS_64) == 64, "a cache starts with 64 slots", capacity(CLASS_64));
    burst();
    demand(capacity(CLASS_64) == 2048, "bursts grow it to its maximum", capacity(CLASS_64));
    hak_heap_check();
}

Test(settings, adaptive_sizing_1_lets_caches_grow) {
    expect_fine(default_sizing, "");
}

static void sizing_off(void *unused) {
    (void)unused;
    start_with("HAKMEM_ADAPTIVE_SIZING", "0");
    burst();
    demand(capacity(CLASS_64) == 64, "64 slots stay", capacity(CLASS_64));
    hak_heap_check();
}

Test(settings, adaptive_sizing_0_fixes_64_slots) {
    expect_fine(sizing_off, "");
}

static void sizing_off_with_256(void *unused) {
    (void)unused;
    setenv("HAKMEM_ADAPTIVE_SIZING", "0", 1);
    start_with("HAKMEM_TLS_CAPACITY", "256");
    burst();
    demand(capacity(CLASS_64) == 256, "256 slots stay", capacity(CLASS_64));
    hak_free(hak_malloc(20000));
    uint32_t large = hak_class_of(20000 + HAK_GUARD_SIZE_BYTES);
    demand(capacity(large) == hak_class_infos[large].capacity_max, "or the class's maximum",
           capacity(large));
}

Test(settings, tls_capacity_fixes_other_sizes) {
    expect_fine(sizing_off_with_256, "");
}

static void log_on(void *unused) {
    (void)unused;
    hak_start_stderr_note(); /* a pipe by now */
    start_with("HAKMEM_ADAPTIVE_LOG", "1");
    burst();
}

Test(settings, adaptive_log_1_says_what_happens) {
    const struct test_child *child = outcome_of(log_on, NULL);
    cr_assert_eq(child->exit_code, 0);
    cr_assert(outcome_said(child, "[ADAPTIVE] Adaptive sizing initialized (initial_cap=64, min=16,"
                                  " max=2048)\n"));
    cr_assert(outcome_said(child, "[TLS_CACHE] Grow class 4: 64 → 128 slots (grow_count=1)\n"),
              "%s", child->text);
    cr_assert(outcome_said(child, "[TLS_CACHE] Grow class 4: 1024 → 2048 slots (grow_count=5)\n"),
              "%s", child->text);
}

static void start_with_pair(void *pair) {
    const char *const *words = pair;
    start_with(words[0], words[1]);
}

/* One line that says which, what it is and what it takes; status 2. */
Test(settings, bad_values_end_the_program) {
    static const char *bad[][2] = {
        {"HAKMEM_ADAPTIVE_SIZING", ""},
        {"HAKMEM_ADAPTIVE_SIZING", "2"},
        {"HAKMEM_ADAPTIVE_SIZING", "yes"},
        {"HAKMEM_ADAPTIVE_SIZING", "01"},
        {"HAKMEM_ADAPTIVE_LOG", "on"},
        {"HAKMEM_ADAPTIVE_LOG", " 1"},
        {"HAKMEM_PREWARM_TLS", "-1"},
        {"HAKMEM_STATS", "true"},
        {"HAKMEM_TLS_CAPACITY", ""},
        {"HAKMEM_TLS_CAPACITY", "8"},
        {"HAKMEM_TLS_CAPACITY", "100"},
        {"HAKMEM_TLS_CAPACITY", "4096"},
        {"HAKMEM_TLS_CAPACITY", "64k"},
        {"HAKMEM_TLS_CAPACITY", "-64"},
        {"HAKMEM_TLS_CAPACITY", "18446744073709551680"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char start[128];
        const struct test_child *child = outcome_of(start_with_pair, bad[i]);
        snprintf(start, sizeof start, "hakmem: %s is '%s'; it takes ", bad[i][0], bad[i][1]);
        cr_assert_eq(child->exit_code, 2, "%s=%s: " OUTCOME_FORMAT, bad[i][0], bad[i][1],
                     OUTCOME_VALUES(child));
        cr_assert_eq(strncmp(child->text, start, strlen(start)), 0, "%s", child->text);
        cr_assert_eq(outcome_count(child, "\n"), 1, "%s", child->text);
    }
}

/* --- Threads ------------------------------------------------------------- */

static void free_everything_and_look(void *unused, uint32_t index) {
    (void)unused;
    (void)index;
    free_all();
    demand(capacity(CLASS_64) > 64, "a thread that only frees has grown", capacity(CLASS_64));
}

static void free_in_another_thread(void *unused) {
    start_with("HAKMEM_ADAPTIVE_SIZING", "1");
    fake_now_ns = SECOND; /* only flushes can end the window */
    allocate_all();
    test_threads_run(1, free_everything_and_look, unused);
    hak_heap_check();
}

Test(settings, a_thread_that_only_frees_adapts) {
    expect_fine(free_in_another_thread, "");
}

/* Hot, then cold: a refill now and then, for many seconds. */
static void hot_and_cold(void *unused) {
    struct hak_stats stats;
    (void)unused;
    start_with("HAKMEM_ADAPTIVE_SIZING", "1");
    fake_now_ns = SECOND;
    burst();
    demand(capacity(CLASS_64) == 2048, "hot", capacity(CLASS_64));
    hak_malloc_trim(0);
    for (uint64_t second = 2; second < 100; second++) {
        fake_now_ns = second * SECOND;
        void *held[64];
        for (int i = 0; i < 64; i++) {
            held[i] = hak_malloc(request_of_64());
        }
        for (int i = 0; i < 64; i++) {
            hak_free(held[i]);
        }
        hak_malloc_trim(0); /* empties the cache, so the next second refills */
    }
    hak_stats_read(&stats);
    demand(capacity(CLASS_64) <= 128, "cold", capacity(CLASS_64));
    demand(stats.shrink_count >= 4, "shrunk", stats.shrink_count);
    hak_heap_check();
}

Test(settings, a_cold_cache_shrinks) {
    expect_fine(hot_and_cold, "");
}

/* Adaptive caches hold less than the policy's bound whatever a thread does. */
static void never_beyond_the_maximum(void *unused) {
    struct hak_stats stats;
    (void)unused;
    start_with("HAKMEM_ADAPTIVE_SIZING", "1");
    for (size_t round = 0; round < 40000; round++) {
        size_t at = round * 7919 % 400;
        hak_free(blocks[at]);
        blocks[at] = hak_malloc(round * 104729 % 32768);
    }
    hak_stats_read(&stats);
    for (uint32_t c = 0; c < HAK_CLASS_COUNT; c++) {
        uint32_t slots = stats.tls_capacity[c];
        demand(slots == 0 || (slots >= 16 && slots <= hak_class_infos[c].capacity_swing_max &&
                              (slots & (slots - 1)) == 0),
               "capacity within bounds", slots);
        demand(stats.tls_count[c] <= slots, "count within capacity", stats.tls_count[c]);
    }
    hak_heap_check();
}

Test(settings, capacities_stay_within_bounds) {
    expect_fine(never_beyond_the_maximum, "");
}
