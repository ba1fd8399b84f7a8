/* SPDX-License-Identifier: MIT */
/* The BigCache's hash table: freed mappings by size and by age. Layer 3. No
 * lock and no policy: big_cache.c has both.
 *
 *   buckets[FNV-1a(size) & (bucket_count - 1)] -> mapping -> mapping -> ...
 *   oldest <-> ... <-> newest                     the same mappings by age
 *
 * Starts with 256 buckets in static memory; doubles while there are more
 * entries than buckets, to 65,536; halves when it is seven eighths empty. The
 * hash is FNV-1a, 64 bit (Fowler, Noll, Vo; draft-eastlake-fnv). */
#ifndef HAK_BIG_BIG_TABLE_H
#define HAK_BIG_BIG_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "big/mapping.h"

enum { HAK_BIG_BUCKET_COUNT_MIN = 256, HAK_BIG_BUCKET_COUNT_MAX = 65536 };

struct hak_big_table {
    struct hak_mapping **buckets; /* lock(big): `initial`, or an array from src/os/ */
    struct hak_mapping *initial[HAK_BIG_BUCKET_COUNT_MIN]; /* lock(big) */
    struct hak_mapping *oldest, *newest;                   /* lock(big): by age */
    size_t bucket_count;                                   /* lock(big): a power of two */
    size_t entry_count;                                    /* lock(big), derived: of all buckets */
    size_t cached_bytes;                                   /* lock(big), derived: of all entries */
};

void hak_big_table_init(struct hak_big_table *table);

/* Adds a mapping as the newest. Grows the table if it can; without memory for
 * that the table stays as it is, and hak_big_table_is_overfull() tells. */
void hak_big_table_insert(struct hak_big_table *table, struct hak_mapping *mapping);

/* Removes and returns the mapping of exactly this size that came last, or NULL. */
struct hak_mapping *hak_big_table_take(struct hak_big_table *table, size_t size_bytes);

/* Removes and returns the oldest mapping, or NULL when there is none. */
struct hak_mapping *hak_big_table_take_oldest(struct hak_big_table *table);

/* Makes the oldest mapping, which there is, shorter: only its first `keep_bytes` stay, a
 * multiple of 2 MiB. Its age stays as well. */
void hak_big_table_cut_oldest(struct hak_big_table *table, size_t keep_bytes);

/* More entries than its buckets should hold, and no memory for more buckets. */
bool hak_big_table_is_overfull(const struct hak_big_table *table);

/* Reports the first broken invariant. Checked builds. */
void hak_big_table_verify(const struct hak_big_table *table);

uint64_t hak_big_hash(size_t size_bytes);

#endif
