/* SPDX-License-Identifier: MIT */
/* The hash table against a plain list, with descriptors that map nothing:
 * through every resize to 65,536 buckets and back, and without memory. */
#include "big/big_table.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/constants.h"
#include "support/expect.h"
#include "support/os_fault.h"
#include "support/random.h"

enum { ENTRIES_MAX = 80000 };

static struct hak_big_table table;
static struct hak_mapping *entries; /* ENTRIES_MAX of them */

/* What is in the table, as the test believes: links by age, and by size a flag. */
static bool is_in[ENTRIES_MAX];
static uint32_t order[4 * ENTRIES_MAX]; /* queue of insertions; stale ones are skipped */
static uint32_t generation[ENTRIES_MAX], order_generation[4 * ENTRIES_MAX];
static uint32_t order_first, order_end, in_count;
static size_t in_bytes;

static void start(void) {
    entries = calloc(ENTRIES_MAX, sizeof *entries);
    cr_assert_not_null(entries);
    hak_big_table_init(&table);
}

/* Distinct sizes, so that a look-up has one answer. */
static size_t size_of(uint32_t i) {
    return HAK_MIB + (size_t)(i + 1) * HAK_GRANULE_SIZE_BYTES;
}

static uint32_t index_of(const struct hak_mapping *mapping) {
    return (uint32_t)(mapping - entries);
}

static void insert(uint32_t i) {
    entries[i] = (struct hak_mapping){.size_bytes = size_of(i)};
    hak_big_table_insert(&table, &entries[i]);
    is_in[i] = true;
    order_generation[order_end] = ++generation[i];
    order[order_end++] = i;
    in_count++;
    in_bytes += size_of(i);
}

static void note_removed(uint32_t i) {
    is_in[i] = false;
    in_count--;
    in_bytes -= size_of(i);
}

static void take(uint32_t i) {
    struct hak_mapping *mapping = hak_big_table_take(&table, size_of(i));
    expect(mapping == (is_in[i] ? &entries[i] : NULL), "size %zu", size_of(i));
    if (mapping != NULL) {
        expect(mapping->bucket_next == NULL && mapping->older == NULL && mapping->newer == NULL,
               "entry %u is still linked", i);
        note_removed(i);
    }
}

static void take_oldest(void) {
    while (order_first < order_end &&
           (!is_in[order[order_first]] ||
            generation[order[order_first]] != order_generation[order_first])) {
        order_first++;
    }
    struct hak_mapping *mapping = hak_big_table_take_oldest(&table);
    if (order_first == order_end) {
        expect(mapping == NULL, "entry %u in an empty table", index_of(mapping));
        return;
    }
    expect(mapping == &entries[order[order_first]], "entry %u is the oldest", order[order_first]);
    note_removed(order[order_first++]);
}

/* Counts, bounds of the bucket count, and each entry where its hash says. */
static void check_counts(void) {
    expect(table.entry_count == in_count, "%zu entries, not %u", table.entry_count, in_count);
    expect(table.cached_bytes == in_bytes, "%zu bytes, not %zu", table.cached_bytes, in_bytes);
    expect(table.bucket_count >= HAK_BIG_BUCKET_COUNT_MIN &&
               table.bucket_count <= HAK_BIG_BUCKET_COUNT_MAX &&
               (table.bucket_count & (table.bucket_count - 1)) == 0,
           "%zu buckets", table.bucket_count);
    expect(table.entry_count <= table.bucket_count || hak_big_table_is_overfull(&table) ||
               table.bucket_count == HAK_BIG_BUCKET_COUNT_MAX,
           "%zu entries in %zu buckets", table.entry_count, table.bucket_count);
}

static void check_whole(void) {
    size_t found = 0;
    for (size_t b = 0; b < table.bucket_count; b++) {
        for (const struct hak_mapping *m = table.buckets[b]; m != NULL; m = m->bucket_next) {
            expect(is_in[index_of(m)], "entry %u is not in", index_of(m));
            expect((hak_big_hash(m->size_bytes) & (table.bucket_count - 1)) == b, "bucket %zu", b);
            found++;
        }
    }
    expect(found == in_count, "%zu in the buckets, not %u", found, in_count);
    check_counts();
    if (HAK_CHECK_LEVEL >= 1) {
        hak_big_table_verify(&table);
    }
}

/* FNV-1a, 64 bit, of the size's 8 bytes, lowest first; and the published test
 * value of the string of eight zero bytes' neighbour, "a", by hand. */
Test(big_table, hash_is_fnv_1a) {
    static const size_t sizes[] = {0, 1, 0x61, 0x200000, 0x123456789ABCDEF0u, SIZE_MAX};
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
        uint64_t hash = 14695981039346656037u;
        unsigned char bytes[8];
        for (int i = 0; i < 8; i++) {
            bytes[i] = (unsigned char)(sizes[k] >> (8 * i));
            hash ^= bytes[i];
            hash *= 1099511628211u;
        }
        expect(hak_big_hash(sizes[k]) == hash, "size %zx: %lx", sizes[k], hak_big_hash(sizes[k]));
    }
}

Test(big_table, every_resize_up_to_65536_buckets_and_back, .init = start, .timeout = 300) {
    size_t last = table.bucket_count;
    cr_assert_eq(last, 256);
    for (uint32_t i = 0; i < ENTRIES_MAX; i++) {
        insert(i);
        check_counts();
        if (table.bucket_count != last) {
            expect(table.bucket_count == 2 * last, "%zu after %zu", table.bucket_count, last);
            last = table.bucket_count;
            check_whole();
        }
    }
    cr_assert_eq(last, 65536);
    check_whole();
    for (uint32_t i = 0; i < ENTRIES_MAX; i++) {
        if (i % 3 == 0) {
            take(i);
        } else if (i % 3 == 1) {
            take_oldest();
        } else {
            take(ENTRIES_MAX - 1 - i);
        }
        check_counts();
        if (table.bucket_count != last) {
            expect(2 * table.bucket_count == last, "%zu after %zu", table.bucket_count, last);
            last = table.bucket_count;
            check_whole();
        }
    }
    while (in_count > 0) {
        take_oldest();
    }
    cr_assert_eq(table.bucket_count, 256);
    check_whole();
    cr_assert_null(hak_big_table_take_oldest(&table));
}

Test(big_table, random_operations, .init = start, .timeout = 300) {
    struct test_random random;
    test_random_init(&random, 13);
    uint32_t range = 100;
    for (uint32_t i = 0; i < 200000; i++) {
        uint32_t at = test_random_below(&random, range);
        range = i % 20000 == 0 ? 50 + test_random_below(&random, 5000) : range;
        if (test_random_below(&random, 10) == 0) {
            take_oldest();
        } else if (is_in[at]) {
            take(at);
        } else {
            take(at); /* finds nothing */
            insert(at);
        }
        if (i % 1000 == 0) {
            check_whole();
        }
    }
}

Test(big_table, of_one_size_the_newest_is_taken_first_the_oldest_evicted_first, .init = start) {
    enum { COUNT = 1000 };
    for (uint32_t i = 0; i < COUNT; i++) { /* grows twice meanwhile */
        entries[i].size_bytes = 2 * HAK_MIB;
        hak_big_table_insert(&table, &entries[i]);
    }
    for (uint32_t i = 0; i < COUNT / 2; i++) {
        expect(hak_big_table_take(&table, 2 * HAK_MIB) == &entries[COUNT - 1 - i], "taking %u", i);
        expect(hak_big_table_take_oldest(&table) == &entries[i], "evicting %u", i);
    }
    cr_assert_eq(table.entry_count, 0);
}

Test(big_table, without_memory_to_grow_it_works_on_and_says_it_is_overfull, .init = start) {
    test_os_fail_at(TEST_OS_RESERVE, 1, 1);
    for (uint32_t i = 0; i < 5000; i++) {
        insert(i);
        expect(hak_big_table_is_overfull(&table) == (i >= 256), "after %u", i + 1);
    }
    check_whole();
    cr_assert_eq(table.bucket_count, 256);
    for (uint32_t i = 0; i < 5000; i += 2) {
        take(i);
    }
    check_whole();
    test_os_recover();
    for (uint32_t i = 0; i < 5000; i += 2) {
        insert(i);
    }
    cr_assert_not(hak_big_table_is_overfull(&table));
    check_whole();
}

Test(big_table, without_memory_to_shrink_it_works_on, .init = start) {
    for (uint32_t i = 0; i < 3000; i++) {
        insert(i);
    }
    size_t buckets = table.bucket_count;
    test_os_fail_at(TEST_OS_RESERVE, 1, 1);
    for (uint32_t i = 0; i < 2990; i++) {
        take(i);
    }
    cr_assert(table.bucket_count == buckets || table.bucket_count == 256);
    check_whole();
    test_os_recover();
    take(2999);
    take(2998);
    take(2997);
    take(2996);
    cr_assert_eq(table.bucket_count, 256);
    check_whole();
}

/* The bucket arrays go back to the OS; the smallest is part of the table. */
Test(big_table, buckets_are_released, .init = start) {
    int64_t held = test_os_held_bytes();
    for (int round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < 2000; i++) {
            insert(i);
        }
        cr_assert_eq(test_os_held_bytes() - held, (int64_t)(2048 * sizeof(void *)));
        while (in_count > 0) {
            take_oldest();
        }
        cr_assert_eq(test_os_held_bytes(), held);
    }
}
