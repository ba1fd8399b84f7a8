/* SPDX-License-Identifier: MIT */
/* Mappings: blocks above 1 MiB, each with address space of its own. Layer 3.
 * Thread safe.
 *
 * Sizes are rounded up to eight steps per doubling, at least a granule each, above
 * 4 MiB at least 2 MiB: what is not touched costs no memory, freed mappings fit
 * later requests more often, and realloc() has room to grow in place. Mappings
 * start on a multiple of 2 MiB, so each has an owner cell of the region map for
 * itself; only their first granule has a kind.
 *
 * Freed ones go to the BigCache. When it has none of a size, up to 64 MiB are put
 * together from pages of those that it has: each 2 MiB of a mapping may be another
 * area for the kernel (`grafted_bytes`), but no area begins anywhere else. */
#ifndef HAK_BIG_MAPPING_H
#define HAK_BIG_MAPPING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hak_mapping {
    char *base;                          /* const */
    size_t size_bytes;                   /* owner, lock(big) while cached: address space */
    size_t alignment_bytes;              /* const: of base, at least 2 MiB */
    size_t grafted_bytes;                /* owner: put together from others' pages, or 0 */
    _Atomic uint64_t record;             /* atomic; checked builds: src/check/guard.h */
    /* While cached. */
    uint64_t freed_ns;                   /* lock(big) */
    struct hak_mapping *bucket_next;     /* lock(big): its bucket's chain */
    struct hak_mapping *older, *newer;   /* lock(big): by age */
};

/* More is not put together at a time in all: 8,192 areas, an eighth of what Linux gives a
 * process unless told otherwise (vm.max_map_count). The rest is for the program. */
#define HAK_GRAFTED_BYTES_MAX ((size_t)16 << 30)

/* What a request for `size_bytes` takes; 0 when it is above the largest size. Where there is
 * no memory for that, the next multiple of 2 MiB if it is less. */
size_t hak_mapping_round_size(size_t size_bytes);

/* A mapping of at least `size_bytes` aligned to `alignment_bytes` (a power of
 * two). `*is_zero` tells whether it is known to read as zero. NULL without
 * memory. */
void *hak_mapping_alloc(size_t size_bytes, size_t alignment_bytes, bool *is_zero);

/* Takes back a block of kind HAK_KIND_MAPPING; ends the program when none
 * starts there. */
void hak_mapping_free(void *block);

/* 2 MiB, aligned to that, off the oldest cached mapping: resident, and the caller's from now
 * on. NULL when nothing is cached, and when the oldest was smaller: it is given back then. */
char *hak_mapping_take_cached(void);

/* The size of the mapping that starts at `block`, or 0 when none does. */
size_t hak_mapping_size_bytes(const void *block);

/* Resizes with mremap; may move; contents are kept. A block that has the new size and no
 * more than its rounded size stays as it is. NULL, with the block as it
 * was, when there is no memory. The new size must be above 1 MiB. */
void *hak_mapping_resize(void *block, size_t new_size_bytes);

/* The block's record for checked builds. */
_Atomic uint64_t *hak_mapping_record(const void *block);

/* Gives the address space and the descriptor back. */
void hak_mapping_destroy(struct hak_mapping *mapping);

/* Every field: owner, who asked. */
struct hak_mapping_counts {
    uint64_t live_count, live_bytes;
};
void hak_mapping_count(struct hak_mapping_counts *counts);

#endif
