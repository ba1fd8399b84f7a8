/* SPDX-License-Identifier: MIT */
/* fuzz_region's tables. New rows go at the end: inputs made earlier then keep
 * their meaning. */
#include "harness/table.h"
#include "ops.h"

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define USER_END (UINT64_C(1) << 47)

static const uint64_t ends[] = {USER_END, USER_END * 2, UINT64_C(1) << 63, UINT64_MAX - USER_END};
static const uint64_t leaf_ends[] = {GIB, 2 * GIB, 3 * GIB, 4 * GIB, USER_END - GIB};
static const struct hak_fuzz_bucket address_buckets[] = {
    HAK_FUZZ_RANGE("first 64 MiB", 12, 0, 64 * MIB - 1), /* operations meet there */
    HAK_FUZZ_RANGE("NULL's granule", 1, 0, 65535),
    HAK_FUZZ_NEAR("end of a leaf -4 MiB..+4 MiB", 8, 4 * MIB, leaf_ends),
    HAK_FUZZ_RANGE("below 8 GiB", 3, 0, 8 * GIB),
    HAK_FUZZ_RANGE("any user address", 3, 0, USER_END - 1),
    HAK_FUZZ_RANGE("last 64 MiB", 3, USER_END - 64 * MIB, USER_END - 1),
    HAK_FUZZ_NEAR("end of user space -1..+1", 2, 1, ends),
    HAK_FUZZ_RANGE("not a user address", 1, USER_END, UINT64_MAX),
    HAK_FUZZ_RANGE("any", 1, 0, UINT64_MAX),
};
HAK_FUZZ_DOMAIN(address, "addresses");

static const uint64_t cells[] = {32, 64};
static const struct hak_fuzz_bucket granule_buckets[] = {
    HAK_FUZZ_RANGE("1", 4, 1, 1),
    HAK_FUZZ_NEAR("2 MiB -1..+1 granule", 4, 1, cells),
    HAK_FUZZ_RANGE("2..512", 2, 2, 512),
    HAK_FUZZ_RANGE("1..4 GiB", 1, 16384, 65536),
};
HAK_FUZZ_DOMAIN(granule, "granules");

static const struct hak_fuzz_bucket count_buckets[] = {
    HAK_FUZZ_RANGE("0", 1, 0, 0),
    HAK_FUZZ_RANGE("1..4", 6, 1, 4),
    HAK_FUZZ_RANGE("5..64", 2, 5, 64),
};
HAK_FUZZ_DOMAIN(count, "granules at once");

static const struct hak_fuzz_bucket kind_buckets[] = {
    HAK_FUZZ_RANGE("none", 2, 0, 0),
    HAK_FUZZ_RANGE("a class", 4, 1, 41),
    HAK_FUZZ_RANGE("run, mapping, inside", 2, 61, 63),
};
HAK_FUZZ_DOMAIN(kind, "kinds");

static const struct hak_fuzz_bucket flag_buckets[] = {
    HAK_FUZZ_RANGE("off", 1, 0, 0),
    HAK_FUZZ_RANGE("on", 1, 1, 1),
};
HAK_FUZZ_DOMAIN(flag, "switches");

static const struct hak_fuzz_bucket nth_buckets[] = {
    HAK_FUZZ_RANGE("none", 1, 0, 0),
    HAK_FUZZ_RANGE("the next", 3, 1, 1),
    HAK_FUZZ_RANGE("2nd..4th", 2, 2, 4),
};
HAK_FUZZ_DOMAIN(nth, "faults");

static const struct hak_fuzz_bucket length_buckets[] = {
    HAK_FUZZ_RANGE("1", 3, 1, 1),
    HAK_FUZZ_RANGE("2..4", 2, 2, 4),
    HAK_FUZZ_RANGE("all", 1, UINT32_MAX, UINT32_MAX),
};
HAK_FUZZ_DOMAIN(length, "fault lengths");

HAK_FUZZ_DO_1(region, init)
HAK_FUZZ_DO_2(region, register)
HAK_FUZZ_DO_1(region, unregister)
HAK_FUZZ_DO_3(region, set_kind)
HAK_FUZZ_DO_2(region, take_kind)
HAK_FUZZ_DO_1(region, look_up)
HAK_FUZZ_DO_2(region, fault)
HAK_FUZZ_DO_1(region, fork)

static const struct hak_fuzz_kind kinds[] = {
    HAK_FUZZ_KIND_1(init, 4, "allow_flat", flag),
    HAK_FUZZ_KIND_2(register, 20, "address", address, "granules", granule),
    HAK_FUZZ_KIND_1(unregister, 8, "address", address),
    HAK_FUZZ_KIND_3(set_kind, 20, "address", address, "count", count, "kind", kind),
    HAK_FUZZ_KIND_2(take_kind, 10, "address", address, "matches", flag),
    HAK_FUZZ_KIND_1(look_up, 30, "address", address),
    HAK_FUZZ_KIND_2(fault, 3, "nth", nth, "count", length),
    HAK_FUZZ_KIND_1(fork, 1, "child", flag),
};

static const struct hak_fuzz_domain *const domains[] = {
    &address, &granule, &count, &kind, &flag, &nth, &length,
};

static const char *const outcomes[] = {
#define X(name, text) text,
    REGION_OUTCOMES(X)
#undef X
};

const struct hak_fuzz_target hak_fuzz_target = {
    .name = "region",
    .kinds = kinds,
    .kind_count = HAK_FUZZ_COUNT_OF(kinds),
    .domains = domains,
    .domain_count = HAK_FUZZ_COUNT_OF(domains),
    .outcomes = outcomes,
    .outcome_count = HAK_FUZZ_COUNT_OF(outcomes),
    .begin = region_begin,
    .end = region_end,
    .verify = region_verify_all,
    .header = "region/ops.h",
    .nesting_kind = HAK_FUZZ_NO_NESTING,
};
