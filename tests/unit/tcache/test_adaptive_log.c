/* SPDX-License-Identifier: MIT */
/* src/tcache/adaptive_log.c: the lines, to the letter, no flood of them, and none into a
 * file of the program's. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/config.h"
#include "base/start_stderr.h"
#include "misuse/outcome.h"
#include "support/threads.h"
#include "unit/tcache/cache.h"

#define SECOND ((uint64_t)1000000000)

static struct test_cache cache;

static void expect_text(void (*body)(void *), const char *expected) {
    const struct test_child *child = outcome_of(body, NULL);
    cr_assert_eq(child->exit_code, 0, OUTCOME_FORMAT, OUTCOME_VALUES(child));
    cr_assert_str_eq(child->text, expected);
}

static void open_with_log(void) {
    test_cache_init(&cache, 0);
    hak_start_stderr_note();
    hak_config.adaptive_log = true;
    test_cache_open(&cache, CLASS_64, 64);
}

/* One decision at a mark and a time. */
static void decide(uint32_t mark, uint64_t now_ns) {
    cache.tcache.classes[CLASS_64].sizing.high_water_mark = mark;
    hak_adapt_tls_cache_size(&cache.tcache, &cache.chain, CLASS_64, now_ns);
}

static void up_and_down(void *unused) {
    (void)unused;
    open_with_log();
    while (hak_grow_tls_cache(&cache.tcache, CLASS_64)) {
    }
    while (hak_shrink_tls_cache(&cache.tcache, &cache.chain, CLASS_64)) {
    }
    hak_grow_tls_cache(&cache.tcache, CLASS_64);
}

Test(log, grow_and_shrink_lines) {
    expect_text(up_and_down, "[TLS_CACHE] Grow class 4: 64 → 128 slots (grow_count=1)\n"
                             "[TLS_CACHE] Grow class 4: 128 → 256 slots (grow_count=2)\n"
                             "[TLS_CACHE] Grow class 4: 256 → 512 slots (grow_count=3)\n"
                             "[TLS_CACHE] Grow class 4: 512 → 1024 slots (grow_count=4)\n"
                             "[TLS_CACHE] Grow class 4: 1024 → 2048 slots (grow_count=5)\n"
                             "[TLS_CACHE] Shrink class 4: 2048 → 1024 slots (shrink_count=1)\n"
                             "[TLS_CACHE] Shrink class 4: 1024 → 512 slots (shrink_count=2)\n"
                             "[TLS_CACHE] Shrink class 4: 512 → 256 slots (shrink_count=3)\n"
                             "[TLS_CACHE] Shrink class 4: 256 → 128 slots (shrink_count=4)\n"
                             "[TLS_CACHE] Shrink class 4: 128 → 64 slots (shrink_count=5)\n"
                             "[TLS_CACHE] Shrink class 4: 64 → 32 slots (shrink_count=6)\n"
                             "[TLS_CACHE] Shrink class 4: 32 → 16 slots (shrink_count=7)\n"
                             "[TLS_CACHE] Grow class 4: 16 → 32 slots (grow_count=6)\n");
}

static void decide_each_way(void *unused) {
    (void)unused;
    open_with_log();
    decide(29, 1 * SECOND);
    decide(60, 2 * SECOND);
    decide(20, 3 * SECOND);
}

Test(log, decisions_say_what_was_decided) {
    expect_text(decide_each_way, "[TLS_CACHE] Keep class 4 at 64 slots (usage=45.3%)\n"
                                 "[TLS_CACHE] Grow class 4: 64 → 128 slots (grow_count=1)\n"
                                 "[TLS_CACHE] Shrink class 4: 128 → 64 slots (shrink_count=1)\n");
}

static void keep_at_the_edges(void *unused) {
    (void)unused;
    open_with_log();
    decide(13, 1 * SECOND);
    decide(51, 3 * SECOND);
}

Test(log, usage_has_one_decimal) {
    expect_text(keep_at_the_edges, "[TLS_CACHE] Keep class 4 at 64 slots (usage=20.3%)\n"
                                   "[TLS_CACHE] Keep class 4 at 64 slots (usage=79.6%)\n");
}

static void announce_both(void *unused) {
    (void)unused;
    hak_start_stderr_note();
    hak_config.adaptive_log = true;
    hak_config.adaptive_sizing = true;
    hak_adaptive_log_init();
    hak_config.adaptive_sizing = false;
    hak_config.fixed_capacity = 256;
    hak_adaptive_log_init();
}

Test(log, first_line) {
    expect_text(announce_both,
                "[ADAPTIVE] Adaptive sizing initialized (initial_cap=64, min=16, max=2048)\n"
                "[ADAPTIVE] Adaptive sizing off (fixed_cap=256)\n");
}

static void everything_without_log(void *unused) {
    (void)unused;
    open_with_log();
    hak_config.adaptive_log = false;
    hak_adaptive_log_init();
    decide(29, 1 * SECOND);
    decide(60, 2 * SECOND);
    decide(5, 3 * SECOND);
}

Test(log, off_says_nothing) {
    expect_text(everything_without_log, "");
}

/* --- Into stderr only ------------------------------------------------------ */

static void say_everything(void) {
    hak_adaptive_log_init();
    decide(29, 1 * SECOND);
    decide(60, 2 * SECOND);
    decide(20, 3 * SECOND);
}

/* Descriptor 2 becomes a file of the program's; what comes into it goes to the real one. */
static void show_what_comes_into_a_file(bool was_open) {
    char text[4096] = "";
    int saved = dup(STDERR_FILENO), file = memfd_create("file", 0);
    if (!was_open) {
        close(STDERR_FILENO);
        hak_start_stderr_note();
    }
    dup2(file, STDERR_FILENO);
    say_everything();
    if (pread(file, text, sizeof text - 1, 0) < 0) {
        _exit(1);
    }
    dup2(saved, STDERR_FILENO);
    fputs(text, stderr);
}

static void redirect(void *unused) {
    (void)unused;
    open_with_log();
    show_what_comes_into_a_file(true);
    decide(60, 5 * SECOND); /* it is stderr again */
}

Test(log, of_a_redirected_stderr_waits_for_the_old_one) {
    expect_text(redirect, "[TLS_CACHE] Grow class 4: 64 → 128 slots (grow_count=2)\n");
}

static void close_before_the_start(void *unused) {
    (void)unused;
    open_with_log();
    show_what_comes_into_a_file(false);
    decide(60, 5 * SECOND);
}

Test(log, of_a_process_without_stderr_is_silent) {
    expect_text(close_before_the_start, "");
}

/* --- No flood ------------------------------------------------------------ */

static void keep_steadily(void *unused) {
    (void)unused;
    open_with_log();
    for (uint64_t i = 0; i < 100000; i++) {
        decide(29 + (uint32_t)(i % 3), SECOND + i * SECOND / 10); /* 45 to 48 %, for hours */
    }
}

Test(log, steady_usage_is_said_once) {
    expect_text(keep_steadily, "[TLS_CACHE] Keep class 4 at 64 slots (usage=45.3%)\n");
}

static void keep_wildly_within_a_second(void *unused) {
    (void)unused;
    open_with_log();
    for (uint64_t i = 0; i < 100000; i++) {
        decide(i % 2 == 0 ? 14 : 50, SECOND + i * 9999);
    }
}

Test(log, wild_usage_is_said_once_a_second_at_most) {
    expect_text(keep_wildly_within_a_second,
                "[TLS_CACHE] Keep class 4 at 64 slots (usage=21.8%)\n");
}

static void keep_with_usage_moving(void *unused) {
    (void)unused;
    open_with_log();
    decide(20, 1 * SECOND);              /* 31.2 %: the first */
    decide(22, 3 * SECOND);              /* 34.3 %: 3 points */
    decide(24, 5 * SECOND);              /* 37.5 %: 6 since the last line */
    decide(30, 5 * SECOND + SECOND / 2); /* too soon */
    decide(30, 6 * SECOND);
    decide(27, 9 * SECOND);  /* 42.1 %: 4 points back */
    decide(26, 11 * SECOND); /* 40.6 %: 6 points back */
}

Test(log, moved_usage_is_said_again) {
    expect_text(keep_with_usage_moving, "[TLS_CACHE] Keep class 4 at 64 slots (usage=31.2%)\n"
                                        "[TLS_CACHE] Keep class 4 at 64 slots (usage=37.5%)\n"
                                        "[TLS_CACHE] Keep class 4 at 64 slots (usage=46.8%)\n"
                                        "[TLS_CACHE] Keep class 4 at 64 slots (usage=40.6%)\n");
}

/* --- Whole lines --------------------------------------------------------- */

enum { THREADS = 4, LINES = 200 };

static void grow_and_shrink_for_a_while(void *unused, uint32_t index) {
    static struct test_cache caches[THREADS];
    struct test_cache *own = &caches[index];
    (void)unused;
    hak_tcache_init(&own->tcache);
    hak_chain_init(&own->chain);
    hak_tcache_open_owned(&own->tcache, index);
    for (int i = 0; i < LINES / 2; i++) {
        hak_grow_tls_cache(&own->tcache, index);
        hak_shrink_tls_cache(&own->tcache, &own->chain, index);
    }
}

static void log_from_four_threads(void *unused) {
    hak_start_stderr_note();
    hak_config.adaptive_log = true;
    hak_config.adaptive_sizing = true;
    test_threads_run(THREADS, grow_and_shrink_for_a_while, unused);
}

Test(log, lines_of_four_threads_do_not_mix) {
    const struct test_child *child = outcome_of(log_from_four_threads, NULL);
    int lines = 0;
    cr_assert_eq(child->exit_code, 0, OUTCOME_FORMAT, OUTCOME_VALUES(child));
    for (const char *line = child->text; *line != '\0'; line = strchr(line, '\n') + 1) {
        unsigned class_index, from, to, count;
        int length = 0;
        if (sscanf(line, "[TLS_CACHE] Grow class %u: %u → %u slots (grow_count=%u)%n", &class_index,
                   &from, &to, &count, &length) != 4) {
            sscanf(line, "[TLS_CACHE] Shrink class %u: %u → %u slots (shrink_count=%u)%n",
                   &class_index, &from, &to, &count, &length);
        }
        cr_assert(length > 0 && line[length] == '\n', "not a whole line: %.80s", line);
        lines++;
    }
    cr_assert_eq(lines, THREADS * LINES);
}
