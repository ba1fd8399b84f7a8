/* SPDX-License-Identifier: MIT */
/* Tells the model what the code under test does: the linker puts these before
 * the functions of src/superslab/ and src/region/ that do it (-Wl,--wrap). */
#include "model.h"
#include "region/granules.h"
#include "superslab/pool.h"
#include "superslab/superslab.h"

#define WRAPPED(function) __typeof__(function) __real_##function, __wrap_##function
WRAPPED(hak_superslab_create);
WRAPPED(hak_superslab_destroy);
WRAPPED(hak_superslab_carve_owned);
WRAPPED(hak_superslab_uncarve_owned);
WRAPPED(hak_slab_collect_owned);
WRAPPED(hak_purge_granules);
WRAPPED(hak_pool_give);

struct hak_superslab *__wrap_hak_superslab_create(void) {
    struct hak_superslab *superslab = __real_hak_superslab_create();
    if (superslab != NULL) {
        model_created(superslab->base);
    }
    return superslab;
}

void __wrap_hak_superslab_destroy(struct hak_superslab *superslab) {
    model_destroyed(superslab->base);
    __real_hak_superslab_destroy(superslab);
}

struct hak_slab *__wrap_hak_superslab_carve_owned(struct hak_superslab *superslab,
                                                  uint32_t class_index, uint32_t first) {
    struct hak_slab *slab = __real_hak_superslab_carve_owned(superslab, class_index, first);
    if (slab != NULL) {
        model_carved(slab->start, class_index, superslab->chain);
    }
    return slab;
}

void __wrap_hak_superslab_uncarve_owned(struct hak_superslab *superslab, struct hak_slab *slab) {
    model_uncarved(slab->start);
    __real_hak_superslab_uncarve_owned(superslab, slab);
}

uint32_t __wrap_hak_slab_collect_owned(struct hak_slab *slab) {
    char *start = slab->start;
    uint32_t count = __real_hak_slab_collect_owned(slab);
    model_collected(start, count);
    return count;
}

void __wrap_hak_purge_granules(char *base, uint32_t mask) {
    uint64_t before = hak_purged_granule_count();
    model_purged(base, mask);
    __real_hak_purge_granules(base, mask);
    model_purge_counted(mask, hak_purged_granule_count() - before);
}

void __wrap_hak_pool_give(struct hak_superslab *superslab) {
    model_pooled(superslab->base);
    __real_hak_pool_give(superslab);
}
