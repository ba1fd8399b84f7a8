/* SPDX-License-Identifier: MIT */
/* SuperSlab: 2 MiB of address space, 2 MiB aligned, 32 granules. Layer 3.
 *
 *   base                                                          base + 2 MiB
 *   | g0 | g1 | g2 | ... | g31 |        64 KiB each; slabs are groups of them
 *   bitmap  bit g: granule g is in use by a slab
 *   dirty   bit g: granule g is free, but its memory may still be resident
 *   aged    bit g: dirty, and was so at the last purge tick already
 *
 * The descriptor lives in the metadata arena. A SuperSlab is linked in one
 * heap's chain, or in the pool of empty ones, or being moved by one thread. */
#ifndef HAK_SUPERSLAB_SUPERSLAB_H
#define HAK_SUPERSLAB_SUPERSLAB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/constants.h"
#include "superslab/slab.h"

struct hak_superslab {
    char *base;                                      /* const */
    struct hak_chain *chain;                         /* owner; NULL in the pool */
    struct hak_superslab *next, *prev;               /* owner: the chain; lock(pool): the pool */
    struct hak_superslab *room_next, *room_prev;     /* owner: those with a free granule */
    uint32_t bitmap;                                 /* owner */
    uint32_t dirty;                                  /* owner */
    uint32_t aged;                                   /* owner; a subset of dirty */
    bool in_room_list;                               /* owner */
    uint8_t slab_of[HAK_GRANULES_PER_SUPERSLAB];     /* owner: granule -> its slab's first granule */
    struct hak_slab slabs[HAK_GRANULES_PER_SUPERSLAB]; /* owner: by first granule; more in slab.h */
};

/* A SuperSlab with nothing in use, registered in the region map; all of it is dirty where
 * a freed mapping lay. NULL when the OS has no memory. */
struct hak_superslab *hak_superslab_create(void);

/* Gives its address space back. Nothing may be in use. */
void hak_superslab_destroy(struct hak_superslab *superslab);

/* Where `count` neighbouring dirty granules begin, the lowest; 32 when there are
 * none. Owner. */
uint32_t hak_superslab_find_dirty_owned(const struct hak_superslab *superslab, uint32_t count);

/* Where `count` neighbouring free granules begin: dirty ones first, because
 * their memory is there already, then the lowest; 32 when there are none.
 * Owner. */
uint32_t hak_superslab_find_granules_owned(const struct hak_superslab *superslab, uint32_t count);

/* Carves a slab of `class_index` at granule `first`; NULL, with nothing
 * changed, when there is no memory for its bitmaps. Owner. */
struct hak_slab *hak_superslab_carve_owned(struct hak_superslab *superslab, uint32_t class_index,
                                           uint32_t first);

/* Takes an empty slab's granules back; they become dirty. Owner. */
void hak_superslab_uncarve_owned(struct hak_superslab *superslab, struct hak_slab *slab);

/* Gives the memory of the dirty granules in `mask` back to the OS; returns how
 * many there were. Owner. */
uint32_t hak_superslab_purge_owned(struct hak_superslab *superslab, uint32_t mask);

/* The slab that a block lies in. Any thread that holds the block. */
HAK_INLINE struct hak_slab *hak_superslab_slab_of(struct hak_superslab *superslab,
                                                  const void *block) {
    uint32_t granule = (uint32_t)((uintptr_t)block >> HAK_GRANULE_SHIFT) %
                       HAK_GRANULES_PER_SUPERSLAB;
    return &superslab->slabs[superslab->slab_of[granule]];
}

HAK_INLINE struct hak_superslab *hak_superslab_of_slab(struct hak_slab *slab) {
    return (struct hak_superslab *)(void *)((char *)(slab - slab->granule_first) -
                                            offsetof(struct hak_superslab, slabs));
}

/* Reports the first broken invariant. Owner; checked builds. */
void hak_superslab_verify(const struct hak_superslab *superslab);

#endif
