/* SPDX-License-Identifier: MIT */
/* The BigCache's hash table: see big_table.h. Layer 3. */
#include "big/big_table.h"

#include <string.h>

#include "base/bitmap.h"
#include "base/check.h"
#include "base/constants.h"
#include "os/os_memory.h"

uint64_t hak_big_hash(size_t size_bytes) {
    uint64_t hash = 0xcbf29ce484222325u; /* FNV offset basis and prime, 64 bit */
    for (unsigned byte = 0; byte < sizeof size_bytes; byte++) {
        hash = (hash ^ (size_bytes >> (8 * byte) & 0xFF)) * 0x100000001b3u;
    }
    return hash;
}

static struct hak_mapping **bucket_of(const struct hak_big_table *table, size_t size_bytes) {
    return &table->buckets[hak_big_hash(size_bytes) & (table->bucket_count - 1)];
}

static void push(struct hak_mapping **bucket, struct hak_mapping *mapping) {
    mapping->bucket_next = *bucket;
    *bucket = mapping;
}

void hak_big_table_init(struct hak_big_table *table) {
    memset(table, 0, sizeof *table);
    table->buckets = table->initial;
    table->bucket_count = HAK_BIG_BUCKET_COUNT_MIN;
}

static size_t buckets_size_bytes(size_t count) {
    return (size_t)hak_round_up(count * sizeof(struct hak_mapping *), HAK_OS_PAGE_SIZE_BYTES);
}

/* Every entry is on the age list too, so moving them needs no walk of the old
 * buckets; oldest first keeps the newest at the head of each chain. */
static void rehash(struct hak_big_table *table) {
    size_t moved = 0;
    for (struct hak_mapping *m = table->oldest; m != NULL; m = m->newer) {
        push(bucket_of(table, m->size_bytes), m);
        moved++;
    }
    hak_assert(moved == table->entry_count, BIG_RESIZE_KEEPS, moved, table->entry_count);
}

static void resize(struct hak_big_table *table, size_t new_count) {
    struct hak_mapping **old = table->buckets, **fresh = table->initial;
    size_t old_count = table->bucket_count;
    if (new_count > HAK_BIG_BUCKET_COUNT_MIN) {
        fresh = hak_os_reserve(buckets_size_bytes(new_count), HAK_OS_PAGE_SIZE_BYTES);
        if (fresh == NULL) {
            return; /* works on as it is, only with longer chains */
        }
    } else {
        memset(table->initial, 0, sizeof table->initial);
    }
    table->buckets = fresh;
    table->bucket_count = new_count;
    rehash(table);
    if (old != table->initial) {
        hak_os_release(old, buckets_size_bytes(old_count));
    }
    hak_assert_valid(big_table, table);
}

/* What is known of the sums in O(1), before and after each change; the whole predicate looks
 * at every entry, and runs when the table is resized. */
static void assert_ends(const struct hak_big_table *table) {
    bool is_empty = table->entry_count == 0;
    hak_assert((table->cached_bytes == 0) == is_empty, BIG_SUMS, table->cached_bytes,
               table->entry_count);
    hak_assert((table->oldest == NULL) == is_empty && (table->newest == NULL) == is_empty,
               BIG_SUMS, (uintptr_t)table->oldest, (uintptr_t)table->newest, table->entry_count);
    hak_assert(is_empty || (table->oldest->older == NULL && table->newest->newer == NULL),
               BIG_SUMS, (uintptr_t)table->oldest, (uintptr_t)table->newest);
}

void hak_big_table_insert(struct hak_big_table *table, struct hak_mapping *mapping) {
    assert_ends(table);
    if (table->entry_count >= table->bucket_count &&
        table->bucket_count < HAK_BIG_BUCKET_COUNT_MAX) {
        resize(table, 2 * table->bucket_count);
    }
    push(bucket_of(table, mapping->size_bytes), mapping);
    mapping->newer = NULL;
    mapping->older = table->newest;
    if (table->newest != NULL) {
        table->newest->newer = mapping;
    } else {
        table->oldest = mapping;
    }
    table->newest = mapping;
    table->entry_count++;
    table->cached_bytes += mapping->size_bytes;
    assert_ends(table);
}

/* `link` is what points to the mapping in its bucket's chain. */
static struct hak_mapping *remove_at(struct hak_big_table *table, struct hak_mapping **link) {
    struct hak_mapping *mapping = *link;
    assert_ends(table);
    *link = mapping->bucket_next;
    *(mapping->older != NULL ? &mapping->older->newer : &table->oldest) = mapping->newer;
    *(mapping->newer != NULL ? &mapping->newer->older : &table->newest) = mapping->older;
    mapping->bucket_next = mapping->older = mapping->newer = NULL;
    table->entry_count--;
    table->cached_bytes -= mapping->size_bytes;
    assert_ends(table);
    if (table->bucket_count > HAK_BIG_BUCKET_COUNT_MIN &&
        table->entry_count < table->bucket_count / 8) {
        resize(table, table->bucket_count / 2);
    }
    return mapping;
}

struct hak_mapping *hak_big_table_take(struct hak_big_table *table, size_t size_bytes) {
    struct hak_mapping **link = bucket_of(table, size_bytes);
    while (*link != NULL && (*link)->size_bytes != size_bytes) {
        link = &(*link)->bucket_next;
    }
    return *link != NULL ? remove_at(table, link) : NULL;
}

/* What points to the oldest mapping in its bucket's chain. */
static struct hak_mapping **link_of_oldest(const struct hak_big_table *table) {
    struct hak_mapping **link = bucket_of(table, table->oldest->size_bytes);
    while (*link != table->oldest) {
        hak_assert(*link != NULL, BIG_BUCKET, table->oldest->size_bytes);
        link = &(*link)->bucket_next;
    }
    return link;
}

struct hak_mapping *hak_big_table_take_oldest(struct hak_big_table *table) {
    return table->oldest != NULL ? remove_at(table, link_of_oldest(table)) : NULL;
}

void hak_big_table_cut_oldest(struct hak_big_table *table, size_t keep_bytes) {
    struct hak_mapping *mapping = table->oldest, **link = link_of_oldest(table);
    size_t cut_bytes = mapping->size_bytes - keep_bytes;
    hak_assert(keep_bytes > 0 && keep_bytes < mapping->size_bytes &&
                   keep_bytes % HAK_SUPERSLAB_SIZE_BYTES == 0,
               BIG_CUT, keep_bytes, mapping->size_bytes);
    assert_ends(table);
    *link = mapping->bucket_next;
    mapping->size_bytes = keep_bytes;
    table->cached_bytes -= cut_bytes;
    link = bucket_of(table, keep_bytes);
    while (*link != NULL) { /* chains have the newest first */
        link = &(*link)->bucket_next;
    }
    mapping->bucket_next = NULL;
    *link = mapping;
    assert_ends(table);
}

bool hak_big_table_is_overfull(const struct hak_big_table *table) {
    return table->entry_count > table->bucket_count &&
           table->bucket_count < HAK_BIG_BUCKET_COUNT_MAX;
}

#if HAK_CHECK_LEVEL >= 1
static void verify_buckets(const struct hak_big_table *table) {
    size_t count = 0, bytes = 0;
    for (size_t b = 0; b < table->bucket_count; b++) {
        for (const struct hak_mapping *m = table->buckets[b]; m != NULL; m = m->bucket_next) {
            size_t expected = hak_big_hash(m->size_bytes) & (table->bucket_count - 1);
            hak_verify(expected == b, BIG_BUCKET, m->size_bytes, expected, b);
            count++;
            bytes += m->size_bytes;
        }
    }
    hak_verify(count == table->entry_count, BIG_SUMS, count, table->entry_count);
    hak_verify(bytes == table->cached_bytes, BIG_SUMS, bytes, table->cached_bytes);
}

void hak_big_table_verify(const struct hak_big_table *table) {
    size_t count = 0, bytes = 0;
    hak_verify(hak_is_power_of_two(table->bucket_count) &&
                   table->bucket_count >= HAK_BIG_BUCKET_COUNT_MIN &&
                   table->bucket_count <= HAK_BIG_BUCKET_COUNT_MAX,
               BIG_BUCKET_COUNT, table->bucket_count);
    for (const struct hak_mapping *m = table->oldest; m != NULL; m = m->newer) {
        count++;
        bytes += m->size_bytes;
    }
    hak_verify(count == table->entry_count, BIG_SUMS, count, table->entry_count);
    hak_verify(bytes == table->cached_bytes, BIG_SUMS, bytes, table->cached_bytes);
    verify_buckets(table);
}
#endif
