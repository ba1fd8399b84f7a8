/* SPDX-License-Identifier: MIT */
/* Chain: empty slabs, empty SuperSlabs, and memory going back. Layer 3. */
#include "superslab/chain.h"

#include "base/check.h"
#include "base/event_ring.h"
#include "superslab/chain_lists.h"
#include "superslab/pool.h"

void hak_chain_purge_excess_owned(struct hak_chain *chain) {
    uint32_t limit = chain->purge.dirty_limit, target = limit / 2, purged = 0;
    if (chain->dirty_granule_count <= limit) {
        return;
    }
    for (struct hak_superslab *s = chain->room; s != NULL; s = s->room_next) {
        if (chain->dirty_granule_count - purged <= target) {
            break;
        }
        purged += hak_superslab_purge_owned(s, UINT32_MAX);
    }
    chain->dirty_granule_count -= purged;
    chain->purge.purged_since_tick += purged;
    hak_event("purge", chain, purged);
}

/* True when another SuperSlab of the chain has room: an empty one is not needed
 * to serve the next slab. */
static bool has_other_room(const struct hak_chain *chain, const struct hak_superslab *superslab) {
    return chain->room != superslab || superslab->room_next != NULL;
}

void hak_chain_release_slab(struct hak_chain *chain, struct hak_slab *slab) {
    struct hak_superslab *superslab = hak_superslab_of_slab(slab);
    uint32_t granules = slab->granule_count;
    if (slab->is_listed) {
        hak_chain_unlist_slab(chain, slab);
    }
    hak_superslab_uncarve_owned(superslab, slab);
    chain->slab_count--;
    chain->dirty_granule_count += granules;
    if (!superslab->in_room_list) {
        hak_chain_link_room(chain, superslab);
    }
    if (superslab->bitmap == 0 && has_other_room(chain, superslab)) {
        hak_chain_unlink_superslab(chain, superslab);
        hak_pool_give(superslab);
    }
}

void hak_chain_note_given(struct hak_chain *chain, struct hak_slab *slab) {
    struct hak_slab **head = &chain->listed[slab->kind - HAK_KIND_CLASS_FIRST];
    bool is_only = *head == NULL || (*head == slab && slab->next == NULL);
    if (slab->live_count == 0 && !is_only) {
        hak_chain_release_slab(chain, slab);
    } else if (!slab->is_listed && hak_slab_has_room_owned(slab)) {
        hak_chain_list_slab(chain, slab);
    }
}

static uint32_t release_empty_slabs(struct hak_chain *chain) {
    uint32_t count = 0;
    for (uint32_t c = 0; c < HAK_CLASS_COUNT; c++) {
        for (struct hak_slab *slab = chain->listed[c], *next; slab != NULL; slab = next) {
            next = slab->next;
            if (slab->live_count == 0) {
                hak_chain_release_slab(chain, slab);
                count++;
            }
        }
    }
    return count;
}

uint32_t hak_chain_trim_owned(struct hak_chain *chain, bool purge) {
    uint32_t done = 0;
    hak_chain_collect_owned(chain);
    release_empty_slabs(chain);
    for (struct hak_superslab *s = chain->room, *next; s != NULL; s = next) {
        next = s->room_next;
        if (s->bitmap == 0) {
            hak_chain_unlink_superslab(chain, s);
            hak_pool_give(s);
            done++;
        } else if (purge) {
            uint32_t purged = hak_superslab_purge_owned(s, UINT32_MAX);
            chain->dirty_granule_count -= purged;
            done += purged;
        }
    }
    hak_assert_valid(chain, chain);
    return done;
}

void hak_chain_tick_owned(struct hak_chain *chain, uint64_t now_ns) {
    if (now_ns < chain->purge.tick_ns + HAK_PURGE_DELAY_NS) {
        return;
    }
    hak_purge_policy_note_tick(&chain->purge, now_ns);
    hak_chain_collect_owned(chain); /* a heap that always finds room never would */
    for (struct hak_superslab *s = chain->room; s != NULL; s = s->room_next) {
        chain->dirty_granule_count -= hak_superslab_purge_owned(s, s->aged);
        s->aged = s->dirty;
    }
    hak_chain_purge_excess_owned(chain);
    hak_pool_tick(now_ns);
}

enum { SQUEEZE_SUPERSLABS_MIN = 8 };

void hak_chain_squeeze_owned(struct hak_chain *chain) {
    if (chain->superslab_count < SQUEEZE_SUPERSLABS_MIN ||
        chain->superslab_count < chain->squeeze_at) {
        return;
    }
    chain->squeeze_at = chain->superslab_count + chain->superslab_count / 8 + 1;
    uint32_t purged = 0;
    for (uint32_t c = 0; c < HAK_CLASS_COUNT; c++) {
        struct hak_slab *slab = chain->listed[c];
        for (slab = slab != NULL ? slab->next : NULL; slab != NULL; slab = slab->next) {
            purged += hak_slab_squeeze_owned(slab);
        }
    }
    hak_event("squeeze", chain, purged);
}
