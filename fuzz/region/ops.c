/* SPDX-License-Identifier: MIT */
/* The operations of fuzz_region; see ops.h. The list is sorted by address; its
 * ranges never overlap, because the caller of the map sees to that. */
#include "ops.h"

#include <string.h>

#include "harness/fault.h"
#include "harness/target.h"
#include "region/region_map.h"
#include "tables.h"

enum { RANGE_MAX = 128, KINDS_MAX = 64, GRANULE_BYTES = 65536, KIND_MAX = 63 };
static const uint64_t CELL_BYTES = (uint64_t)2 << 20;
static const uint64_t LEAF_BYTES = (uint64_t)1 << 30;
static const uint64_t USER_END = (uint64_t)1 << HAK_ADDRESS_BITS;

struct range {
    uint64_t start;
    uint64_t granules;
    char *owner;
    uint8_t kinds[KINDS_MAX]; /* of its first granules; the others have none */
};

static struct range ranges[RANGE_MAX];
static size_t range_count;
static char owners[RANGE_MAX * 8]; /* addresses to stand for descriptors */
static size_t owner_next;
static bool is_started;

static const void *pointer(uint64_t address) {
    return (const void *)(uintptr_t)address;
}

/* The number of ranges that start at or below an address. */
static size_t upper_bound(uint64_t address) {
    size_t low = 0, high = range_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (ranges[middle].start <= address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct range *range_below(uint64_t address) {
    size_t at = upper_bound(address);
    return at == 0 ? (range_count == 0 ? NULL : &ranges[0]) : &ranges[at - 1];
}

static uint8_t expected_kind(uint64_t address) {
    size_t at = upper_bound(address);
    if (at == 0) {
        return HAK_KIND_NONE;
    }
    uint64_t granule = (address - ranges[at - 1].start) / GRANULE_BYTES;
    return granule < KINDS_MAX && granule < ranges[at - 1].granules ? ranges[at - 1].kinds[granule]
                                                                    : (uint8_t)HAK_KIND_NONE;
}

/* The owner stands at the range's first 2 MiB only. */
static const char *expected_owner(uint64_t address) {
    size_t at = upper_bound(address);
    return at > 0 && address - ranges[at - 1].start < CELL_BYTES ? ranges[at - 1].owner : NULL;
}

static void compare_at(uint64_t address) {
    uint8_t kind = expected_kind(address);
    const char *owner = expected_owner(address);
    if (hak_region_kind(pointer(address)) != kind ||
        hak_region_kind_slow(pointer(address)) != kind) {
        hak_fuzz_fail("kind of 0x%llx is %d, the slow way %d, not %u", (unsigned long long)address,
                      (int)hak_region_kind(pointer(address)),
                      (int)hak_region_kind_slow(pointer(address)), kind);
    }
    if (hak_region_owner(pointer(address)) != owner ||
        hak_region_owner_slow(pointer(address)) != owner) {
        hak_fuzz_fail("owner of 0x%llx is %p, the slow way %p, not %p", (unsigned long long)address,
                      hak_region_owner(pointer(address)), hak_region_owner_slow(pointer(address)),
                      (const void *)owner);
    }
    hak_fuzz_tally(kind != HAK_KIND_NONE ? OUTCOME_found : OUTCOME_not_found);
    if (address >= USER_END) {
        hak_fuzz_tally(OUTCOME_no_user_address);
    }
}

void region_look_up(size_t address) {
    compare_at(address);
}

/* --- Changes ------------------------------------------------------------------- */

static bool overlaps(uint64_t start, uint64_t end) {
    size_t at = upper_bound(end - 1);
    return at > 0 && (ranges[at - 1].start + ranges[at - 1].granules * GRANULE_BYTES > start ||
                      ranges[at - 1].start + CELL_BYTES > start);
}

static bool is_flat(void) {
    return hak_region_map.flat_limit != 0;
}

void region_register(size_t address, size_t granules) {
    uint64_t start = address / CELL_BYTES * CELL_BYTES, size = granules * GRANULE_BYTES;
    uint64_t taken = (size + CELL_BYTES - 1) / CELL_BYTES * CELL_BYTES; /* no cell is shared */
    uint64_t hits = hak_fuzz_fault_hits();
    if (!is_started || start + taken > USER_END || range_count == RANGE_MAX ||
        overlaps(start, start + taken)) {
        return;
    }
    char *owner = &owners[owner_next++ % sizeof owners];
    region_tables_rooted(start / LEAF_BYTES, (start + size - 1) / LEAF_BYTES);
    if (!hak_region_register(pointer(start), size, owner)) {
        if (hits == hak_fuzz_fault_hits()) {
            hak_fuzz_fail("register: 0x%llx refused, and no fault was injected",
                          (unsigned long long)start);
        }
        hak_fuzz_tally(OUTCOME_refused);
        compare_at(start);
        return;
    }
    size_t at = upper_bound(start);
    memmove(&ranges[at + 1], &ranges[at], (range_count++ - at) * sizeof ranges[0]);
    ranges[at] = (struct range){.start = start, .granules = granules, .owner = owner};
    hak_fuzz_tally(start / LEAF_BYTES != (start + size - 1) / LEAF_BYTES ? OUTCOME_many_leaves
                                                                         : OUTCOME_registered);
    compare_at(start);
    compare_at(start + size - 1);
    compare_at(start + size);
    compare_at(start - 1);
}

/* `kind` 0 clears. Kinds are set where there is none only, as slabs and runs do. */
void region_set_kind(size_t address, size_t count, size_t kind) {
    struct range *range = range_below(address);
    if (range == NULL) {
        return;
    }
    uint64_t most = range->granules < KINDS_MAX ? range->granules : KINDS_MAX;
    uint64_t first = address > range->start ? (address - range->start) / GRANULE_BYTES % most : 0;
    uint64_t end = first + count < most ? first + count : most;
    for (uint64_t g = first; g < end && kind != HAK_KIND_NONE; g++) {
        if (range->kinds[g] != HAK_KIND_NONE) {
            end = g;
        }
    }
    uint64_t start = range->start + first * GRANULE_BYTES;
    hak_region_set_kind(pointer(start), end - first, (enum hak_kind)kind);
    memset(range->kinds + first, (int)kind, end - first);
    hak_fuzz_tally(OUTCOME_kind_set);
    compare_at(start);
    compare_at(start - 1);
    compare_at(range->start + end * GRANULE_BYTES);
}

void region_take_kind(size_t address, size_t matches) {
    struct range *range = range_below(address);
    if (range == NULL) {
        return;
    }
    uint64_t most = range->granules < KINDS_MAX ? range->granules : KINDS_MAX;
    uint64_t granule = address > range->start ? (address - range->start) / GRANULE_BYTES % most : 0;
    uint64_t start = range->start + granule * GRANULE_BYTES;
    uint8_t kind = range->kinds[granule];
    enum hak_kind wanted =
        (enum hak_kind)(matches != 0 && kind != HAK_KIND_NONE ? kind : kind % KIND_MAX + 1);
    bool taken = hak_region_take_kind(pointer(start), wanted);
    if (taken != (wanted == kind)) {
        hak_fuzz_fail("take: kind %d of a granule of kind %u %s", (int)wanted, kind,
                      taken ? "was taken" : "was not taken");
    }
    if (taken) {
        range->kinds[granule] = HAK_KIND_NONE;
    }
    hak_fuzz_tally(taken ? OUTCOME_kind_taken : OUTCOME_kind_kept);
    compare_at(start);
}

static void remove_range(struct range *range) {
    uint64_t start = range->start;
    uint64_t most = range->granules < KINDS_MAX ? range->granules : KINDS_MAX;
    hak_region_set_kind(pointer(start), most, HAK_KIND_NONE);
    hak_region_unregister(pointer(start));
    size_t at = (size_t)(range - ranges);
    memmove(range, range + 1, (--range_count - at) * sizeof *range);
    hak_fuzz_tally(OUTCOME_unregistered);
    compare_at(start);
}

void region_unregister(size_t address) {
    struct range *range = range_below(address);
    if (range != NULL) {
        remove_range(range);
    }
}

/* --- Starting anew --------------------------------------------------------------- */

static void start(bool allow_flat) {
    uint64_t hits = hak_fuzz_fault_hits();
    region_tables_reset();
    hak_region_map = (struct hak_region_map){0};
    is_started = hak_region_init(allow_flat);
    uint64_t failed = hak_fuzz_fault_hits() - hits;
    bool should_start = failed < (allow_flat ? 2 : 1), should_be_flat = allow_flat && failed == 0;
    if (is_started != should_start || (is_started && is_flat() != should_be_flat)) {
        hak_fuzz_fail("init: flat %d, allowed %d, after %llu faults; started %d", is_flat(),
                      allow_flat, (unsigned long long)failed, is_started);
    }
    hak_fuzz_tally(!is_started                ? OUTCOME_no_start
                   : is_flat()                ? OUTCOME_flat
                   : allow_flat && failed > 0 ? OUTCOME_fallback
                                              : OUTCOME_two_level);
}

static void forget_all(void) {
    while (range_count > 0) {
        remove_range(&ranges[range_count - 1]);
    }
}

void region_init(size_t allow_flat) {
    forget_all();
    start(allow_flat != 0);
}

void region_fork(size_t child) {
    hak_region_lock();
    (child != 0 ? hak_region_reset_in_child : hak_region_unlock)();
    if (range_count > 0) { /* hangs when the lock is still taken and a leaf is missing */
        compare_at(ranges[0].start);
    }
}

void region_fault(size_t nth, size_t count) {
    static uint64_t hits_seen;
    hak_fuzz_fault_mmap_after(nth, count);
    for (; hits_seen < hak_fuzz_fault_hits(); hits_seen++) {
        hak_fuzz_tally(OUTCOME_fault_hit);
    }
}

void region_begin(void) {
    hak_fuzz_sparse_from(region_reserve_sparse);
    range_count = owner_next = 0;
    start(true);
}

void region_verify_all(void) {
    for (size_t i = 0; i < range_count; i++) {
        for (uint64_t g = 0; g <= ranges[i].granules && g <= KINDS_MAX; g++) {
            compare_at(ranges[i].start + g * GRANULE_BYTES);
        }
        compare_at(ranges[i].start - 1);
        compare_at(ranges[i].start + CELL_BYTES);
    }
}

void region_end(void) {
    region_fault(0, 0);
    region_verify_all();
    forget_all();
}
