/* SPDX-License-Identifier: MIT */
/* Walks of whole structures, which checked builds make after every change: while
 * fuzzing one call in so many makes them, because they cost more than the change. The
 * linker puts these before the functions (-Wl,--wrap), where they are called from another
 * file. The targets walk over everything at the end of each input, and the replayer leaves
 * out nothing unless it is told to. */
#include "run.h"

#include "big/big_table.h"
#include "l25/l25_chunk.h"
#include "l25/l25_shard.h"
#include "superslab/superslab.h"
#include "tcache/tcache.h"

#if HAK_CHECK_LEVEL >= 1

enum { EVERY = 16 };

/* Counted from the input's begin, so that what an input does depends on it alone. */
static bool is_sampled(void) {
    return !hak_fuzz_mode.is_fuzzing || hak_fuzz_mode.thorough || hak_fuzz_mode.walks_all ||
           hak_fuzz_walk_number() % EVERY == 0;
}

#define SAMPLED_1(function, type)                                                                  \
    void __real_##function(type);                                                                  \
    void __wrap_##function(type);                                                                  \
    void __wrap_##function(type structure) {                                                       \
        if (is_sampled()) {                                                                        \
            __real_##function(structure);                                                          \
        }                                                                                          \
    }

SAMPLED_1(hak_superslab_verify, const struct hak_superslab *)
SAMPLED_1(hak_chain_verify, const struct hak_chain *)
SAMPLED_1(hak_slab_verify, const struct hak_slab *)
SAMPLED_1(hak_l25_chunk_verify, const struct hak_l25_chunk *)
SAMPLED_1(hak_big_table_verify, const struct hak_big_table *)

void __real_hak_tcache_class_verify(const struct hak_tcache *tcache, uint32_t class_index);
void __wrap_hak_tcache_class_verify(const struct hak_tcache *tcache, uint32_t class_index);
void __wrap_hak_tcache_class_verify(const struct hak_tcache *tcache, uint32_t class_index) {
    if (is_sampled()) {
        __real_hak_tcache_class_verify(tcache, class_index);
    }
}

void __real_hak_tcache_verify_places(const struct hak_tcache *tcache,
                                     const struct hak_chain *chain);
void __wrap_hak_tcache_verify_places(const struct hak_tcache *tcache,
                                     const struct hak_chain *chain);
void __wrap_hak_tcache_verify_places(const struct hak_tcache *tcache,
                                     const struct hak_chain *chain) {
    if (is_sampled()) {
        __real_hak_tcache_verify_places(tcache, chain);
    }
}

/* Of the 64 shards a few are in use; those that have chunks are never left out. */
void __real_hak_l25_shard_verify_locked(const struct hak_l25_shard *shard, uint32_t index);
void __wrap_hak_l25_shard_verify_locked(const struct hak_l25_shard *shard, uint32_t index);
void __wrap_hak_l25_shard_verify_locked(const struct hak_l25_shard *shard, uint32_t index) {
    if (shard->chunk_count != 0 || is_sampled()) {
        __real_hak_l25_shard_verify_locked(shard, index);
    }
}

#endif
