/* SPDX-License-Identifier: MIT */
/**
 * @file ops.h
 * The operations of fuzz_bigcache: the hash table alone, with descriptors that
 * stand for nothing, against a plain list by age (table_ops.c); and mappings over
 * the BigCache, real ones, against another (cache_ops.c).
 */
#ifndef HAK_FUZZ_BIGCACHE_OPS_H
#define HAK_FUZZ_BIGCACHE_OPS_H

#include <stddef.h>
#include <stdint.h>

enum { BIGCACHE_SLOT_COUNT = 16 };

void bigcache_begin(void);
void bigcache_end(void);
void bigcache_verify_all(void);

/** `count` entries of `size` bytes, each `spread` granules larger than the last. */
void bigcache_insert(size_t count, size_t size, size_t spread);
/** Takes the newest entry of a size, `count` times. */
void bigcache_take(size_t count, size_t size, size_t spread);
void bigcache_take_oldest(size_t count);

/** A mapping into a slot; what is there is freed first. */
void bigcache_alloc(size_t slot, size_t size, size_t alignment);
void bigcache_free(size_t slot);
void bigcache_resize(size_t slot, size_t size);
/** The clock moves on; with `ticks` the cache hears of it at once. */
void bigcache_clock(size_t ns, size_t ticks);
void bigcache_bounds(size_t bytes_max, size_t age_max_ns);
void bigcache_trim(void);
/** A tick that finds the lock taken: nothing happens. */
void bigcache_busy_tick(void);
/** The cache as fork() leaves it, in the parent or the `child`. */
void bigcache_fork(size_t child);
/** Sizes that nobody can have: refused, and nothing else changes. */
void bigcache_impossible(size_t slot, size_t size);
/** What the small tiers take of the cache. */
void bigcache_piece(void);
/** The `nth` request for memory fails, and `count - 1` more; 0: none. */
void bigcache_fault(size_t nth, size_t count);

/* For ops.c. */
void bigcache_table_begin(void);
void bigcache_table_verify(void);
void bigcache_table_end(void);
void bigcache_cache_begin(void);
void bigcache_cache_verify(void);
void bigcache_cache_end(void);

#define BIGCACHE_OUTCOMES(X)                                                                       \
    X(inserted, "entries inserted")                                                                \
    X(taken, "entry taken by size")                                                                \
    X(absent, "no entry of a size")                                                                \
    X(oldest, "oldest entry taken")                                                                \
    X(collided, "two sizes in one bucket")                                                         \
    X(grew, "buckets doubled")                                                                     \
    X(shrank, "buckets halved")                                                                    \
    X(at_most, "table of 65,536 buckets")                                                          \
    X(overfull, "no memory for more buckets")                                                      \
    X(mapped, "mapping made")                                                                      \
    X(reused, "mapping of the same size reused")                                                   \
    X(grafted, "mapping put together")                                                             \
    X(reused_larger, "larger mapping reused")                                                      \
    X(aligned, "mapping aligned beyond 2 MiB")                                                     \
    X(cached, "mapping cached")                                                                    \
    X(not_cached, "mapping not cached")                                                            \
    X(evicted_bytes, "evicted for bytes")                                                          \
    X(evicted_age, "evicted for age")                                                              \
    X(trimmed, "cache trimmed")                                                                    \
    X(grew_mapping, "mapping grown")                                                               \
    X(shrank_mapping, "mapping shrunk")                                                            \
    X(moved, "mapping moved")                                                                      \
    X(fault_hit, "request for memory failed")                                                      \
    X(fault_survived, "call failed under a fault")                                                 \
    X(impossible, "impossible size refused")                                                       \
    X(cut, "cached mapping cut")                                                                   \
    X(emptied, "cached mapping used up")                                                           \
    X(grafted_moved, "mapping that was put together moved")                                        \
    X(piece, "cached pages taken by another tier")

enum bigcache_outcome {
#define X(name, text) OUTCOME_##name,
    BIGCACHE_OUTCOMES(X)
#undef X
};

#endif
