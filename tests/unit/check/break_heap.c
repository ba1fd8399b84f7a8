/* SPDX-License-Identifier: MIT */
/* Breakers of heaps and of the program's blocks: breakers.h. Also the healthy
 * state that every breaker starts from. */
#include "base/size_class.h"
#include "check/guard.h"
#include "hakmem.h"
#include "region/region_map.h"
#include "unit/check/breakers.h"

static void *live_block; /* of class 48 */

uint32_t class_48(void) {
    return hak_class_of(SIZE_OF_CLASS_48 + HAK_GUARD_SIZE_BYTES);
}

struct hak_heap *healthy_heap(void) {
    if (live_block == NULL) {
        live_block = hak_malloc(SIZE_OF_CLASS_48);
        hak_malloc(SIZE_OF_CLASS_1024);
        hak_heap_check();
    }
    return hak_heap_current();
}

struct hak_superslab *healthy_superslab(void) {
    healthy_heap();
    return hak_region_owner(live_block);
}

struct hak_slab *healthy_slab(void) {
    return hak_superslab_slab_of(healthy_superslab(), live_block);
}

uint32_t healthy_index(void) {
    struct hak_slab *slab = healthy_slab();
    return hak_slab_index_of(slab, live_block);
}

struct hak_tcache_class *healthy_cache(void) {
    return &healthy_heap()->tcache.classes[class_48()];
}

void break_HEAP_ONE_OWNER(void) {
    healthy_heap()->is_abandoned = true;
    hak_heap_check();
}

void break_PENDING_OWNER(void) {
    static struct hak_chain other;
    hak_chain_init(&other);
    hak_chain_push_pending(&other, healthy_slab());
    hak_chain_collect_owned(&other);
}

void break_PENDING_ONCE(void) {
    struct hak_chain *chain = &healthy_heap()->chain;
    hak_chain_push_pending(chain, healthy_slab());
    hak_chain_collect_owned(chain);
}

void break_GUARD_LIVE(void) {
    void *block = hak_malloc(100);
    hak_free(block);
    hak_free(block);
}

/* A live block is in a cache as well: the next malloc hands it out again. */
void break_GUARD_NOT_LIVE(void) {
    struct hak_heap *heap = healthy_heap();
    hak_tcache_push(&heap->tcache, class_48() + HAK_KIND_CLASS_FIRST, live_block);
    hak_malloc(SIZE_OF_CLASS_48);
}

void break_GUARD_CANARY(void) {
    volatile char *block = hak_malloc(100);
    block[100] = 1;
    hak_free((void *)(size_t)block);
}

void break_GUARD_FILL(void) {
    volatile char *block = hak_malloc(100);
    hak_free((void *)(size_t)block);
    block[50] = 1;
    hak_malloc(100);
}

void break_GUARD_SIZE(void) {
    hak_free_sized(hak_malloc(100), 101);
}
