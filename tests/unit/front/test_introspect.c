/* SPDX-License-Identifier: MIT */
/* src/front/introspect.c: what the allocator says of itself is so. */
#include <criterion/criterion.h>
#include <malloc.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/size_class.h"
#include "hakmem.h"
#include "misuse/outcome.h"

static struct hak_stats stats_now(void) {
    struct hak_stats stats;
    hak_stats_read(&stats);
    return stats;
}

Test(introspect, build) {
    cr_assert_str_eq(hak_version(), HAKMEM_VERSION);
    cr_assert_eq(hak_check_level(), HAK_CHECK_LEVEL);
    hak_free(hak_malloc(1));
    cr_assert_eq(hak_heap_check() > 0, HAK_CHECK_LEVEL >= 1);
}

Test(introspect, nothing_is_live_at_the_start_and_after_everything_is_freed) {
    cr_assert_eq(stats_now().live_bytes, 0);
    void *blocks[] = {hak_malloc(100), hak_malloc(30000), hak_malloc(500000), hak_malloc(5000000)};
    cr_assert_geq(stats_now().live_bytes, 100 + 30000 + 500000 + 5000000);
    for (int i = 0; i < 4; i++) {
        hak_free(blocks[i]);
    }
    hak_malloc_trim(0);
    struct hak_stats stats = stats_now();
    cr_assert_eq(stats.live_bytes, 0);
    cr_assert(stats.l25_run_count == 0 && stats.big_live_count == 0 && stats.big_cached_count == 0);
    cr_assert(stats.superslab_count == 0 && stats.superslab_pool_count == 0);
}

Test(introspect, counts_runs_and_mappings) {
    void *run = hak_malloc(300000), *first = hak_malloc(3000000), *second = hak_malloc(4000000);
    struct hak_stats stats = stats_now();
    cr_assert_eq(stats.l25_run_count, 1);
    cr_assert(stats.l25_live_bytes >= 300000 && stats.l25_live_bytes < 400000);
    cr_assert_eq(stats.l25_chunk_count, 1);
    cr_assert_eq(stats.big_live_count, 2);
    cr_assert_geq(stats.big_live_bytes, 7000000);
    hak_free(first);
    stats = stats_now();
    cr_assert_eq(stats.big_live_count, 1);
    cr_assert_eq(stats.big_cached_count, 1);
    cr_assert_geq(stats.big_cached_bytes, 3000000);
    hak_free(second);
    hak_free(run);
}

Test(introspect, tells_the_callers_caches) {
    struct hak_stats stats = stats_now();
    cr_assert_eq(stats.class_count, HAK_CLASS_COUNT);
    for (uint32_t c = 0; c < HAK_CLASS_COUNT; c++) {
        cr_assert_eq(stats.class_stride_bytes[c], hak_class_infos[c].stride_bytes);
        cr_assert(stats.tls_capacity[c] == 0 && stats.tls_count[c] == 0);
    }
    hak_free(hak_malloc(0));
    stats = stats_now();
    uint32_t used = hak_class_of(HAK_CHECK_LEVEL >= 1 ? 16 : 0);
    cr_assert_eq(stats.tls_capacity[used], 64);
    cr_assert_gt(stats.tls_count[used], 0);
    cr_assert_eq(stats.refill_count, 1);
}

Test(introspect, mallinfo_agrees_with_the_statistics) {
    void *small = hak_malloc(1000), *large = hak_malloc(8000000);
    struct hak_stats stats = stats_now();
    struct mallinfo2 info = hak_mallinfo2();
    cr_assert_eq(info.hblks, stats.big_live_count);
    cr_assert_eq(info.hblkhd, stats.big_live_bytes);
    cr_assert_eq(info.uordblks, stats.live_bytes);
    cr_assert_eq(info.arena + info.hblkhd, stats.mapped_bytes);
    cr_assert_eq(info.uordblks + info.fordblks, stats.mapped_bytes);
    hak_free(small);
    hak_free(large);
}

/* 1 when something went back to the OS, 0 when there was nothing. */
Test(introspect, trim_tells_whether_there_was_anything) {
    hak_free(hak_malloc(3000000));
    cr_assert_eq(hak_malloc_trim(0), 1);
    cr_assert_eq(hak_malloc_trim(0), 0);
    hak_free(hak_malloc(100));
    cr_assert_eq(hak_malloc_trim(0), 1);
    cr_assert_eq(hak_malloc_trim(0), 0);
}

static void print_stats(void *unused) {
    (void)unused;
    hak_malloc(300000);
    hak_stats_print(STDERR_FILENO);
}

Test(introspect, summary_is_readable) {
    const struct test_child *child = outcome_of(print_stats, NULL);
    cr_assert_eq(child->exit_code, 0);
    cr_assert_eq(strncmp(child->text, "hakmem " HAKMEM_VERSION ", check level ", 26), 0, "%s",
                 child->text);
    cr_assert(outcome_said(child, "L2.5        1 shards, 1 chunks, 1 runs, 320 KiB\n"), "%s",
              child->text);
    cr_assert_eq(outcome_count(child, "\n"), 8, "%s", child->text);
}
