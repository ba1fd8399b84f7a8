/* SPDX-License-Identifier: MIT */
/* Chain: taking blocks, carving and expanding: see chain.h. Layer 3.
 * Giving blocks back is in chain_give.c, purging in chain_purge.c. */
#include "superslab/chain.h"

#include "base/check.h"
#include "base/event_ring.h"
#include "base/pause.h"
#include "os/os_memory.h"
#include "superslab/chain_lists.h"
#include "superslab/pool.h"

void hak_chain_init(struct hak_chain *chain) {
    *chain = (struct hak_chain){0};
    hak_purge_policy_init(&chain->purge);
}

static void reverse(void **blocks, uint32_t count) {
    for (uint32_t i = 0; i + i + 1 < count; i++) {
        void *block = blocks[i];
        blocks[i] = blocks[count - 1 - i];
        blocks[count - 1 - i] = block;
    }
}

/* Takes from the slabs that have room, unlisting each that runs out. */
static uint32_t take_from_listed(struct hak_chain *chain, uint32_t class_index, void **out,
                                 uint32_t wanted) {
    uint32_t taken = 0;
    while (taken < wanted && chain->listed[class_index] != NULL) {
        struct hak_slab *slab = chain->listed[class_index];
        uint32_t got = hak_slab_take_owned(slab, out + taken, wanted - taken);
        hak_assert(got > 0, SLAB_HAS_ROOM, got, (uintptr_t)slab);
        taken += got;
        if (!hak_slab_has_room_owned(slab)) {
            hak_chain_unlist_slab(chain, slab);
        }
    }
    return taken;
}

static struct hak_slab *carve_in(struct hak_chain *chain, struct hak_superslab *superslab,
                                 uint32_t class_index, uint32_t first) {
    uint32_t dirty_before = hak_bit_count32(superslab->dirty);
    struct hak_slab *slab = hak_superslab_carve_owned(superslab, class_index, first);
    if (slab == NULL) {
        return NULL;
    }
    uint32_t warm = dirty_before - hak_bit_count32(superslab->dirty);
    chain->dirty_granule_count -= warm;
    chain->slab_count++;
    hak_purge_policy_note_cold(&chain->purge, slab->granule_count - warm);
    if (superslab->bitmap == UINT32_MAX) {
        hak_chain_unlink_room(chain, superslab);
    }
    hak_assert(superslab->in_room_list == (superslab->bitmap != UINT32_MAX), SS_ROOM,
               superslab->in_room_list, superslab->bitmap);
    hak_chain_list_slab(chain, slab);
    return slab;
}

/* SuperSlabs looked at for resident memory, in a chain of thousands that has only
 * scattered granules of it. */
enum { DIRTY_SEARCH_SUPERSLABS_MAX = 64 };

/* In resident memory, whichever SuperSlab has it: elsewhere each page faults. */
static struct hak_slab *carve_dirty(struct hak_chain *chain, uint32_t class_index,
                                    uint32_t count) {
    struct hak_superslab *s = chain->dirty_granule_count >= count ? chain->room : NULL;
    for (uint32_t i = 0; s != NULL && i < DIRTY_SEARCH_SUPERSLABS_MAX; i++, s = s->room_next) {
        uint32_t first = hak_superslab_find_dirty_owned(s, count);
        if (first != HAK_GRANULES_PER_SUPERSLAB) {
            return carve_in(chain, s, class_index, first);
        }
    }
    return NULL;
}

/* Carves a slab in the SuperSlabs at hand. */
static struct hak_slab *carve(struct hak_chain *chain, uint32_t class_index) {
    uint32_t count = hak_class_infos[class_index].granule_count;
    struct hak_slab *slab = carve_dirty(chain, class_index, count);
    if (slab != NULL) {
        return slab;
    }
    for (struct hak_superslab *s = chain->room; s != NULL; s = s->room_next) {
        uint32_t first = hak_superslab_find_granules_owned(s, count);
        if (first != HAK_GRANULES_PER_SUPERSLAB) {
            return carve_in(chain, s, class_index, first);
        }
    }
    return NULL;
}

uint32_t hak_chain_take_owned(struct hak_chain *chain, uint32_t class_index, void **out,
                              uint32_t wanted) {
    uint32_t taken = take_from_listed(chain, class_index, out, wanted);
    /* Half is enough to go on with; a new slab is only for a real shortage. */
    if (taken * 2 < wanted && hak_chain_collect_owned(chain) > 0) {
        taken += take_from_listed(chain, class_index, out + taken, wanted - taken);
    }
    if (taken * 2 < wanted && carve(chain, class_index) != NULL) {
        taken += take_from_listed(chain, class_index, out + taken, wanted - taken);
    }
    reverse(out, taken);
    return taken;
}

static void link_superslab(struct hak_chain *chain, struct hak_superslab *superslab) {
    hak_assert(superslab->chain == NULL, SS_OWNER, (uintptr_t)superslab->chain, (uintptr_t)chain);
    superslab->chain = chain;
    superslab->prev = NULL;
    superslab->next = chain->first;
    if (chain->first != NULL) {
        chain->first->prev = superslab;
    }
    chain->first = superslab;
    chain->superslab_count++;
    chain->dirty_granule_count += hak_bit_count32(superslab->dirty);
    hak_chain_link_room(chain, superslab);
}

/* A heap's first one is touched here and there, most of all in a program of many threads that
 * allocate little: no huge page for it, where the system would give one unasked. The next
 * ones are filled. */
static struct hak_superslab *create_superslab(const struct hak_chain *chain) {
    struct hak_superslab *superslab = hak_superslab_create();
    if (superslab != NULL && chain->superslab_count == 0) {
        hak_os_use_small_pages(superslab->base, HAK_SUPERSLAB_SIZE_BYTES);
    }
    return superslab;
}

struct hak_superslab *hak_chain_expand_owned(struct hak_chain *chain, uint32_t class_index) {
    struct hak_superslab *superslab = hak_pool_take();
    if (superslab == NULL) {
        hak_chain_squeeze_owned(chain);
        superslab = create_superslab(chain);
    }
    if (superslab == NULL) {
        return NULL;
    }
    link_superslab(chain, superslab);
    hak_pause_point(SUPERSLAB_LINKED);
    if (carve_in(chain, superslab, class_index, 0) == NULL) {
        hak_chain_unlink_superslab(chain, superslab);
        hak_pool_give(superslab);
        return NULL;
    }
    uint32_t first_slab = hak_mask32(0, hak_class_infos[class_index].granule_count);
    hak_assert(superslab->bitmap == first_slab, SS_EXPANSION_BITMAP, superslab->bitmap, first_slab);
    hak_event("expand", superslab->base, chain->superslab_count);
    hak_assert_valid(chain, chain);
    return superslab;
}

void hak_chain_unlink_superslab(struct hak_chain *chain, struct hak_superslab *superslab) {
    hak_assert(superslab->chain == chain, SS_OWNER, (uintptr_t)superslab->chain, (uintptr_t)chain);
    if (superslab->in_room_list) {
        hak_chain_unlink_room(chain, superslab);
    }
    if (superslab->prev != NULL) {
        superslab->prev->next = superslab->next;
    } else {
        chain->first = superslab->next;
    }
    if (superslab->next != NULL) {
        superslab->next->prev = superslab->prev;
    }
    superslab->next = superslab->prev = NULL;
    chain->superslab_count--;
    chain->dirty_granule_count -= hak_bit_count32(superslab->dirty);
}

size_t hak_chain_live_bytes_owned(const struct hak_chain *chain) {
    size_t bytes = 0;
    for (const struct hak_superslab *s = chain->first; s != NULL; s = s->next) {
        for (uint32_t todo = s->bitmap; todo != 0;) {
            const struct hak_slab *slab = &s->slabs[hak_bit_lowest32(todo)];
            bytes += (size_t)slab->live_count * slab->stride_bytes;
            todo &= ~hak_mask32(slab->granule_first, slab->granule_count);
        }
    }
    return bytes;
}
