/* SPDX-License-Identifier: MIT */
/* fuzz_bigcache's tables. New rows go at the end: inputs made earlier then keep
 * their meaning. */
#include "harness/table.h"
#include "ops.h"

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)
#define MILLISECOND UINT64_C(1000000)

/* The ends of steps: eight a doubling. */
static const uint64_t steps[] = {
    MIB + 128 * KIB, MIB + 256 * KIB,     2 * MIB, 2 * MIB + 256 * KIB, 2 * MIB + 512 * KIB,
    4 * MIB,         4 * MIB + 512 * KIB, 8 * MIB};
static const struct hak_fuzz_bucket size_buckets[] = {
    HAK_FUZZ_NEAR("step -1..+1", 8, 1, steps),
    HAK_FUZZ_RANGE("1 MiB+1..2 MiB", 4, MIB + 1, 2 * MIB),
    HAK_FUZZ_RANGE("2 MiB+1..8 MiB", 3, 2 * MIB + 1, 8 * MIB),
    HAK_FUZZ_RANGE("8 MiB+1..64 MiB", 1, 8 * MIB + 1, 64 * MIB),
    HAK_FUZZ_RANGE("64 MiB+1..1 GiB", 1, 64 * MIB + 1, 1024 * MIB),
};
HAK_FUZZ_DOMAIN(size, "sizes");

/* Few sizes, so that entries of one meet; and any. */
static const struct hak_fuzz_bucket key_buckets[] = {
    HAK_FUZZ_RANGE("one of 4", 3, 1, 4),
    HAK_FUZZ_NEAR("step", 2, 0, steps),
    HAK_FUZZ_RANGE("any", 1, 1, UINT64_C(1) << 46),
};
HAK_FUZZ_DOMAIN(key, "keys");

static const uint64_t loads[] = {32, 64, 128, 256, 512, 1024};
static const struct hak_fuzz_bucket count_buckets[] = {
    HAK_FUZZ_RANGE("1..8", 120, 1, 8),
    HAK_FUZZ_RANGE("9..255", 30, 9, 255),
    HAK_FUZZ_NEAR("load -1..+1", 20, 1, loads),
    HAK_FUZZ_RANGE("256..2100", 3, 256, 2100),
    HAK_FUZZ_RANGE("65536..66000", 1, 65536, 66000),
};
HAK_FUZZ_DOMAIN(count, "entries");

static const struct hak_fuzz_bucket spread_buckets[] = {
    HAK_FUZZ_RANGE("0", 1, 0, 0),
    HAK_FUZZ_RANGE("1", 2, 1, 1),
    HAK_FUZZ_RANGE("2..9", 1, 2, 9),
};
HAK_FUZZ_DOMAIN(spread, "spreads");

static const struct hak_fuzz_bucket slot_buckets[] = {
    HAK_FUZZ_RANGE("0..3", 2, 0, 3),
    HAK_FUZZ_RANGE("0..15", 1, 0, BIGCACHE_SLOT_COUNT - 1),
};
HAK_FUZZ_DOMAIN(slot, "slots");

static const struct hak_fuzz_bucket alignment_buckets[] = {
    HAK_FUZZ_RANGE("up to 2 MiB", 20, 16, 16),
    HAK_FUZZ_RANGE("2 MiB", 2, 2 * MIB, 2 * MIB),
    HAK_FUZZ_RANGE("4 MiB", 2, 4 * MIB, 4 * MIB),
    HAK_FUZZ_RANGE("64 MiB", 1, 64 * MIB, 64 * MIB),
};
HAK_FUZZ_DOMAIN(alignment, "alignments");

static const uint64_t ages[] = {500 * MILLISECOND, 250 * MILLISECOND};
static const struct hak_fuzz_bucket step_buckets[] = {
    HAK_FUZZ_RANGE("under 500 ms", 2, 0, 499 * MILLISECOND),
    HAK_FUZZ_NEAR("age -1..+1 ns", 3, 1, ages),
    HAK_FUZZ_RANGE("500 ms..1 h", 1, 500 * MILLISECOND, 3600000 * MILLISECOND),
};
HAK_FUZZ_DOMAIN(step, "clock steps");

static const struct hak_fuzz_bucket flag_buckets[] = {
    HAK_FUZZ_RANGE("off", 1, 0, 0),
    HAK_FUZZ_RANGE("on", 1, 1, 1),
};
HAK_FUZZ_DOMAIN(flag, "switches");

static const struct hak_fuzz_bucket bytes_buckets[] = {
    HAK_FUZZ_RANGE("0", 1, 0, 0),
    HAK_FUZZ_NEAR("step -1..+1", 2, 1, steps),
    HAK_FUZZ_RANGE("1..64 MiB", 2, MIB, 64 * MIB),
    HAK_FUZZ_RANGE("64 MiB..4 GiB", 2, 64 * MIB, 4096 * MIB),
};
HAK_FUZZ_DOMAIN(bytes, "bounds in bytes");

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

/* Round_size() goes beyond PTRDIFF_MAX, or has no room to round. */
static const uint64_t limits[] = {INT64_MAX, INT64_MAX - 2 * MIB, UINT64_MAX - 2 * MIB};
static const struct hak_fuzz_bucket impossible_buckets[] = {
    HAK_FUZZ_NEAR("limit -1..+1", 1, 1, limits),
    HAK_FUZZ_RANGE("above PTRDIFF_MAX", 1, (uint64_t)INT64_MAX + 1, UINT64_MAX - 1),
};
HAK_FUZZ_DOMAIN(impossible, "impossible sizes");

HAK_FUZZ_DO_3(bigcache, insert)
HAK_FUZZ_DO_3(bigcache, take)
HAK_FUZZ_DO_1(bigcache, take_oldest)
HAK_FUZZ_DO_3(bigcache, alloc)
HAK_FUZZ_DO_1(bigcache, free)
HAK_FUZZ_DO_2(bigcache, resize)
HAK_FUZZ_DO_2(bigcache, clock)
HAK_FUZZ_DO_2(bigcache, bounds)
HAK_FUZZ_DO_0(bigcache, trim)
HAK_FUZZ_DO_2(bigcache, fault)
HAK_FUZZ_DO_0(bigcache, busy_tick)
HAK_FUZZ_DO_1(bigcache, fork)
HAK_FUZZ_DO_2(bigcache, impossible)
HAK_FUZZ_DO_0(bigcache, piece)

static const struct hak_fuzz_kind kinds[] = {
    HAK_FUZZ_KIND_3(insert, 30, "count", count, "size", key, "spread", spread),
    HAK_FUZZ_KIND_3(take, 30, "count", count, "size", key, "spread", spread),
    HAK_FUZZ_KIND_1(take_oldest, 12, "count", count),
    HAK_FUZZ_KIND_3(alloc, 24, "slot", slot, "size", size, "alignment", alignment),
    HAK_FUZZ_KIND_1(free, 20, "slot", slot),
    HAK_FUZZ_KIND_2(resize, 8, "slot", slot, "size", size),
    HAK_FUZZ_KIND_2(clock, 8, "ns", step, "ticks", flag),
    HAK_FUZZ_KIND_2(bounds, 3, "bytes_max", bytes, "age_max_ns", step),
    HAK_FUZZ_KIND_0(trim, 2),
    HAK_FUZZ_KIND_2(fault, 5, "nth", nth, "count", length),
    HAK_FUZZ_KIND_0(busy_tick, 1),
    HAK_FUZZ_KIND_1(fork, 1, "child", flag),
    HAK_FUZZ_KIND_2(impossible, 1, "slot", slot, "size", impossible),
    HAK_FUZZ_KIND_0(piece, 4),
};

static const struct hak_fuzz_domain *const domains[] = {
    &size, &key, &count, &spread, &slot, &alignment, &step, &flag, &bytes, &nth, &length,
    &impossible,
};

static const char *const outcomes[] = {
#define X(name, text) text,
    BIGCACHE_OUTCOMES(X)
#undef X
};

const struct hak_fuzz_target hak_fuzz_target = {
    .name = "bigcache",
    .kinds = kinds,
    .kind_count = HAK_FUZZ_COUNT_OF(kinds),
    .domains = domains,
    .domain_count = HAK_FUZZ_COUNT_OF(domains),
    .outcomes = outcomes,
    .outcome_count = HAK_FUZZ_COUNT_OF(outcomes),
    .begin = bigcache_begin,
    .end = bigcache_end,
    .verify = bigcache_verify_all,
    .header = "bigcache/ops.h",
    .nesting_kind = HAK_FUZZ_NO_NESTING,
};
