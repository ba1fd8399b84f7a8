/* SPDX-License-Identifier: MIT */
/* fuzz_api's tables: what arguments may be, and which operations there are.
 * New rows go at the end: inputs made earlier then keep their meaning. */
#include "harness/target.h"
#include "model.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])
#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)

/* The size classes as DESIGN.md section 3 gives them: 8, every 16 to 128, four
 * per doubling to 32 KiB. Written out here, not taken from the allocator. */
static const uint64_t class_edges[] = {
    8,    16,   32,   48,   64,   80,    96,    112,   128,   160,   192,   224,   256,   320,
    384,  448,  512,  640,  768,  896,   1024,  1280,  1536,  1792,  2048,  2560,  3072,  3584,
    4096, 5120, 6144, 7168, 8192, 10240, 12288, 14336, 16384, 20480, 24576, 28672, 32768,
};
static const uint64_t tier_edges[] = {32 * KIB, MIB, 2 * MIB};
static const uint64_t granules[] = {64 * KIB,  128 * KIB, 192 * KIB, 256 * KIB,
                                    512 * KIB, 960 * KIB, MIB};
static const uint64_t impossible_sizes[] = {UINT64_MAX,          UINT64_MAX - 16,
                                            UINT64_MAX - 4096,   UINT64_MAX - 2 * MIB,
                                            (uint64_t)INT64_MAX, (uint64_t)INT64_MAX + 4096,
                                            UINT64_C(1) << 62,   UINT64_C(1) << 47};

static const struct hak_fuzz_bucket size_buckets[] = {
    {"0", 0, 0, 5, NULL, 0},
    {"1..8", 1, 8, 12, NULL, 0},
    {"9..128", 9, 128, 40, NULL, 0},
    {"129..1024", 129, 1024, 40, NULL, 0},
    {"class edge -1..+1", 1, 1, 50, class_edges, COUNT_OF(class_edges)},
    {"1025..32 KiB", 1025, 32 * KIB, 20, NULL, 0},
    {"tier edge -1..+1", 1, 1, 1, tier_edges, COUNT_OF(tier_edges)},
    {"tier edge -64..+64", 64, 64, 1, tier_edges, COUNT_OF(tier_edges)},
    {"granules -1..+1", 1, 1, 2, granules, COUNT_OF(granules)},
    {"32 KiB+1..1 MiB", 32 * KIB + 1, MIB, 3, NULL, 0},
    {"1 MiB+1..4 MiB", MIB + 1, 4 * MIB, 1, NULL, 0},
    {"4 MiB+1..64 MiB", 4 * MIB + 1, 64 * MIB, 1, NULL, 0},
    {"impossible", 0, 0, 3, impossible_sizes, COUNT_OF(impossible_sizes)},
    {"impossible -32..+32", 32, 32, 3, impossible_sizes, COUNT_OF(impossible_sizes) - 1},
};
static const struct hak_fuzz_domain sizes = {"sizes", size_buckets, COUNT_OF(size_buckets)};

/* Beside an alignment: other allocators failed where the size equals it. */
static const uint64_t powers[] = {16,   32,   64,   128,   256,   512,      1024,
                                  2048, 4096, 8192, 16384, 32768, 64 * KIB, MIB};
static const struct hak_fuzz_bucket aligned_size_buckets[] = {
    {"power of two", 0, 0, 12, powers, COUNT_OF(powers)},
    {"power of two -1..+1", 1, 1, 4, powers, COUNT_OF(powers)},
    {"0", 0, 0, 1, NULL, 0},
    {"1..1024", 1, 1024, 10, NULL, 0},
    {"class edge -1..+1", 1, 1, 8, class_edges, COUNT_OF(class_edges)},
    {"1025..32 KiB", 1025, 32 * KIB, 4, NULL, 0},
    {"32 KiB+1..1 MiB", 32 * KIB + 1, MIB, 2, NULL, 0},
    {"1 MiB+1..4 MiB", MIB + 1, 4 * MIB, 1, NULL, 0},
    {"impossible -32..+32", 32, 32, 1, impossible_sizes, COUNT_OF(impossible_sizes) - 1},
};
static const struct hak_fuzz_domain aligned_sizes = {
    "sizes beside an alignment", aligned_size_buckets, COUNT_OF(aligned_size_buckets)};

static const struct hak_fuzz_bucket burst_size_buckets[] = {
    {"0..8", 0, 8, 2, NULL, 0},
    {"9..128", 9, 128, 5, NULL, 0},
    {"129..1024", 129, 1024, 3, NULL, 0},
    {"class edge to 4 KiB -1..+1", 1, 1, 4, class_edges, 29},
    {"1025..32 KiB", 1025, 32 * KIB, 1, NULL, 0},
};
static const struct hak_fuzz_domain burst_sizes = {"burst sizes", burst_size_buckets,
                                                   COUNT_OF(burst_size_buckets)};

/* One bucket for each power of two: a generator that never makes one of them
 * is found out by the audit. */
#define POWER(shift, weight)                                                                       \
    { "2^" #shift, UINT64_C(1) << (shift), UINT64_C(1) << (shift), weight, NULL, 0 }
static const uint64_t not_powers[] = {0, 3, 5, 12, 24, 48, 96, 100, 1000, 4095, 4097, 65537};
static const uint64_t impossible_alignments[] = {UINT64_C(1) << 47, UINT64_C(1) << 62,
                                                 UINT64_C(1) << 63};
static const struct hak_fuzz_bucket alignment_buckets[] = {
    POWER(0, 3),
    POWER(1, 3),
    POWER(2, 3),
    POWER(3, 6),
    POWER(4, 10),
    POWER(5, 12),
    POWER(6, 14),
    POWER(7, 12),
    POWER(8, 12),
    POWER(9, 12),
    POWER(10, 12),
    POWER(11, 10),
    POWER(12, 12),
    POWER(13, 3),
    POWER(14, 3),
    POWER(15, 3),
    POWER(16, 3),
    POWER(17, 1),
    POWER(18, 1),
    POWER(19, 1),
    POWER(20, 1),
    POWER(21, 1),
    POWER(22, 1),
    POWER(25, 1),
    {"not a power of two", 0, 0, 8, not_powers, COUNT_OF(not_powers)},
    {"impossible", 0, 0, 3, impossible_alignments, COUNT_OF(impossible_alignments)},
};
static const struct hak_fuzz_domain alignments = {"alignments", alignment_buckets,
                                                  COUNT_OF(alignment_buckets)};

/* Factors whose product with 8, 16 or 2^32 wraps to something small. */
static const uint64_t wrapping_factors[] = {
    UINT64_C(1) << 32,   (UINT64_C(1) << 32) + 1, UINT64_MAX / 8 + 2, UINT64_MAX / 16 + 2,
    UINT64_MAX / 64 + 2, UINT64_MAX / 2 + 1,      UINT64_MAX};
static const struct hak_fuzz_bucket count_buckets[] = {
    {"0", 0, 0, 2, NULL, 0},
    {"1", 1, 1, 20, NULL, 0},
    {"2..16", 2, 16, 12, NULL, 0},
    {"17..1000", 17, 1000, 3, NULL, 0},
    {"wrapping", 0, 0, 3, wrapping_factors, COUNT_OF(wrapping_factors)},
};
static const struct hak_fuzz_domain counts = {"counts", count_buckets, COUNT_OF(count_buckets)};

static const struct hak_fuzz_bucket slot_buckets[] = {
    {"0..3", 0, 3, 1, NULL, 0}, /* few slots: operations meet on them */
    {"0..31", 0, API_SLOT_COUNT - 1, 1, NULL, 0},
};
static const struct hak_fuzz_domain slots = {"slots", slot_buckets, COUNT_OF(slot_buckets)};

static const struct hak_fuzz_bucket burst_count_buckets[] = {
    {"1..8", 1, 8, 6, NULL, 0},
    {"9..64", 9, 64, 6, NULL, 0},
    {"65..300", 65, 300, 2, NULL, 0},
    {"301..1024", 301, API_BURST_MAX, 1, NULL, 0},
};
static const struct hak_fuzz_domain burst_counts = {"burst counts", burst_count_buckets,
                                                    COUNT_OF(burst_count_buckets)};

static const struct hak_fuzz_bucket order_buckets[] = {
    {"oldest first", 0, 0, 1, NULL, 0},
    {"newest first", 1, 1, 1, NULL, 0},
    {"scattered", 2, 1000, 1, NULL, 0},
};
static const struct hak_fuzz_domain orders = {"burst orders", order_buckets,
                                              COUNT_OF(order_buckets)};

static const struct hak_fuzz_bucket step_buckets[] = {
    {"1..4", 1, 4, 1, NULL, 0},
    {"5..24", 5, 24, 1, NULL, 0},
};
static const struct hak_fuzz_domain steps = {"operations on a thread", step_buckets,
                                             COUNT_OF(step_buckets)};

static const struct hak_fuzz_bucket keep_buckets[] = {
    {"0", 0, 0, 3, NULL, 0},
    {"1..4 MiB", 1, 4 * MIB, 1, NULL, 0},
    {"SIZE_MAX", UINT64_MAX, UINT64_MAX, 1, NULL, 0},
};
static const struct hak_fuzz_domain keeps = {"bytes to keep", keep_buckets, COUNT_OF(keep_buckets)};

static const struct hak_fuzz_bucket fault_buckets[] = {
    {"none", 0, 0, 1, NULL, 0},
    {"the next", 1, 1, 3, NULL, 0},
    {"2nd..8th", 2, 8, 2, NULL, 0},
};
static const struct hak_fuzz_domain faults = {"faults", fault_buckets, COUNT_OF(fault_buckets)};

static const struct hak_fuzz_bucket fault_count_buckets[] = {
    {"1", 1, 1, 2, NULL, 0},
    {"2..8", 2, 8, 1, NULL, 0},
    {"all", UINT32_MAX, UINT32_MAX, 1, NULL, 0},
};
static const struct hak_fuzz_domain fault_counts = {"fault lengths", fault_count_buckets,
                                                    COUNT_OF(fault_count_buckets)};

#define MILLISECOND UINT64_C(1000000)
#define SECOND (1000 * MILLISECOND)
static const uint64_t clock_edges[] = {SECOND, 2 * SECOND, 10 * SECOND};
static const struct hak_fuzz_bucket clock_buckets[] = {
    {"under 1 s", 1, SECOND - 1, 1, NULL, 0},
    {"1, 2, 10 s -1..+1 ns", 1, 1, 1, clock_edges, COUNT_OF(clock_edges)},
    {"1 s..1 h", SECOND, 3600 * SECOND, 1, NULL, 0},
};
static const struct hak_fuzz_domain clock_steps = {"clock steps", clock_buckets,
                                                   COUNT_OF(clock_buckets)};

/* --- Operations --------------------------------------------------------------- */

#define DO_0(kind)                                                                                 \
    static void do_##kind(const struct hak_fuzz_op *op) {                                          \
        (void)op;                                                                                  \
        api_##kind();                                                                              \
    }
#define DO_1(kind)                                                                                 \
    static void do_##kind(const struct hak_fuzz_op *op) {                                          \
        api_##kind(op->args[0]);                                                                   \
    }
#define DO_2(kind)                                                                                 \
    static void do_##kind(const struct hak_fuzz_op *op) {                                          \
        api_##kind(op->args[0], op->args[1]);                                                      \
    }
#define DO_3(kind)                                                                                 \
    static void do_##kind(const struct hak_fuzz_op *op) {                                          \
        api_##kind(op->args[0], op->args[1], op->args[2]);                                         \
    }

DO_2(malloc)
DO_3(calloc)
DO_2(realloc)
DO_3(reallocarray)
DO_3(aligned_alloc)
DO_3(memalign)
DO_3(posix_memalign)
DO_2(valloc)
DO_2(pvalloc)
DO_1(free)
DO_1(free_sized)
DO_1(rewrite)
DO_1(trim)
DO_0(mallinfo2)
DO_0(heap_check)
DO_2(burst)
DO_2(burst_free)
DO_1(thread)
DO_0(fork)
DO_2(fault)
DO_1(clock)

#define SLOT                                                                                       \
    { "slot", &slots }
#define SIZE                                                                                       \
    { "size", &sizes }
#define ALIGNED_SIZE                                                                               \
    { "size", &aligned_sizes }
#define ALIGNMENT                                                                                  \
    { "alignment", &alignments }
#define COUNT                                                                                      \
    { "count", &counts }
#define NOTHING                                                                                    \
    { NULL, NULL }

static const struct hak_fuzz_kind kinds[] = {
    {"malloc", 45, {SLOT, SIZE, NOTHING}, do_malloc},
    {"calloc", 18, {SLOT, COUNT, SIZE}, do_calloc},
    {"realloc", 35, {SLOT, SIZE, NOTHING}, do_realloc},
    {"reallocarray", 6, {SLOT, COUNT, SIZE}, do_reallocarray},
    {"aligned_alloc", 16, {SLOT, ALIGNMENT, ALIGNED_SIZE}, do_aligned_alloc},
    {"memalign", 5, {SLOT, ALIGNMENT, ALIGNED_SIZE}, do_memalign},
    {"posix_memalign", 8, {SLOT, ALIGNMENT, ALIGNED_SIZE}, do_posix_memalign},
    {"valloc", 2, {SLOT, SIZE, NOTHING}, do_valloc},
    {"pvalloc", 2, {SLOT, SIZE, NOTHING}, do_pvalloc},
    {"free", 40, {SLOT, NOTHING, NOTHING}, do_free},
    {"free_sized", 8, {SLOT, NOTHING, NOTHING}, do_free_sized},
    {"rewrite", 6, {SLOT, NOTHING, NOTHING}, do_rewrite},
    {"trim", 1, {{"keep", &keeps}, NOTHING, NOTHING}, do_trim},
    {"mallinfo2", 1, {NOTHING, NOTHING, NOTHING}, do_mallinfo2},
    {"heap_check", 1, {NOTHING, NOTHING, NOTHING}, do_heap_check},
    {"burst", 5, {{"count", &burst_counts}, {"size", &burst_sizes}, NOTHING}, do_burst},
    {"burst_free", 5, {{"count", &burst_counts}, {"order", &orders}, NOTHING}, do_burst_free},
    {"thread", 2, {{"count", &steps}, NOTHING, NOTHING}, do_thread},
    {"fork", 1, {NOTHING, NOTHING, NOTHING}, do_fork},
    {"fault", 2, {{"nth", &faults}, {"count", &fault_counts}, NOTHING}, do_fault},
    {"clock", 2, {{"ns", &clock_steps}, NOTHING, NOTHING}, do_clock},
};
enum { KIND_THREAD = 17 };

static const struct hak_fuzz_domain *const domains[] = {
    &sizes,  &aligned_sizes, &burst_sizes, &alignments, &counts,       &slots,       &burst_counts,
    &orders, &steps,         &keeps,       &faults,     &fault_counts, &clock_steps,
};

static const char *const outcomes[] = {
#define X(name, text) text,
    API_OUTCOMES(X)
#undef X
};

const struct hak_fuzz_target hak_fuzz_target = {
    .name = "api",
    .kinds = kinds,
    .kind_count = COUNT_OF(kinds),
    .domains = domains,
    .domain_count = COUNT_OF(domains),
    .outcomes = outcomes,
    .outcome_count = COUNT_OF(outcomes),
    .begin = api_begin,
    .end = api_end,
    .verify = api_verify_all,
    .header = "api/api.h",
    .nesting_kind = KIND_THREAD,
};
