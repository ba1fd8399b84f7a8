/* SPDX-License-Identifier: MIT */
/* What the tests of this layer share: see support.h. */
#include "support.h"

#include <criterion/criterion.h>

#include "base/check.h"
#include "meta/meta.h"
#include "region/region_map.h"
#include "support/expect.h"

void start_region_map(void) {
    cr_assert(hak_region_init(true));
}

uint32_t take_or_expand(struct hak_chain *chain, uint32_t class_index, void **out,
                        uint32_t wanted) {
    uint32_t got = hak_chain_take_owned(chain, class_index, out, wanted);
    if (got == 0 && hak_chain_expand_owned(chain, class_index) != NULL) {
        got = hak_chain_take_owned(chain, class_index, out, wanted);
    }
    return got;
}

void expect_chain_counts(const struct hak_chain *chain) {
    uint32_t superslabs = 0, slabs = 0, dirty = 0, with_room = 0, listed_room = 0;
    for (const struct hak_superslab *s = chain->first; s != NULL; s = s->next) {
        uint32_t used = 0;
        for (uint32_t g = 0; g < HAK_GRANULES_PER_SUPERSLAB; g++) {
            const struct hak_slab *slab = &s->slabs[g];
            if (slab->kind != HAK_KIND_NONE) {
                used |= hak_mask32(g, slab->granule_count);
                slabs++;
            }
        }
        expect(used == s->bitmap, "bitmap 0x%08x, slabs 0x%08x", s->bitmap, used);
        superslabs++;
        dirty += (uint32_t)__builtin_popcount(s->dirty);
        with_room += s->bitmap != UINT32_MAX;
    }
    for (const struct hak_superslab *s = chain->room; s != NULL; s = s->room_next) {
        listed_room++;
    }
    expect(superslabs == chain->superslab_count, "%u, not %u", superslabs, chain->superslab_count);
    expect(slabs == chain->slab_count, "%u slabs, not %u", slabs, chain->slab_count);
    expect(dirty == chain->dirty_granule_count, "%u dirty, not %u", dirty,
           chain->dirty_granule_count);
    expect(with_room == listed_room, "%u with room, %u listed", with_room, listed_room);
    if (HAK_CHECK_LEVEL >= 1) {
        hak_chain_verify_quiescent(chain);
    }
}

static _Atomic uint32_t meta_calls_left;

void fail_meta_alloc_at(uint32_t n) {
    meta_calls_left = n;
}

void *__real_hak_meta_alloc(size_t size_bytes);
void *__wrap_hak_meta_alloc(size_t size_bytes);
void *__wrap_hak_meta_alloc(size_t size_bytes) {
    if (meta_calls_left != 0 && --meta_calls_left == 0) {
        return NULL;
    }
    return __real_hak_meta_alloc(size_bytes);
}
