/* SPDX-License-Identifier: MIT */
/* The L2.5 pool: runs, the blocks above the largest size class up to 1 MiB.
 * Layer 3. Thread safe.
 *
 *   shard -> by_room[n] -> chunks whose longest free group is n granules
 *
 * A run is taken from the fullest chunk that fits it (best fit by longest free
 * group: one look at a bitmap of lists). The pool starts with one shard; when
 * try-lock on it fails often (GROW_FAILURES of the last GROW_WINDOW) the number
 * of shards doubles, up to twice the number of processors. A chunk never
 * changes shard, so a run returns to the shard it came from; a thread takes
 * from the shard its number falls on. */
#ifndef HAK_L25_L25_H
#define HAK_L25_L25_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HAK_L25_SHARD_COUNT_MAX = 64 };

/* Call once, before anything else here. */
void hak_l25_init(void);

/* A run of at least `size_bytes` (1 to 1 MiB), aligned to `alignment_bytes` (a
 * power of two up to 1 MiB; a granule at least). `seed` spreads callers over
 * shards. `*is_zero` tells whether it is known to read as zero. NULL without
 * memory. */
void *hak_l25_alloc(size_t size_bytes, size_t alignment_bytes, uint32_t seed, bool *is_zero);

/* Takes a run back; `run` has kind HAK_KIND_RUN. Ends the program when it is
 * not the start of one. */
void hak_l25_free(void *run);

/* The size of a run, or 0 when `run` is not the start of one (now). */
size_t hak_l25_size_bytes(const void *run);

/* Grows or shrinks in place to at least `new_size_bytes`; false if it cannot. */
bool hak_l25_resize(void *run, size_t new_size_bytes);

/* The run's record for checked builds (src/check/guard.h). */
_Atomic uint64_t *hak_l25_record(const void *run);

/* Purges what stayed free since the last tick in one shard after the other. */
void hak_l25_tick(uint64_t now_ns);

/* Gives all free memory back; returns granules purged plus chunks given. */
uint32_t hak_l25_trim(void);

/* Every field: owner, who asked. */
struct hak_l25_counts {
    uint32_t shard_count, chunk_count, run_count;
    size_t live_bytes;
};
void hak_l25_count(struct hak_l25_counts *counts);

/* For fork, and for the walk of hak_heap_check(). */
void hak_l25_lock(void);
void hak_l25_unlock(void);
void hak_l25_reset_in_child(void);
void hak_l25_verify(void);

#endif
