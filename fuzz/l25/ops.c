/* SPDX-License-Identifier: MIT */
/* The operations of fuzz_l25; see ops.h. The interval map is an array of runs:
 * few enough to look at each. */
#include "ops.h"

#include <string.h>

#include "harness/arena.h"
#include "harness/checked.h"
#include "harness/fault.h"
#include "harness/target.h"
#include "heap/heap_start.h"
#include "l25/l25.h"
#include "l25/l25_chunk.h"
#include "meta/meta.h"
#include "os/os_memory.h"
#include "os/os_thread.h"
#include "region/granules.h"
#include "region/region_map.h"

enum {
    GRANULE_BYTES = 65536,
    CHUNK_BYTES = 32 * GRANULE_BYTES,
    FREED_COUNT = 64,
    COUNTED_EVERY = 64
};

struct run {
    char *start; /* NULL: none */
    size_t granules;
    uint32_t shard;
    uint64_t tag;
};

static struct run runs[L25_SLOT_COUNT];
static const char *freed[FREED_COUNT];
static size_t freed_next, reserved_before, meta_before;
static uint64_t now_ns, tag_next;
static uint32_t shards_seen;
static bool was_contended; /* in this input or an earlier one */

static size_t granules_of(size_t size) {
    return (size + GRANULE_BYTES - 1) / GRANULE_BYTES;
}

static char *chunk_of(const char *address) {
    return (char *)((uintptr_t)address / CHUNK_BYTES * CHUNK_BYTES);
}

/* Whether a run other than `self` has granules in [start, end). */
static const struct run *overlapping(const struct run *self, const char *start, const char *end) {
    for (size_t i = 0; i < L25_SLOT_COUNT; i++) {
        const struct run *other = &runs[i];
        if (other != self && other->start != NULL &&
            start < other->start + other->granules * GRANULE_BYTES && other->start < end) {
            return other;
        }
    }
    return NULL;
}

static void count(struct hak_l25_counts *counts) {
    hak_l25_count(counts);
    if (counts->shard_count < shards_seen) {
        hak_fuzz_fail("shards: %u now, there were %u", counts->shard_count, shards_seen);
    }
    shards_seen = counts->shard_count;
}

/* Shards become more after contention only, which this target alone makes, up to two a
 * processor. Not always in the same input: they double when the lock for that is free, too.
 * Asking for their number takes every shard's lock. */
static uint32_t shard_count(void) {
    static uint32_t cpu_count; /* asking for it is a system call */
    cpu_count = cpu_count == 0 ? hak_os_cpu_count() : cpu_count;
    uint32_t most =
        2 * cpu_count < HAK_L25_SHARD_COUNT_MAX ? 2 * cpu_count : HAK_L25_SHARD_COUNT_MAX;
    if (shards_seen == 0 || (was_contended && shards_seen < most)) {
        struct hak_l25_counts counts;
        count(&counts);
    }
    return shards_seen;
}

/* The chunk's own word for its shard: it must never change. */
static uint32_t shard_of(const char *start) {
    const struct hak_l25_chunk *chunk = hak_region_owner(start);
    if (chunk == NULL || chunk->base != chunk_of(start)) {
        hak_fuzz_fail("chunk: %p has no owner in the region map", (const void *)start);
    }
    return chunk->shard;
}

/* --- Contents: the first and the last word ------------------------------------------ */

static void write_tags(struct run *run) {
    size_t last = run->granules * GRANULE_BYTES - sizeof run->tag;
    run->tag = ++tag_next * UINT64_C(0x9E3779B97F4A7C15);
    memcpy(run->start, &run->tag, sizeof run->tag);
    memcpy(run->start + last, &run->tag, sizeof run->tag);
    hak_fuzz_arena_wrote(run->start, sizeof run->tag);
    hak_fuzz_arena_wrote(run->start + last, sizeof run->tag);
}

static void compare_word(const struct run *run, size_t offset, const char *when) {
    uint64_t word;
    memcpy(&word, run->start + offset, sizeof word);
    if (word != run->tag) {
        hak_fuzz_fail("contents: the word at %zu of the run at %p changed (%s)", offset,
                      (void *)run->start, when);
    }
}

static void compare_tags(const struct run *run, const char *when) {
    compare_word(run, 0, when);
    compare_word(run, run->granules * GRANULE_BYTES - sizeof run->tag, when);
}

static void demand_zero(const char *start, size_t granules) {
    for (size_t at = 0; at < granules * GRANULE_BYTES; at += GRANULE_BYTES / 2) {
        uint64_t first, last;
        memcpy(&first, start + at, sizeof first);
        memcpy(&last, start + at + GRANULE_BYTES / 2 - sizeof last, sizeof last);
        if (first != 0 || last != 0) {
            hak_fuzz_fail("zero: the run at %p, said to be zero, is not near %zu",
                          (const void *)start, at);
        }
    }
}

static void demand_kinds(const char *start, size_t granules, bool is_run) {
    for (size_t g = 0; g < granules; g++) {
        enum hak_kind expected = !is_run  ? HAK_KIND_NONE
                                 : g == 0 ? HAK_KIND_RUN
                                          : HAK_KIND_INTERIOR;
        if (hak_region_kind(start + g * GRANULE_BYTES) != expected) {
            hak_fuzz_fail("kind: granule %zu of the run at %p has %d, not %d", g,
                          (const void *)start, (int)hak_region_kind(start + g * GRANULE_BYTES),
                          (int)expected);
        }
    }
}

static void compare_counts_now(const char *call) {
    struct hak_l25_counts counts;
    size_t run_count = 0, bytes = 0;
    for (size_t i = 0; i < L25_SLOT_COUNT; i++) {
        run_count += runs[i].start != NULL;
        bytes += runs[i].start != NULL ? runs[i].granules * GRANULE_BYTES : 0;
    }
    count(&counts);
    if (counts.run_count != run_count || counts.live_bytes != bytes) {
        hak_fuzz_fail("%s: %u runs of %zu bytes counted, not %zu of %zu", call, counts.run_count,
                      counts.live_bytes, run_count, bytes);
    }
}

/* Counting takes every shard's lock: while fuzzing, after one call in so many. */
static void compare_counts(const char *call) {
    static unsigned calls;
    if (!hak_fuzz_is_fuzzing() || hak_fuzz_is_thorough() || ++calls % COUNTED_EVERY == 0) {
        compare_counts_now(call);
    }
}

/* --- Operations ------------------------------------------------------------------------ */

static size_t chunks_in_use(void) {
    size_t count = 0;
    for (size_t i = 0; i < L25_SLOT_COUNT; i++) {
        bool is_new = runs[i].start != NULL;
        for (size_t j = 0; is_new && j < i; j++) {
            is_new = runs[j].start == NULL || chunk_of(runs[j].start) != chunk_of(runs[i].start);
        }
        count += is_new;
    }
    return count;
}

static bool was_freed(const char *start) {
    for (size_t i = 0; i < FREED_COUNT; i++) {
        if (freed[i] == start) {
            return true;
        }
    }
    return false;
}

static void tally_alloc(const char *start, size_t alignment, bool is_zero) {
    hak_fuzz_tally(OUTCOME_allocated);
    hak_fuzz_tally(is_zero ? OUTCOME_zero : OUTCOME_not_zero);
    if (alignment > GRANULE_BYTES) {
        hak_fuzz_tally(OUTCOME_aligned);
    }
    if (!hak_fuzz_is_fuzzing()) { /* the audit asks; looking for it costs as much as a run */
        if (was_freed(start)) {
            hak_fuzz_tally(OUTCOME_reused);
        }
        if (chunks_in_use() > 4) {
            hak_fuzz_tally(OUTCOME_many_chunks);
        }
    }
    if (shards_seen > 1) {
        hak_fuzz_tally(OUTCOME_sharded);
    }
}

static void judge_run(const char *start, size_t granules, size_t alignment) {
    const char *end = start + granules * GRANULE_BYTES;
    const struct run *other = overlapping(NULL, start, end);
    if (other != NULL) {
        hak_fuzz_fail("overlap: the run of %zu granules at %p and that of %zu at %p", granules,
                      (const void *)start, other->granules, (void *)other->start);
    }
    if ((uintptr_t)start % alignment != 0 || (uintptr_t)start % GRANULE_BYTES != 0) {
        hak_fuzz_fail("alignment: %p is not a multiple of %zu", (const void *)start, alignment);
    }
    if (chunk_of(start) != chunk_of(end - 1)) {
        hak_fuzz_fail("chunk: the run of %zu granules at %p leaves its chunk", granules,
                      (const void *)start);
    }
    if (hak_l25_size_bytes(start) != granules * GRANULE_BYTES) {
        hak_fuzz_fail("size: %zu bytes for a run of %zu granules", hak_l25_size_bytes(start),
                      granules);
    }
    demand_kinds(start, granules, true);
}

/* Where the system has no memory, any shard's will do: no chunk may have room. */
static void demand_full(size_t granules, size_t alignment) {
    for (size_t i = 0; i < L25_SLOT_COUNT; i++) {
        if (runs[i].start == NULL) {
            continue;
        }
        const char *chunk = chunk_of(runs[i].start);
        for (size_t at = 0; at + granules * GRANULE_BYTES <= CHUNK_BYTES; at += alignment) {
            if (overlapping(NULL, chunk + at, chunk + at + granules * GRANULE_BYTES) == NULL) {
                hak_fuzz_fail("alloc: NULL for %zu granules; the chunk at %p has room at %zu",
                              granules, (const void *)chunk, at / GRANULE_BYTES);
            }
        }
    }
}

/* Low bits of the last argument: the alignment's power above a granule; the rest
 * is the thread's number. */
void l25_alloc(size_t slot, size_t size, size_t alignment_and_seed) {
    size_t alignment = (size_t)GRANULE_BYTES << alignment_and_seed % 5;
    uint32_t seed = (uint32_t)(alignment_and_seed / 5);
    bool is_zero = false;
    l25_free(slot);
    uint64_t hits = hak_fuzz_fault_hits();
    char *start = hak_l25_alloc(size, alignment, seed, &is_zero);
    if (start == NULL) {
        if (hits == hak_fuzz_fault_hits()) {
            hak_fuzz_fail("alloc: NULL for %zu bytes, and no fault was injected", size);
        }
        demand_full(granules_of(size), alignment);
        hak_fuzz_tally(OUTCOME_fault_survived);
        return;
    }
    judge_run(start, granules_of(size), alignment);
    uint32_t shard = shard_of(start), shards = shard_count();
    /* Lock attempts of this very call may have doubled the shards. */
    bool is_home = shard == seed % shards || shard == seed % (shards / 2 + (shards == 1));
    if (!is_home && hits == hak_fuzz_fault_hits()) {
        hak_fuzz_fail("shard: a run for thread %u came from shard %u of %u", seed, shard, shards);
    }
    if (is_zero) {
        demand_zero(start, granules_of(size));
    }
    runs[slot] = (struct run){.start = start, .granules = granules_of(size), .shard = shard};
    write_tags(&runs[slot]);
    tally_alloc(start, alignment, is_zero);
    compare_counts("alloc");
}

void l25_free(size_t slot) {
    struct run run = runs[slot];
    if (run.start == NULL) {
        return;
    }
    compare_tags(&run, "before free");
    if (shard_of(run.start) != run.shard) {
        hak_fuzz_fail("shard: the run at %p came from %u and would return to %u", (void *)run.start,
                      run.shard, shard_of(run.start));
    }
    if (run.shard != 0) {
        hak_fuzz_tally(OUTCOME_other_shard);
    }
    runs[slot].start = NULL;
    hak_l25_free(run.start);
    demand_kinds(run.start, run.granules, false);
    freed[freed_next++ % FREED_COUNT] = run.start;
    hak_fuzz_tally(OUTCOME_freed);
    compare_counts("free");
}

/* Growing needs exactly that the granules behind are free and in the chunk. */
void l25_resize(size_t slot, size_t size) {
    struct run *run = &runs[slot];
    size_t old = run->granules, granules = granules_of(size);
    if (run->start == NULL) {
        return;
    }
    char *end = run->start + granules * GRANULE_BYTES;
    bool can = granules <= old || (overlapping(run, run->start, end) == NULL &&
                                   chunk_of(run->start) == chunk_of(end - 1));
    if (hak_l25_resize(run->start, size) != can) {
        hak_fuzz_fail("resize: the run at %p of %zu granules can%s become %zu", (void *)run->start,
                      old, can ? "" : "not", granules);
    }
    compare_word(run, 0, "after resize");
    if (!can) {
        hak_fuzz_tally(OUTCOME_cannot_grow);
        demand_kinds(run->start, old, true);
        return;
    }
    if (granules >= old) {
        compare_word(run, old * GRANULE_BYTES - sizeof run->tag, "after resize");
    } else {
        demand_kinds(end, old - granules, false);
    }
    run->granules = granules;
    demand_kinds(run->start, granules, true);
    if (granules != old) {
        hak_fuzz_tally(granules > old ? OUTCOME_grew : OUTCOME_shrank);
    }
    write_tags(run);
    compare_counts("resize");
}

void l25_comb(size_t parity) {
    for (size_t slot = parity % 2; slot < L25_SLOT_COUNT; slot += 2) {
        l25_free(slot);
    }
}

void l25_tick(size_t ns) {
    uint64_t purged = hak_purged_granule_count();
    now_ns += ns;
    hak_l25_tick(now_ns);
    if (hak_purged_granule_count() > purged) {
        hak_fuzz_tally(OUTCOME_purged);
    }
}

/* Afterwards there are exactly the chunks that runs are in. */
void l25_trim(void) {
    struct hak_l25_counts counts;
    if (hak_l25_trim() > 0) {
        hak_fuzz_tally(OUTCOME_trimmed);
    }
    count(&counts);
    if (counts.chunk_count != chunks_in_use()) {
        hak_fuzz_fail("trim: %u chunks stay, runs are in %zu", counts.chunk_count, chunks_in_use());
    }
}

void l25_fork(size_t child) {
    hak_l25_lock();
    (child != 0 ? hak_l25_reset_in_child : hak_l25_unlock)();
    compare_counts("fork"); /* hangs when a lock is still taken */
}

void l25_contend(size_t count) {
    hak_fuzz_fault_trylock(count);
    was_contended = true;
    hak_fuzz_tally(OUTCOME_contended);
}

void l25_fault(size_t nth, size_t count) {
    static uint64_t hits_seen;
    hak_fuzz_fault_mmap_after(nth, count);
    for (; hits_seen < hak_fuzz_fault_hits(); hits_seen++) {
        hak_fuzz_tally(OUTCOME_fault_hit);
    }
}

void l25_begin(void) {
    hak_heap_start();
    hak_fuzz_fault_meta(true);
    shard_count();
    memset(runs, 0, sizeof runs);
    memset(freed, 0, sizeof freed);
    reserved_before = hak_os_reserved_bytes();
    meta_before = hak_meta_mapped_bytes();
    now_ns += UINT64_C(3600) * 1000000000; /* ticks must not depend on inputs before */
}

void l25_verify_all(void) {
    for (size_t i = 0; i < L25_SLOT_COUNT; i++) {
        if (runs[i].start != NULL) {
            compare_tags(&runs[i], "among all");
            demand_kinds(runs[i].start, runs[i].granules, true);
        }
    }
    compare_counts_now("verify");
    HAK_FUZZ_CHECKED(hak_l25_verify());
}

void l25_end(void) {
    l25_fault(0, 0);
    hak_fuzz_fault_trylock(0);
    l25_verify_all();
    for (size_t i = 0; i < L25_SLOT_COUNT; i++) {
        l25_free(i);
    }
    l25_trim();
    if (hak_fuzz_is_whole()) {
        HAK_FUZZ_CHECKED(hak_l25_verify());
    }
    size_t reserved = hak_os_reserved_bytes() - reserved_before;
    size_t meta = hak_meta_mapped_bytes() - meta_before;
    if (reserved != meta) {
        hak_fuzz_fail("end: %zu bytes of address space are lost", reserved - meta);
    }
    hak_fuzz_fault_meta(false);
}
