/* SPDX-License-Identifier: MIT */
/* fuzz_bigcache's hash table, against a list by age; see ops.h. The hash is
 * written out here from draft-eastlake-fnv. */
#include "ops.h"

#include <string.h>

#include "big/big_table.h"
#include "harness/fault.h"
#include "harness/run.h"
#include "harness/target.h"

enum {
    GRANULE_BYTES = 65536,
    ENTRY_MAX = 70000,
    BUCKETS_MIN = 256,
    BUCKETS_MAX = 65536,
    MANY = 4096, /* more at once cost seconds under faults: only one input in so many */
    MANY_EVERY = 512,
    LONG = 512,      /* a list or a chain that each take looks through for long, */
    LONG_EVERY = 32, /* while fuzzing, other inputs have these many at most: */
    SHORT = 32,      /* of one size, */
    MEDIUM = 300,    /* and of many in the whole ones (run.h) */
    FEW = 16,        /* or in all others, where SHORT is so few, too */
    TAKEN_MAX = 16,  /* so only so many of a long list at once */
};

static struct hak_big_table table;
static struct hak_mapping descriptors[ENTRY_MAX];
static size_t list[ENTRY_MAX]; /* sizes in order of insertion; 0: taken */
static size_t list_end, list_first, entry_count, entry_bytes, bucket_count;
static unsigned inputs_since_many, inputs_since_long;

static uint64_t fnv1a(uint64_t value) {
    uint64_t hash = UINT64_C(14695981039346656037);
    for (int byte = 0; byte < 8; byte++) {
        hash ^= value & 255;
        hash *= UINT64_C(1099511628211);
        value >>= 8;
    }
    return hash;
}

static void compare_counts(const char *call, uint64_t hits_before) {
    if (hits_before != hak_fuzz_fault_hits() && table.bucket_count != bucket_count) {
        hak_fuzz_tally(OUTCOME_fault_survived);
        bucket_count = table.bucket_count; /* a resize that got no memory */
    }
    if (table.entry_count != entry_count || table.cached_bytes != entry_bytes ||
        table.bucket_count != bucket_count) {
        hak_fuzz_fail("%s: %zu entries, %zu bytes, %zu buckets; not %zu, %zu, %zu", call,
                      table.entry_count, table.cached_bytes, table.bucket_count, entry_count,
                      entry_bytes, bucket_count);
    }
    bool is_overfull = entry_count > bucket_count && bucket_count < BUCKETS_MAX;
    if (hak_big_table_is_overfull(&table) != is_overfull) {
        hak_fuzz_fail("%s: %zu entries in %zu buckets: overfull is %d", call, entry_count,
                      bucket_count, !is_overfull);
    }
    if (is_overfull) {
        hak_fuzz_tally(OUTCOME_overfull);
    }
}

/* Doubles when there is an entry for each bucket. */
static void insert_one(size_t size) {
    struct hak_mapping *mapping = &descriptors[list_end];
    uint64_t hits = hak_fuzz_fault_hits();
    if (entry_count >= bucket_count && bucket_count < BUCKETS_MAX) {
        bucket_count *= 2;
        hak_fuzz_tally(OUTCOME_grew);
    }
    memset(mapping, 0, sizeof *mapping);
    mapping->size_bytes = size;
    hak_big_table_insert(&table, mapping);
    list[list_end++] = size;
    entry_count++;
    entry_bytes += size;
    compare_counts("insert", hits);
}

void bigcache_insert(size_t count, size_t size, size_t spread) {
    if (count > MANY && !hak_fuzz_is_thorough()) {
        if (inputs_since_many < MANY_EVERY) {
            return;
        }
        inputs_since_many = 0;
    }
    /* Entries of one size are one chain, and each take looks through it. */
    bool may_be_long = !hak_fuzz_is_fuzzing() || inputs_since_long >= LONG_EVERY;
    size_t longest = may_be_long || hak_fuzz_is_thorough() ? LONG
                     : hak_fuzz_is_whole()                 ? SHORT
                                                           : FEW;
    if (spread == 0 && count > longest) {
        count = longest;
    } else if (spread != 0 && !may_be_long && !hak_fuzz_is_thorough()) {
        size_t most = hak_fuzz_is_whole() ? MEDIUM : FEW;
        count = most < count ? most : count;
    }
    inputs_since_long = may_be_long && count > SHORT ? 0 : inputs_since_long;
    for (size_t i = 0; i < count && list_end < ENTRY_MAX; i++) {
        insert_one(size + i * spread * GRANULE_BYTES);
    }
    if (bucket_count == BUCKETS_MAX) {
        hak_fuzz_tally(OUTCOME_at_most);
    }
    hak_fuzz_tally(OUTCOME_inserted);
}

/* Halves when seven eighths of the buckets have no entry. */
static void remove_expected(size_t index, const struct hak_mapping *found, const char *call,
                            uint64_t hits) {
    if (found != &descriptors[index]) {
        hak_fuzz_fail("%s: entry %td of %zu bytes, not %zu of %zu bytes", call,
                      found == NULL ? -1 : found - descriptors,
                      found == NULL ? 0 : found->size_bytes, index, list[index]);
    }
    entry_count--;
    entry_bytes -= list[index];
    list[index] = 0;
    if (bucket_count > BUCKETS_MIN && entry_count < bucket_count / 8) {
        bucket_count /= 2;
        hak_fuzz_tally(OUTCOME_shrank);
    }
    compare_counts(call, hits);
}

static bool take_one(size_t size) {
    size_t index = list_end;
    uint64_t hits = hak_fuzz_fault_hits();
    while (index > 0 && list[index - 1] != size) {
        index--;
    }
    struct hak_mapping *found = hak_big_table_take(&table, size);
    if (index == 0) {
        if (found != NULL) {
            hak_fuzz_fail("take: an entry of %zu bytes for %zu, of which there is none",
                          found->size_bytes, size);
        }
        hak_fuzz_tally(OUTCOME_absent);
        return false;
    }
    remove_expected(index - 1, found, "take", hits);
    hak_fuzz_tally(OUTCOME_taken);
    return true;
}

void bigcache_take(size_t count, size_t size, size_t spread) {
    bool found = true;
    count = list_end > LONG && count > TAKEN_MAX ? TAKEN_MAX : count;
    for (size_t i = 0; i < count && found; i++) {
        found = take_one(size + i * spread * GRANULE_BYTES);
    }
}

void bigcache_take_oldest(size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint64_t hits = hak_fuzz_fault_hits();
        struct hak_mapping *found = hak_big_table_take_oldest(&table);
        while (list_first < list_end && list[list_first] == 0) {
            list_first++;
        }
        if (list_first == list_end) {
            if (found != NULL) {
                hak_fuzz_fail("take oldest: an entry of %zu bytes from an empty table",
                              found->size_bytes);
            }
            list_first = list_end = 0; /* descriptors are free to be used anew */
            return;
        }
        remove_expected(list_first, found, "take oldest", hits);
        hak_fuzz_tally(OUTCOME_oldest);
    }
}

/* Each entry once, in its bucket, and all of them by age. */
void bigcache_table_verify(void) {
    size_t chained = 0;
    for (size_t b = 0; b < table.bucket_count; b++) {
        for (const struct hak_mapping *m = table.buckets[b]; m != NULL; m = m->bucket_next) {
            if ((fnv1a(m->size_bytes) & (table.bucket_count - 1)) != b) {
                hak_fuzz_fail("bucket: %zu bytes in bucket %zu of %zu", m->size_bytes, b,
                              table.bucket_count);
            }
            if (m->bucket_next != NULL && m->bucket_next->size_bytes != m->size_bytes) {
                hak_fuzz_tally(OUTCOME_collided);
            }
            chained++;
        }
    }
    const struct hak_mapping *at = table.oldest;
    for (size_t i = 0; i < list_end; i++) {
        if (list[i] == 0) {
            continue;
        }
        if (at != &descriptors[i]) {
            hak_fuzz_fail("age: entry %td where %zu should be", at == NULL ? -1 : at - descriptors,
                          i);
        }
        at = at->newer;
    }
    if (at != NULL || chained != entry_count) {
        hak_fuzz_fail("entries: %zu in buckets, not %zu%s", chained, entry_count,
                      at != NULL ? ", and more by age" : "");
    }
}

void bigcache_table_begin(void) {
    hak_big_table_init(&table);
    list_end = list_first = entry_count = entry_bytes = 0;
    bucket_count = BUCKETS_MIN;
    inputs_since_many++;
    inputs_since_long++;
}

/* A table that was refused the memory to shrink while it ran empty shrinks as soon
 * as it is used again. */
void bigcache_table_end(void) {
    bigcache_take_oldest(ENTRY_MAX + 1);
    while (bucket_count > BUCKETS_MIN) {
        insert_one(1);
        bigcache_take_oldest(2);
    }
    if (table.bucket_count != BUCKETS_MIN || table.oldest != NULL || table.newest != NULL) {
        hak_fuzz_fail("end: the empty table has %zu buckets", table.bucket_count);
    }
}
