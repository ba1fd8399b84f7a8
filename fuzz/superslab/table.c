/* SPDX-License-Identifier: MIT */
/* fuzz_superslab's tables. New rows go at the end: inputs made earlier then keep
 * their meaning. */
#include "harness/table.h"
#include "model.h"
#include "ops.h"

#define MILLISECOND UINT64_C(1000000)

/* Classes by the granules of their slabs. */
static const struct hak_fuzz_bucket class_index_buckets[] = {
    HAK_FUZZ_RANGE("class 40: 4 granules, 8 blocks", 14, 40, 40), /* operations meet in it */
    HAK_FUZZ_RANGE("class 28: 1 granule, 16 blocks", 14, 28, 28),
    HAK_FUZZ_RANGE("1 granule, up to 1 KiB", 6, 0, 20),
    HAK_FUZZ_RANGE("1 granule, up to 8 KiB", 4, 21, 32),
    HAK_FUZZ_RANGE("2 granules", 3, 33, 36),
    HAK_FUZZ_RANGE("3 granules", 3, 37, 38),
    HAK_FUZZ_RANGE("4 granules", 3, 39, 40),
};
HAK_FUZZ_DOMAIN(class_index, "classes");

static const struct hak_fuzz_bucket chain_buckets[] = {
    HAK_FUZZ_RANGE("first", 3, 0, 0),
    HAK_FUZZ_RANGE("second", 1, 1, 1),
};
HAK_FUZZ_DOMAIN(chain, "chains");

static const struct hak_fuzz_bucket giver_buckets[] = {
    HAK_FUZZ_RANGE("first", 3, 0, 0),
    HAK_FUZZ_RANGE("second", 2, 1, 1),
    HAK_FUZZ_RANGE("nobody's", 1, 2, 2),
};
HAK_FUZZ_DOMAIN(giver, "givers");

static const uint64_t edges[] = {2, 3, 4, 5, 8, 16, 24, 64, 128, 256, 512};
static const struct hak_fuzz_bucket count_buckets[] = {
    HAK_FUZZ_RANGE("0", 1, 0, 0),
    HAK_FUZZ_RANGE("1..8", 12, 1, 8),
    HAK_FUZZ_NEAR("edge -1..+1", 12, 1, edges),
    HAK_FUZZ_RANGE("9..130", 4, 9, 130),
    HAK_FUZZ_RANGE("131..2048", 1, 131, 2048),
};
HAK_FUZZ_DOMAIN(count, "blocks");

/* In quarters: the remainder is the order. */
static const struct hak_fuzz_bucket part_buckets[] = {
    HAK_FUZZ_RANGE("1, in any order", 3, 4, 7),
    HAK_FUZZ_RANGE("2..16, in any order", 4, 8, 67),
    HAK_FUZZ_RANGE("17..130, in any order", 2, 68, 523),
    HAK_FUZZ_RANGE("131..4096, in any order", 1, 524, 16387),
};
HAK_FUZZ_DOMAIN(part, "orders and blocks");

static const struct hak_fuzz_bucket times_buckets[] = {
    HAK_FUZZ_RANGE("1", 50, 1, 1),
    HAK_FUZZ_RANGE("2..4", 12, 2, 4),
    HAK_FUZZ_RANGE("5..40", 1, 5, 40),
};
HAK_FUZZ_DOMAIN(times, "times");

static const uint64_t delays[] = {250 * MILLISECOND, 500 * MILLISECOND};
static const struct hak_fuzz_bucket step_buckets[] = {
    HAK_FUZZ_RANGE("under 250 ms", 1, 0, 250 * MILLISECOND - 2),
    HAK_FUZZ_NEAR("250, 500 ms -1..+1 ns", 2, 1, delays),
    HAK_FUZZ_RANGE("500 ms..10 s", 1, 500 * MILLISECOND, 10000 * MILLISECOND),
};
HAK_FUZZ_DOMAIN(step, "clock steps");

static const struct hak_fuzz_bucket flag_buckets[] = {
    HAK_FUZZ_RANGE("off", 1, 0, 0),
    HAK_FUZZ_RANGE("on", 1, 1, 1),
};
HAK_FUZZ_DOMAIN(flag, "switches");

static const struct hak_fuzz_bucket nth_buckets[] = {
    HAK_FUZZ_RANGE("none", 1, 0, 0),
    HAK_FUZZ_RANGE("the next", 3, 1, 1),
    HAK_FUZZ_RANGE("2nd..8th", 3, 2, 8),
};
HAK_FUZZ_DOMAIN(nth, "faults");

static const struct hak_fuzz_bucket length_buckets[] = {
    HAK_FUZZ_RANGE("1", 3, 1, 1),
    HAK_FUZZ_RANGE("2..8", 1, 2, 8),
    HAK_FUZZ_RANGE("all", 1, UINT32_MAX, UINT32_MAX),
};
HAK_FUZZ_DOMAIN(length, "fault lengths");

HAK_FUZZ_DO_3(superslab, take)
HAK_FUZZ_DO_3(superslab, give)
HAK_FUZZ_DO_2(superslab, give_all)
HAK_FUZZ_DO_3(superslab, expand)
HAK_FUZZ_DO_1(superslab, collect)
HAK_FUZZ_DO_2(superslab, trim)
HAK_FUZZ_DO_2(superslab, tick)
HAK_FUZZ_DO_0(superslab, pool_trim)
HAK_FUZZ_DO_2(superslab, fault)
HAK_FUZZ_DO_1(superslab, busy_tick)
HAK_FUZZ_DO_1(superslab, fork)
HAK_FUZZ_DO_1(superslab, exit)

static const struct hak_fuzz_kind kinds[] = {
    HAK_FUZZ_KIND_3(take, 50, "chain", chain, "class", class_index, "count", count),
    HAK_FUZZ_KIND_3(give, 40, "chain", giver, "class", class_index, "part", part),
    HAK_FUZZ_KIND_2(give_all, 10, "chain", giver, "class", class_index),
    HAK_FUZZ_KIND_3(expand, 3, "chain", chain, "class", class_index, "times", times),
    HAK_FUZZ_KIND_1(collect, 6, "chain", chain),
    HAK_FUZZ_KIND_2(trim, 3, "chain", chain, "purge", flag),
    HAK_FUZZ_KIND_2(tick, 8, "chain", chain, "ns", step),
    HAK_FUZZ_KIND_0(pool_trim, 1),
    HAK_FUZZ_KIND_2(fault, 3, "nth", nth, "count", length),
    HAK_FUZZ_KIND_1(busy_tick, 1, "ns", step),
    HAK_FUZZ_KIND_1(fork, 1, "child", flag),
    HAK_FUZZ_KIND_1(exit, 2, "chain", chain),
};

static const struct hak_fuzz_domain *const domains[] = {
    &class_index, &chain, &giver, &count, &part, &times, &step, &flag, &nth, &length,
};

static const char *const outcomes[] = {
#define X(name, text) text,
    SUPERSLAB_OUTCOMES(X)
#undef X
};

const struct hak_fuzz_target hak_fuzz_target = {
    .name = "superslab",
    .kinds = kinds,
    .kind_count = HAK_FUZZ_COUNT_OF(kinds),
    .domains = domains,
    .domain_count = HAK_FUZZ_COUNT_OF(domains),
    .outcomes = outcomes,
    .outcome_count = HAK_FUZZ_COUNT_OF(outcomes),
    .begin = superslab_begin,
    .end = superslab_end,
    .verify = superslab_verify_all,
    .header = "superslab/ops.h",
    .nesting_kind = HAK_FUZZ_NO_NESTING,
};
