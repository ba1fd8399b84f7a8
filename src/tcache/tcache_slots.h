/* SPDX-License-Identifier: MIT */
/* The arrays of slots, for tcache*.c only. Layer 4. */
#ifndef HAK_TCACHE_SLOTS_H
#define HAK_TCACHE_SLOTS_H

#include "meta/meta.h"
#include "tcache/tcache.h"

static inline size_t hak_tcache_slots_size_bytes(uint32_t capacity) {
    return (capacity + 1) * sizeof(void *); /* one more: the NULL at slots[0] */
}

static inline void **hak_tcache_slots_alloc(uint32_t capacity) {
    return hak_meta_alloc(hak_tcache_slots_size_bytes(capacity));
}

/* Makes `slots`, which hold `count` blocks and as many slots as the class's
 * capacity says, the class's cache. */
static inline void hak_tcache_slots_install(struct hak_tcache *tcache, uint32_t class_index,
                                            void **slots, uint32_t count) {
    struct hak_tcache_class *class = &tcache->classes[class_index];
    struct hak_tcache_bin *bin = &tcache->bins[class_index + HAK_KIND_CLASS_FIRST];
    class->slots = slots;
    bin->end = slots + 1 + class->sizing.capacity;
    hak_store_release(&bin->top, slots + 1 + count); /* T1 (tcache.h) */
}

#endif
