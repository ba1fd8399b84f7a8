/* SPDX-License-Identifier: MIT */
/* Breakers of TLS caches and adaptive sizing: breakers.h. */
#include "hakmem.h"
#include "unit/check/breakers.h"

static struct hak_tcache_bin *bin_48(void) {
    return &healthy_heap()->tcache.bins[class_48() + HAK_KIND_CLASS_FIRST];
}

/* Makes the cache say that it holds one block more than it has slots. */
static void overfill(void) {
    hak_store_relaxed(&bin_48()->top, bin_48()->end + 1);
}

static uint32_t refill(uint32_t wanted) {
    struct hak_heap *heap = healthy_heap();
    return hak_tcache_refill_owned(&heap->tcache, &heap->chain, class_48(), wanted, 1);
}

static void adapt(void) {
    struct hak_heap *heap = healthy_heap();
    hak_adapt_tls_cache_size(&heap->tcache, &heap->chain, class_48(), 1);
}

static void shrink(void) {
    struct hak_heap *heap = healthy_heap();
    hak_shrink_tls_cache(&heap->tcache, &heap->chain, class_48());
}

static void spoil_capacity(void) {
    struct hak_heap *heap = (struct hak_heap *)(void *)hak_tls;
    heap->tcache.classes[class_48()].sizing.capacity += 16;
}

void break_TC_CAPACITY(void) {
    healthy_cache()->sizing.capacity_max = 32; /* of 64 slots */
    hak_heap_check();
}

void break_TC_EXCESS(void) {
    struct hak_tcache *tcache = &healthy_heap()->tcache;
    for (uint32_t c = 0; c < HAK_CLASS_COUNT; c++) { /* each class for itself may */
        tcache->classes[c].sizing.capacity = hak_class_infos[c].capacity_swing_max;
        tcache->classes[c].sizing.grow_count = 1;
    }
    hak_heap_check();
}

void break_TC_COUNT(void) {
    overfill();
    hak_heap_check();
}

void break_overfull_cache_grows(void) {
    overfill();
    hak_grow_tls_cache(&healthy_heap()->tcache, class_48());
}

void break_TC_REFILL_CLAMP(void) {
    struct hak_heap *heap = healthy_heap();
    overfill();
    hak_tcache_refill_owned(&heap->tcache, &heap->chain, class_48(), 1, 1);
}

/* A cache that shrank, and asks for as much as before. */
void break_TC_BATCH(void) {
    struct hak_tcache_class *class = healthy_cache();
    class->batch = class->sizing.capacity;
    hak_heap_check();
}

void break_TC_HIGH_WATER(void) {
    struct hak_adaptive *sizing = &healthy_cache()->sizing;
    hak_update_high_water_mark(sizing, sizing->capacity + 1);
}

void break_TC_GROW_DOUBLES(void) {
    struct hak_heap *heap = healthy_heap();
    misbehaviour.on_meta_free = spoil_capacity; /* the old slots' end, late in growing */
    hak_grow_tls_cache(&heap->tcache, class_48());
}

void break_TC_SHRINK_HALVES(void) {
    healthy_heap();
    misbehaviour.on_meta_free = spoil_capacity;
    shrink();
}

void break_TC_SHRINK_CONSERVES(void) {
    refill(60); /* more than fit half of the slots */
    misbehaviour.flush_hides = 1;
    shrink();
}

static void drop_one(void) {
    hak_tcache_pop(hak_tls, class_48() + HAK_KIND_CLASS_FIRST);
}

/* What the flush returned and kept is right; one block falls out on its way to the new slots. */
void break_shrink_forgets_a_kept_block(void) {
    refill(60);
    misbehaviour.on_meta_free = drop_one; /* the old slots' end, late in shrinking */
    shrink();
}

void break_TC_RESET(void) {
    healthy_cache()->sizing.high_water_mark = 32;
    misbehaviour.keeps_window = true;
    adapt();
}

void break_TC_CLASS(void) {
    struct hak_heap *heap = healthy_heap();
    hak_tcache_push(&heap->tcache, class_48() + HAK_KIND_CLASS_FIRST,
                    hak_malloc(SIZE_OF_CLASS_1024));
    hak_heap_check();
}

void break_TC_SENTINEL(void) {
    struct hak_tcache_class *cache = healthy_cache();
    cache->slots[0] = cache->slots[1];
    hak_heap_check();
}

void break_AD_DECISION(void) {
    healthy_heap();
    misbehaviour.decides_otherwise = true;
    adapt();
}
