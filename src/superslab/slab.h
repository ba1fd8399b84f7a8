/* SPDX-License-Identifier: MIT */
/* Slab: one to four neighbouring granules of a SuperSlab, carved into blocks of
 * one class. Layer 3. Knows nothing of caches or threads' lives.
 *
 *   start                                            start + granules * 64 KiB
 *   | block 0 | block 1 | ...  | block n-1 | unused (< 12.5 %) |
 *
 * No metadata lies in or between blocks. Which blocks are free stands in two
 * bitmaps in the metadata arena:
 *
 *   local   bit set: the block is free; plain words, the owner's alone
 *   remote  bit set: freed by a thread that does not own the slab, and not yet
 *           collected; one atomic OR each
 *
 * Checked builds have a third, `marks`: what a check under way has found in TLS
 * caches. All its bits are clear while no check runs.
 *
 * Remote protocol (docs/CONCURRENCY.md has the proof):
 *   S1  a freeing thread ORs its bits into `remote`, then adds their number to
 *       `remote_count`; who finds 0 there pushes the slab on the owner's
 *       pending stack. After its add (or its push) a thread touches the slab
 *       no more.
 *   S2  the owner pops the whole stack, takes each slab's `remote_count`, then
 *       its bits, and lowers `live_count` by the count it took, not by the bits
 *       it found: bits may be early, the count never is.
 * So live_count == 0 means that every thread that freed here has finished, and
 * the slab can be released or change owner without anyone looking. */
#ifndef HAK_SUPERSLAB_SLAB_H
#define HAK_SUPERSLAB_SLAB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"
#include "base/bitmap.h"
#include "base/compiler.h"
#include "base/constants.h"
#include "base/size_class.h"

struct hak_chain;

struct hak_slab {
    /* The owner's line. */
    char *start;                         /* const while carved */
    uint64_t *local;                     /* owner: the words */
    uint32_t reciprocal;                 /* const while carved: hak_class_index_of */
    uint32_t stride_bytes;               /* const while carved */
    uint32_t block_count;                /* const while carved */
    uint32_t word_count;                 /* derived: block_count / 64, rounded up */
    uint32_t live_count;                 /* owner: handed out and not credited back */
    uint32_t first_word;                 /* owner: no bit of local is below this word */
    uint8_t kind;                        /* const while carved; HAK_KIND_NONE while not */
    uint8_t granule_first;               /* const while carved */
    uint8_t granule_count;               /* const while carved */
    bool is_listed;                      /* owner: in its class's list of slabs with room */
    bool is_squeezed;                    /* owner: its free OS pages are purged, and still are */
    struct hak_slab *next, *prev;        /* owner: that list */
    /* The freeing threads' line. */
    HAK_CACHE_ALIGNED _Atomic uint64_t *remote;    /* const while carved: the words */
    struct hak_chain *chain;             /* const while carved: whose slab it is */
    _Atomic uint32_t remote_count;       /* atomic: announced and not collected */
    struct hak_slab *pending_next;       /* owner: who pushes it, then who takes the stack */
    _Atomic uint64_t *records;           /* const while carved; checked builds: a record a block */
    _Atomic uint64_t *marks;             /* const while carved; checked builds: the words */
};

_Static_assert(sizeof(struct hak_slab) == 128, "two cache lines: the owner's and the others'");

/* Makes the granules at `start` a slab of `class_index` with all blocks free.
 * False, with the slab unchanged, when there is no memory for the bitmaps. */
bool hak_slab_init(struct hak_slab *slab, struct hak_chain *chain, char *start,
                   uint32_t class_index, uint32_t granule_first);

/* Gives the bitmaps back. All blocks must be in `local`. Owner. */
void hak_slab_destroy_owned(struct hak_slab *slab);

/* Moves up to `wanted` blocks, lowest first, to `out`; returns how many. Owner. */
uint32_t hak_slab_take_owned(struct hak_slab *slab, void **out, uint32_t wanted);

/* S2: moves what other threads freed to `local`; returns the count credited.
 * Owner; the slab must just have been popped from the pending stack. */
uint32_t hak_slab_collect_owned(struct hak_slab *slab);

/* Purges every OS page on which all blocks are free; returns how many. Owner. */
uint32_t hak_slab_squeeze_owned(struct hak_slab *slab);

/* True when a block is free in `local`. Owner. */
HAK_INLINE bool hak_slab_has_room_owned(const struct hak_slab *slab) {
    return slab->first_word < slab->word_count;
}

/* The index of the block that starts at `block`, or block_count when none
 * starts there. Any thread that holds a block of the slab. */
HAK_INLINE uint32_t hak_slab_index_of(const struct hak_slab *slab, const void *block) {
    uint32_t offset = (uint32_t)((const char *)block - slab->start);
    uint32_t index = hak_class_index_of(slab->reciprocal, offset);
    bool starts = index < slab->block_count && index * slab->stride_bytes == offset;
    return hak_likely(starts) ? index : slab->block_count;
}

/* True when an address lies in the slab's granules. */
HAK_INLINE bool hak_slab_contains(const struct hak_slab *slab, const void *address) {
    uintptr_t offset = (uintptr_t)address - (uintptr_t)slab->start;
    return offset < (uintptr_t)slab->granule_count << HAK_GRANULE_SHIFT;
}

/* Marks the `count` blocks of `bits` in a word free; returns those that were free already:
 * then nothing has changed. Owner. */
HAK_INLINE uint64_t hak_slab_give_owned(struct hak_slab *slab, uint32_t word, uint64_t bits,
                                        uint32_t count) {
    uint64_t before = slab->local[word];
    if (hak_unlikely((before & bits) != 0)) {
        return before & bits;
    }
    slab->local[word] = before | bits;
    slab->first_word = word < slab->first_word ? word : slab->first_word;
    slab->live_count -= count;
    slab->is_squeezed = false;
    return 0;
}

/* S1, first half: marks the blocks of `bits` in a word free; any thread but the
 * owner. Returns those that were free already: the program freed them twice. */
HAK_INLINE uint64_t hak_slab_give_remote(struct hak_slab *slab, uint32_t word, uint64_t bits) {
    /* S1a: release pairs with the acquire in S2b: what this thread did with the
     * blocks is done before the owner hands them out again. */
    return hak_or_release(&slab->remote[word], bits) & bits;
}

/* S1, second half: announces `count` blocks given with hak_slab_give_remote. */
void hak_slab_announce_remote(struct hak_slab *slab, uint32_t count);

/* How many bits of `local` are set. Owner; checked builds. */
uint32_t hak_slab_free_count(const struct hak_slab *slab);

/* Reports the first broken invariant of the slab. Owner; checked builds. */
void hak_slab_verify(const struct hak_slab *slab);

/* Marks a block that lies in a TLS cache, and reports when it does not start there, when a
 * cache has it already, or when it is freed or the program's as well; unmark takes the mark
 * back. The cache's owner, or quiescent; checked builds (places_verify.c). */
void hak_slab_mark_cached(const struct hak_slab *slab, const void *block);
void hak_slab_unmark_cached(const struct hak_slab *slab, const void *block);

#endif
