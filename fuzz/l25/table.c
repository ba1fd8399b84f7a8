/* SPDX-License-Identifier: MIT */
/* fuzz_l25's tables. New rows go at the end: inputs made earlier then keep their
 * meaning. */
#include "harness/table.h"
#include "ops.h"

#define KIB UINT64_C(1024)
#define MILLISECOND UINT64_C(1000000)

static const uint64_t granules[] = {64 * KIB,  128 * KIB, 192 * KIB, 256 * KIB,
                                    512 * KIB, 640 * KIB, 704 * KIB, 960 * KIB};
static const struct hak_fuzz_bucket size_buckets[] = {
    HAK_FUZZ_RANGE("32 KiB+1..64 KiB", 4, 32 * KIB + 1, 64 * KIB),
    HAK_FUZZ_NEAR("granules -1..+1", 8, 1, granules),
    HAK_FUZZ_RANGE("64..512 KiB", 4, 64 * KIB, 512 * KIB),
    HAK_FUZZ_RANGE("512 KiB..1 MiB", 2, 512 * KIB, 1024 * KIB),
    HAK_FUZZ_RANGE("1 MiB", 2, 1024 * KIB, 1024 * KIB),
};
HAK_FUZZ_DOMAIN(size, "sizes");

static const struct hak_fuzz_bucket slot_buckets[] = {
    HAK_FUZZ_RANGE("0..7", 2, 0, 7),
    HAK_FUZZ_RANGE("0..63", 1, 0, L25_SLOT_COUNT - 1),
};
HAK_FUZZ_DOMAIN(slot, "slots");

/* Five alignments from a granule to 1 MiB, times the thread's number. */
static const struct hak_fuzz_bucket place_buckets[] = {
    HAK_FUZZ_RANGE("granule, thread 0", 8, 0, 0),
    HAK_FUZZ_RANGE("any alignment, thread 0", 4, 0, 4),
    HAK_FUZZ_RANGE("any alignment, threads 0..7", 4, 0, 39),
    HAK_FUZZ_RANGE("any alignment, any thread", 1, 0, 5 * (UINT64_C(1) << 20)),
};
HAK_FUZZ_DOMAIN(place, "alignments and threads");

static const uint64_t delays[] = {250 * MILLISECOND, 500 * MILLISECOND};
static const struct hak_fuzz_bucket step_buckets[] = {
    HAK_FUZZ_RANGE("under 250 ms", 1, 0, 250 * MILLISECOND - 2),
    HAK_FUZZ_NEAR("250, 500 ms -1..+1 ns", 3, 1, delays),
    HAK_FUZZ_RANGE("500 ms..10 s", 1, 500 * MILLISECOND, 10000 * MILLISECOND),
};
HAK_FUZZ_DOMAIN(step, "clock steps");

static const struct hak_fuzz_bucket parity_buckets[] = {
    HAK_FUZZ_RANGE("even", 1, 0, 0),
    HAK_FUZZ_RANGE("odd", 1, 1, 1),
};
HAK_FUZZ_DOMAIN(parity, "parities");

static const struct hak_fuzz_bucket contend_buckets[] = {
    HAK_FUZZ_RANGE("none", 1, 0, 0),
    HAK_FUZZ_RANGE("1..15", 2, 1, 15),
    HAK_FUZZ_RANGE("16..200", 1, 16, 200),
};
HAK_FUZZ_DOMAIN(contend, "attempts that fail");

static const uint64_t windows[] = {16, 256, 512};
static const struct hak_fuzz_bucket attempt_buckets[] = {
    HAK_FUZZ_NEAR("window -1..+1", 2, 1, windows),
    HAK_FUZZ_RANGE("1..1000", 1, 1, 1000),
};
HAK_FUZZ_DOMAIN(attempt, "attempts");

static const uint64_t sixteenths[] = {16, 17};
static const struct hak_fuzz_bucket every_buckets[] = {
    HAK_FUZZ_RANGE("each", 1, 1, 1),
    HAK_FUZZ_NEAR("a window's sixteenth -1..+1", 3, 1, sixteenths),
    HAK_FUZZ_RANGE("2..64", 1, 2, 64),
};
HAK_FUZZ_DOMAIN(every, "contended attempts");

static const struct hak_fuzz_bucket cpu_buckets[] = {
    HAK_FUZZ_RANGE("1..8", 2, 1, 8),
    HAK_FUZZ_RANGE("9..1024", 1, 9, 1024),
};
HAK_FUZZ_DOMAIN(cpu, "processors");

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

HAK_FUZZ_DO_3(l25, alloc)
HAK_FUZZ_DO_1(l25, free)
HAK_FUZZ_DO_2(l25, resize)
HAK_FUZZ_DO_1(l25, comb)
HAK_FUZZ_DO_1(l25, tick)
HAK_FUZZ_DO_0(l25, trim)
HAK_FUZZ_DO_1(l25, contend)
HAK_FUZZ_DO_3(l25, policy)
HAK_FUZZ_DO_2(l25, fault)
HAK_FUZZ_DO_1(l25, fork)

static const struct hak_fuzz_kind kinds[] = {
    HAK_FUZZ_KIND_3(alloc, 50, "slot", slot, "size", size, "place", place),
    HAK_FUZZ_KIND_1(free, 30, "slot", slot),
    HAK_FUZZ_KIND_2(resize, 20, "slot", slot, "size", size),
    HAK_FUZZ_KIND_1(comb, 2, "parity", parity),
    HAK_FUZZ_KIND_1(tick, 8, "ns", step),
    HAK_FUZZ_KIND_0(trim, 1),
    HAK_FUZZ_KIND_1(contend, 3, "count", contend),
    HAK_FUZZ_KIND_3(policy, 2, "attempts", attempt, "every", every, "cpus", cpu),
    HAK_FUZZ_KIND_2(fault, 3, "nth", nth, "count", length),
    HAK_FUZZ_KIND_1(fork, 1, "child", parity),
};

static const struct hak_fuzz_domain *const domains[] = {
    &size, &slot, &place, &step, &parity, &contend, &attempt, &every, &cpu, &nth, &length,
};

static const char *const outcomes[] = {
#define X(name, text) text,
    L25_OUTCOMES(X)
#undef X
};

const struct hak_fuzz_target hak_fuzz_target = {
    .name = "l25",
    .kinds = kinds,
    .kind_count = HAK_FUZZ_COUNT_OF(kinds),
    .domains = domains,
    .domain_count = HAK_FUZZ_COUNT_OF(domains),
    .outcomes = outcomes,
    .outcome_count = HAK_FUZZ_COUNT_OF(outcomes),
    .begin = l25_begin,
    .end = l25_end,
    .verify = l25_verify_all,
    .header = "l25/ops.h",
    .nesting_kind = HAK_FUZZ_NO_NESTING,
};
