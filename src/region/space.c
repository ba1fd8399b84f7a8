/* SPDX-License-Identifier: MIT */
/* What SuperSlabs and chunks lie in: see space.h. Layer 2. */
#include "region/space.h"

#include "base/constants.h"
#include "os/os_memory.h"
#include "region/region_map.h"

static char *(*take_kept)(void); /* const after start */

void hak_space_set_source(char *(*source)(void)) {
    take_kept = source;
}

char *hak_space_take(void *owner, uint32_t *dirty) {
    char *base = take_kept != NULL ? take_kept() : NULL;
    *dirty = base != NULL ? UINT32_MAX : 0;
    if (base == NULL) {
        base = hak_os_reserve(HAK_SUPERSLAB_SIZE_BYTES, HAK_SUPERSLAB_SIZE_BYTES);
    }
    if (base != NULL && !hak_region_register(base, HAK_SUPERSLAB_SIZE_BYTES, owner)) {
        hak_os_release(base, HAK_SUPERSLAB_SIZE_BYTES);
        return NULL;
    }
    return base;
}

void hak_space_give(char *base) {
    hak_region_unregister(base);
    hak_os_release(base, HAK_SUPERSLAB_SIZE_BYTES);
}
