/* SPDX-License-Identifier: MIT */
/* TLS caches: see tcache.h. Layer 4. Growing and shrinking: tcache_resize.c. */
#include "tcache/tcache.h"

#include <string.h>

#include "base/check.h"
#include "base/config.h"
#include "base/event_ring.h"
#include "base/pause.h"
#include "tcache/tcache_slots.h"

/* The NULL that every empty cache's pop reads; nothing is ever stored here. */
static void *no_slots[1];

#define NONE_BIN {.top = no_slots + 1, .end = no_slots + 1}
#define NONE_BINS_4 NONE_BIN, NONE_BIN, NONE_BIN, NONE_BIN
#define NONE_BINS_16 NONE_BINS_4, NONE_BINS_4, NONE_BINS_4, NONE_BINS_4

struct hak_tcache hak_tcache_none = {
    .bins = {NONE_BINS_16, NONE_BINS_16, NONE_BINS_16, NONE_BINS_16},
};

_Static_assert(HAK_KIND_COUNT == 64, "hak_tcache_none lists the bins");

enum { BATCH_MIN_BYTES = 4096, BATCH_MIN_COUNT = 8, GIVE_ALL = 0 };

/* The first refills of a class are small: most classes of most threads are
 * never used again. */
static uint32_t batch_min(uint32_t class_index) {
    uint32_t fits = BATCH_MIN_BYTES / hak_class_infos[class_index].stride_bytes;
    return fits < 1 ? 1 : fits < BATCH_MIN_COUNT ? fits : BATCH_MIN_COUNT;
}

void hak_tcache_init(struct hak_tcache *tcache) {
    memset(tcache, 0, sizeof *tcache);
    for (uint32_t kind = 0; kind < HAK_KIND_COUNT; kind++) {
        hak_store_relaxed(&tcache->bins[kind].top, no_slots + 1); /* not shared yet */
        tcache->bins[kind].end = no_slots + 1;
    }
    for (uint32_t c = 0; c < HAK_CLASS_COUNT; c++) {
        hak_adaptive_sizing_init(&tcache->classes[c].sizing, hak_class_infos[c].capacity_max,
                                 hak_config.adaptive_sizing ? 0 : hak_config.fixed_capacity);
        tcache->classes[c].batch = batch_min(c);
    }
}

uint32_t hak_tcache_count(const struct hak_tcache *tcache, uint32_t class_index) {
    const struct hak_tcache_bin *bin = &tcache->bins[class_index + HAK_KIND_CLASS_FIRST];
    void **slots = tcache->classes[class_index].slots;
    return slots == NULL ? 0 : (uint32_t)(hak_load_relaxed(&bin->top) - slots) - 1;
}

uint32_t hak_tcache_capacity(const struct hak_tcache *tcache, uint32_t class_index) {
    const struct hak_tcache_class *class = &tcache->classes[class_index];
    return class->slots == NULL ? 0 : class->sizing.capacity;
}

bool hak_tcache_open_owned(struct hak_tcache *tcache, uint32_t class_index) {
    struct hak_tcache_class *class = &tcache->classes[class_index];
    if (class->slots == NULL) {
        void **slots = hak_tcache_slots_alloc(class->sizing.capacity);
        if (slots == NULL) {
            return false;
        }
        hak_tcache_slots_install(tcache, class_index, slots, 0);
    }
    return true;
}

uint32_t hak_tcache_wanted(const struct hak_tcache *tcache, uint32_t class_index) {
    return tcache->classes[class_index].batch;
}

static void note_event(struct hak_tcache *tcache, struct hak_chain *chain, uint32_t class_index,
                       uint32_t mark, uint64_t now_ns) {
    struct hak_adaptive *sizing = &tcache->classes[class_index].sizing;
    tcache->classes[class_index].event_number = ++tcache->event_count;
    hak_update_high_water_mark(sizing, mark);
    if (hak_track_refill_for_adaptation(sizing, now_ns) && hak_config.adaptive_sizing) {
        hak_adapt_tls_cache_size(tcache, chain, class_index, now_ns);
    }
}

/* Twice as many next time, up to half the cache: the other half is room for
 * what the thread frees meanwhile. */
static void raise_batch(struct hak_tcache_class *class) {
    uint32_t most = class->sizing.capacity / 2;
    class->batch = class->batch * 2 < most ? class->batch * 2 : most;
}

uint32_t hak_tcache_refill_owned(struct hak_tcache *tcache, struct hak_chain *chain,
                                 uint32_t class_index, uint32_t wanted, uint64_t now_ns) {
    struct hak_tcache_class *class = &tcache->classes[class_index];
    uint32_t count = hak_tcache_count(tcache, class_index);
    uint32_t available = class->sizing.capacity - count;
    if (available == 0) {
        return 0;
    }
    uint32_t refill = wanted < available ? wanted : available;
    hak_assert(count + refill <= class->sizing.capacity, TC_REFILL_CLAMP, count, refill,
               class->sizing.capacity);
    void **first = class->slots + 1 + count;
    uint32_t got = hak_chain_take_owned(chain, class_index, first, refill);
    if (got == 0) {
        return 0;
    }
    /* T1 again: the blocks are stored before top moves over them. */
    hak_store_release(&tcache->bins[class_index + HAK_KIND_CLASS_FIRST].top, first + got);
    tcache->refill_count++;
    hak_event("refill", (void *)(uintptr_t)hak_class_infos[class_index].stride_bytes, got);
    raise_batch(class);
    hak_adaptive_note_refill(&class->sizing);
    note_event(tcache, chain, class_index, count + got, now_ns);
    hak_assert_valid(tcache_class, tcache, class_index);
    return got;
}

uint32_t hak_tcache_flush_owned(struct hak_tcache *tcache, struct hak_chain *chain,
                                uint32_t class_index, uint32_t keep) {
    struct hak_tcache_class *class = &tcache->classes[class_index];
    uint32_t kind = class_index + HAK_KIND_CLASS_FIRST;
    uint32_t count = hak_tcache_count(tcache, class_index);
    if (count <= keep) {
        return 0;
    }
    uint32_t give = count - keep;
    tcache->flush_count++;
    tcache->remote_free_count +=
        hak_chain_give_owned(chain, (enum hak_kind)kind, class->slots + 1, give);
    hak_pause_point(FLUSH_GIVEN);
    memmove(class->slots + 1, class->slots + 1 + give, keep * sizeof *class->slots);
    hak_store_release(&tcache->bins[kind].top, class->slots + 1 + keep); /* T1 */
    hak_event("flush", (void *)(uintptr_t)hak_class_infos[class_index].stride_bytes, give);
    hak_assert_valid(tcache_class, tcache, class_index);
    return give;
}

void hak_tcache_flush_full_owned(struct hak_tcache *tcache, struct hak_chain *chain,
                                 uint32_t class_index, uint64_t now_ns) {
    struct hak_adaptive *sizing = &tcache->classes[class_index].sizing;
    hak_tcache_flush_owned(tcache, chain, class_index, sizing->capacity / 2);
    hak_adaptive_note_flush(sizing);
    uint32_t mark = hak_adaptive_full_mark(sizing, hak_config.adaptive_reuse);
    note_event(tcache, chain, class_index, mark, now_ns);
    hak_assert_valid(tcache_class, tcache, class_index);
}

void hak_tcache_flush_for_adoption_owned(struct hak_tcache *tcache, struct hak_chain *chain) {
    for (uint32_t c = 0; c < HAK_CLASS_COUNT; c++) {
        hak_tcache_flush_owned(tcache, chain, c, batch_min(c));
    }
}

uint32_t hak_tcache_flush_all_owned(struct hak_tcache *tcache, struct hak_chain *chain) {
    uint32_t given = 0;
    for (uint32_t c = 0; c < HAK_CLASS_COUNT; c++) {
        given += hak_tcache_flush_owned(tcache, chain, c, GIVE_ALL);
    }
    return given;
}

uint32_t hak_tcache_flush_resting_owned(struct hak_tcache *tcache, struct hak_chain *chain) {
    uint32_t given = 0;
    for (uint32_t c = 0; c < HAK_CLASS_COUNT; c++) {
        const struct hak_tcache_class *class = &tcache->classes[c];
        if (class->slots != NULL &&
            tcache->event_count - class->event_number >= HAK_TCACHE_REST_EVENTS) {
            given += hak_tcache_flush_owned(tcache, chain, c, GIVE_ALL);
        }
    }
    return given;
}
