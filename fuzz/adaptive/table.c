/* SPDX-License-Identifier: MIT */
/* fuzz_adaptive's tables. New rows go at the end: inputs made earlier then keep
 * their meaning. */
#include "adaptive.h"
#include "harness/table.h"
#include "model.h"

#define SECOND UINT64_C(1000000000)

/* Classes by their most slots: each maximum from 16 to 2048. */
static const struct hak_fuzz_bucket class_index_buckets[] = {
    HAK_FUZZ_RANGE("most 2048 slots", 8, 0, 4),  HAK_FUZZ_RANGE("most 1024 slots", 2, 5, 8),
    HAK_FUZZ_RANGE("most 512 slots", 1, 9, 12),  HAK_FUZZ_RANGE("most 256 slots", 1, 13, 16),
    HAK_FUZZ_RANGE("most 128 slots", 1, 17, 20), HAK_FUZZ_RANGE("most 64 slots", 1, 21, 24),
    HAK_FUZZ_RANGE("most 32 slots", 2, 25, 28),  HAK_FUZZ_RANGE("most 16 slots", 2, 29, 40),
    HAK_FUZZ_RANGE("class 3", 16, 3, 3), /* operations meet in it */
};
HAK_FUZZ_DOMAIN(class_index, "classes");

static const struct hak_fuzz_bucket capacity_buckets[] = {
    HAK_FUZZ_RANGE("16", 4, 16, 16),       HAK_FUZZ_RANGE("32", 2, 32, 32),
    HAK_FUZZ_RANGE("64", 2, 64, 64),       HAK_FUZZ_RANGE("128", 1, 128, 128),
    HAK_FUZZ_RANGE("256", 1, 256, 256),    HAK_FUZZ_RANGE("512", 1, 512, 512),
    HAK_FUZZ_RANGE("1024", 1, 1024, 1024), HAK_FUZZ_RANGE("2048", 1, 2048, 2048),
};
HAK_FUZZ_DOMAIN(capacity, "capacities");

/* Around each threshold of each capacity, and too many. */
static const uint64_t edges[] = {16, 32, 64, 128, 256, 512, 3,   4,   6,   7,  12,
                                 13, 25, 26, 51,  52,  102, 103, 204, 205, 409};
static const struct hak_fuzz_bucket wanted_buckets[] = {
    HAK_FUZZ_RANGE("0", 1, 0, 0),
    HAK_FUZZ_RANGE("1..8", 12, 1, 8),
    HAK_FUZZ_RANGE("9..64", 12, 9, 64),
    HAK_FUZZ_NEAR("edge -1..+1", 12, 1, edges),
    HAK_FUZZ_RANGE("65..2048", 1, 65, 2048),
    HAK_FUZZ_RANGE("more than any cache has", 2, 2049, 4096),
    HAK_FUZZ_RANGE("UINT32_MAX", 2, UINT32_MAX, UINT32_MAX),
};
HAK_FUZZ_DOMAIN(wanted, "blocks wanted");

static const struct hak_fuzz_bucket count_buckets[] = {
    HAK_FUZZ_RANGE("1", 4, 1, 1),         HAK_FUZZ_RANGE("2..15", 4, 2, 15),
    HAK_FUZZ_RANGE("16..64", 4, 16, 64),  HAK_FUZZ_NEAR("edge -1..+1", 4, 1, edges),
    HAK_FUZZ_RANGE("all", 2, 4096, 4096),
};
HAK_FUZZ_DOMAIN(count, "blocks");

static const struct hak_fuzz_bucket times_buckets[] = {
    HAK_FUZZ_RANGE("1", 2, 1, 1),
    HAK_FUZZ_RANGE("2..9", 2, 2, 9),
    HAK_FUZZ_RANGE("10", 3, 10, 10),
    HAK_FUZZ_RANGE("11..20", 1, 11, 20),
};
HAK_FUZZ_DOMAIN(times, "times");

static const struct hak_fuzz_bucket keep_buckets[] = {
    HAK_FUZZ_RANGE("0", 1, 0, 0),
    HAK_FUZZ_RANGE("1..64", 2, 1, 64),
    HAK_FUZZ_RANGE("65..2048", 1, 65, 2048),
};
HAK_FUZZ_DOMAIN(keep, "blocks to keep");

static const uint64_t thresholds[] = {200, 800};
static const struct hak_fuzz_bucket usage_buckets[] = {
    HAK_FUZZ_NEAR("threshold -10..+10", 4, 10, thresholds),
    HAK_FUZZ_RANGE("0..1000", 1, 0, 1000),
};
HAK_FUZZ_DOMAIN(usage, "usage, per mille");

static const uint64_t seconds[] = {SECOND, 2 * SECOND};
static const struct hak_fuzz_bucket step_buckets[] = {
    HAK_FUZZ_RANGE("0", 1, 0, 0),
    HAK_FUZZ_RANGE("under 1 s", 2, 1, SECOND - 2),
    HAK_FUZZ_NEAR("1, 2 s -1..+1 ns", 4, 1, seconds),
    HAK_FUZZ_RANGE("1 s..1 h", 1, SECOND, 3600 * SECOND),
};
HAK_FUZZ_DOMAIN(step, "clock steps");

static const struct hak_fuzz_bucket flag_buckets[] = {
    HAK_FUZZ_RANGE("off", 1, 0, 0),
    HAK_FUZZ_RANGE("on", 3, 1, 1),
};
HAK_FUZZ_DOMAIN(flag, "switches");

static const struct hak_fuzz_bucket nth_buckets[] = {
    HAK_FUZZ_RANGE("none", 1, 0, 0),
    HAK_FUZZ_RANGE("the next", 3, 1, 1),
    HAK_FUZZ_RANGE("2nd..8th", 2, 2, 8),
};
HAK_FUZZ_DOMAIN(nth, "faults");

static const struct hak_fuzz_bucket length_buckets[] = {
    HAK_FUZZ_RANGE("1", 3, 1, 1),
    HAK_FUZZ_RANGE("2..8", 1, 2, 8),
    HAK_FUZZ_RANGE("all", 1, UINT32_MAX, UINT32_MAX),
};
HAK_FUZZ_DOMAIN(length, "fault lengths");

HAK_FUZZ_DO_2(adaptive, restart)
HAK_FUZZ_DO_2(adaptive, pop)
HAK_FUZZ_DO_2(adaptive, push)
HAK_FUZZ_DO_2(adaptive, refill)
HAK_FUZZ_DO_1(adaptive, refill_own)
HAK_FUZZ_DO_3(adaptive, churn)
HAK_FUZZ_DO_2(adaptive, free_only)
HAK_FUZZ_DO_2(adaptive, flush)
HAK_FUZZ_DO_0(adaptive, flush_all)
HAK_FUZZ_DO_0(adaptive, flush_resting)
HAK_FUZZ_DO_1(adaptive, grow)
HAK_FUZZ_DO_1(adaptive, shrink)
HAK_FUZZ_DO_3(adaptive, decide)
HAK_FUZZ_DO_1(adaptive, clock)
HAK_FUZZ_DO_1(adaptive, log)
HAK_FUZZ_DO_0(adaptive, announce)
HAK_FUZZ_DO_2(adaptive, fault)
HAK_FUZZ_DO_0(adaptive, idle)
HAK_FUZZ_DO_1(adaptive, reuse)
HAK_FUZZ_DO_0(adaptive, flush_for_adoption)
HAK_FUZZ_DO_2(adaptive, swing)
HAK_FUZZ_DO_0(adaptive, grow_many)

static const struct hak_fuzz_kind kinds[] = {
    HAK_FUZZ_KIND_2(restart, 6, "capacity", capacity, "adapts", flag),
    HAK_FUZZ_KIND_2(pop, 20, "class", class_index, "count", count),
    HAK_FUZZ_KIND_2(push, 20, "class", class_index, "count", count),
    HAK_FUZZ_KIND_2(refill, 40, "class", class_index, "wanted", wanted),
    HAK_FUZZ_KIND_1(refill_own, 10, "class", class_index),
    HAK_FUZZ_KIND_3(churn, 10, "class", class_index, "wanted", wanted, "times", times),
    HAK_FUZZ_KIND_2(free_only, 10, "class", class_index, "times", times),
    HAK_FUZZ_KIND_2(flush, 6, "class", class_index, "keep", keep),
    HAK_FUZZ_KIND_0(flush_all, 2),
    HAK_FUZZ_KIND_1(grow, 8, "class", class_index),
    HAK_FUZZ_KIND_1(shrink, 10, "class", class_index),
    HAK_FUZZ_KIND_3(decide, 8, "usage", usage, "capacity", capacity, "class", class_index),
    HAK_FUZZ_KIND_1(clock, 16, "ns", step),
    HAK_FUZZ_KIND_1(log, 2, "on", flag),
    HAK_FUZZ_KIND_0(announce, 1),
    HAK_FUZZ_KIND_2(fault, 4, "nth", nth, "count", length),
    HAK_FUZZ_KIND_0(idle, 8),
    HAK_FUZZ_KIND_0(flush_resting, 4),
    HAK_FUZZ_KIND_1(reuse, 8, "only", flag),
    HAK_FUZZ_KIND_0(flush_for_adoption, 3),
    HAK_FUZZ_KIND_2(swing, 6, "class", class_index, "times", times),
    HAK_FUZZ_KIND_0(grow_many, 1),
};

static const struct hak_fuzz_domain *const domains[] = {
    &class_index, &capacity, &wanted, &count, &times, &keep, &usage, &step, &flag, &nth, &length,
};

static const char *const outcomes[] = {
#define X(name, text) text,
    ADAPTIVE_OUTCOMES(X)
#undef X
};

const struct hak_fuzz_target hak_fuzz_target = {
    .name = "adaptive",
    .kinds = kinds,
    .kind_count = HAK_FUZZ_COUNT_OF(kinds),
    .domains = domains,
    .domain_count = HAK_FUZZ_COUNT_OF(domains),
    .outcomes = outcomes,
    .outcome_count = HAK_FUZZ_COUNT_OF(outcomes),
    .begin = adaptive_begin,
    .end = adaptive_end,
    .verify = adaptive_verify_all,
    .header = "adaptive/adaptive.h",
    .nesting_kind = HAK_FUZZ_NO_NESTING,
};
