/* SPDX-License-Identifier: MIT */
/* The operations of fuzz_adaptive; see adaptive.h. */
#include "adaptive.h"

#include "base/config.h"
#include "expect.h"
#include "harness/checked.h"
#include "harness/fault.h"
#include "harness/target.h"
#include "heap/heap_start.h"
#include "log.h"
#include "meta/meta.h"
#include "model.h"
#include "ops.h"
#include "ration.h"
#include "superslab/chain.h"
#include "superslab/pool.h"
#include "tcache/tcache.h"

enum { INITIAL_SLOTS = 64, REST_EVENTS = 32 };
static const uint64_t START_NS = 5000000000;

struct hak_tcache adaptive_tcache;
uint64_t adaptive_now_ns;

struct hak_chain adaptive_chain;

static size_t meta_before;

static uint32_t least(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

static size_t kind_of(size_t class_index) {
    return class_index + HAK_KIND_CLASS_FIRST;
}

void adaptive_compare(size_t c) {
    adaptive_log_compare();
    model_compare(&adaptive_tcache, c);
}

/* --- Refill, pop, push, flush ------------------------------------------------ */

bool adaptive_open(size_t c) {
    uint64_t hits = hak_fuzz_fault_hits();
    bool opened = hak_tcache_open_owned(&adaptive_tcache, (uint32_t)c);
    if (!opened && hits == hak_fuzz_fault_hits()) {
        hak_fuzz_fail("open: class %zu has no slots and no fault was injected", c);
    }
    model_classes[c].is_open = opened;
    return opened;
}

/* One call, judged. Returns how many blocks came. */
static uint32_t refill_once(size_t c, uint32_t wanted) {
    struct model_class *model = &model_classes[c];
    uint32_t available = model->reference.capacity - model->cached_count;
    uint64_t hits = hak_fuzz_fault_hits();
    uint32_t got =
        hak_tcache_refill_owned(&adaptive_tcache, &adaptive_chain, (uint32_t)c, wanted, adaptive_now_ns);
    if (got > least(wanted, available)) {
        hak_fuzz_fail("refill: class %zu got %u of %u wanted with %u slots free", c, got, wanted,
                      available);
    }
    if (got > 0) {
        if (wanted > available) {
            hak_fuzz_tally(OUTCOME_clamped);
            if (model->reference.capacity == 16) {
                hak_fuzz_tally(OUTCOME_clamped_at_16);
            }
        }
        model_take_in(c, adaptive_tcache.classes[c].slots + 1 + model->cached_count, got);
        expect_refill(c, model->cached_count, hits);
    }
    adaptive_compare(c);
    return got;
}

void adaptive_refill(size_t c, size_t wanted) {
    if (!adaptive_open(c)) {
        return;
    }
    wanted = ration_of_refill(&model_classes[c], wanted);
    uint64_t hits = hak_fuzz_fault_hits();
    bool is_full = model_classes[c].cached_count == model_classes[c].reference.capacity;
    if (refill_once(c, (uint32_t)wanted) > 0) {
        return;
    }
    if (is_full || wanted == 0) {
        hak_fuzz_tally(OUTCOME_skipped);
        return;
    }
    bool expanded = hak_chain_expand_owned(&adaptive_chain, (uint32_t)c) != NULL;
    bool got = expanded && refill_once(c, (uint32_t)wanted) > 0;
    if (!got && hits == hak_fuzz_fault_hits()) {
        hak_fuzz_fail("refill: class %zu got nothing of %zu wanted, even after expansion", c,
                      wanted);
    }
    hak_fuzz_tally(OUTCOME_expanded);
}

void adaptive_refill_own(size_t c) {
    if (!adaptive_open(c)) {
        return;
    }
    uint32_t wanted = hak_tcache_wanted(&adaptive_tcache, (uint32_t)c);
    if (wanted == 0 || wanted > model_classes[c].reference.capacity) {
        hak_fuzz_fail("refill: class %zu of %u slots wants %u", c,
                      model_classes[c].reference.capacity, wanted);
    }
    adaptive_refill(c, wanted);
}

void adaptive_pop(size_t c, size_t count) {
    struct model_class *model = &model_classes[c];
    for (size_t i = 0; i < count && model->held_count < MODEL_HELD_MAX; i++) {
        void *block = hak_tcache_pop(&adaptive_tcache, kind_of(c));
        void *expected = model->cached_count > 0 ? model->cached[model->cached_count - 1] : NULL;
        if (block != expected) {
            hak_fuzz_fail("pop: class %zu gave %p, not %p", c, block, expected);
        }
        if (block == NULL) {
            hak_fuzz_tally(OUTCOME_popped_empty);
            return;
        }
        model->cached_count--;
        model->held[model->held_count++] = block;
    }
}

static void flush_full(size_t c) {
    struct model_class *model = &model_classes[c];
    uint64_t hits = hak_fuzz_fault_hits();
    uint32_t capacity = model->reference.capacity;
    model_demand_numbers(model->cached, model->cached_count);
    hak_tcache_flush_full_owned(&adaptive_tcache, &adaptive_chain, (uint32_t)c, adaptive_now_ns);
    model_drop_oldest(model, model->cached_count - capacity / 2);
    expect_flush_full(c, hits);
    hak_fuzz_tally(OUTCOME_flushed_full);
    adaptive_compare(c);
}

void adaptive_push(size_t c, size_t count) {
    struct model_class *model = &model_classes[c];
    for (size_t i = 0; i < count && model->held_count > 0; i++) {
        void *block = model->held[model->held_count - 1];
        bool has_room = model->is_open && model->cached_count < model->reference.capacity;
        if (hak_tcache_push(&adaptive_tcache, kind_of(c), block) != has_room) {
            hak_fuzz_fail("push: class %zu with %u of %u slots filled says %s", c,
                          model->cached_count, model->reference.capacity,
                          has_room ? "full" : "not full");
        }
        if (has_room) {
            model->held_count--;
            model->cached[model->cached_count++] = block;
        } else if (model->is_open) {
            flush_full(c);
        } else if (!adaptive_open(c)) {
            return;
        }
    }
    adaptive_compare(c);
}

void adaptive_churn(size_t c, size_t wanted, size_t times) {
    for (size_t i = 0; i < times && ration_allows_round(i); i++) {
        adaptive_pop(c, REFERENCE_SLOTS_MAX);
        adaptive_refill(c, ration_of_round(&model_classes[c], wanted, i));
    }
}

void adaptive_free_only(size_t c, size_t times) {
    struct model_class *model = &model_classes[c];
    for (size_t i = 0; i < times && adaptive_open(c); i++) {
        size_t capacity = model->reference.capacity;
        adaptive_push(c, capacity);
        if (model->cached_count == capacity) {
            flush_full(c);
        }
    }
}

void adaptive_swing(size_t c, size_t times) {
    struct model_class *model = &model_classes[c];
    for (size_t i = 0; i < times && ration_allows_round(i) && adaptive_open(c); i++) {
        adaptive_pop(c, REFERENCE_SLOTS_MAX);
        adaptive_refill(c, model->reference.capacity);
        adaptive_free_only(c, 1);
    }
}

void adaptive_flush(size_t c, size_t keep) {
    struct model_class *model = &model_classes[c];
    uint32_t expected = model->cached_count > keep ? model->cached_count - (uint32_t)keep : 0;
    model_demand_numbers(model->cached, expected);
    uint32_t given = hak_tcache_flush_owned(&adaptive_tcache, &adaptive_chain, (uint32_t)c, (uint32_t)keep);
    if (given != expected) {
        hak_fuzz_fail("flush: class %zu gave %u of %u back, to keep %zu", c, given,
                      model->cached_count, keep);
    }
    model_drop_oldest(model, expected);
    adaptive_compare(c);
}

void adaptive_demand_numbers(void) {
    for (size_t c = 0; c < REFERENCE_CLASS_COUNT; c++) {
        model_demand_numbers(model_classes[c].cached, model_classes[c].cached_count);
    }
}

void adaptive_flush_all(void) {
    adaptive_demand_numbers();
    hak_tcache_flush_all_owned(&adaptive_tcache, &adaptive_chain);
    for (size_t c = 0; c < REFERENCE_CLASS_COUNT; c++) {
        model_drop_oldest(&model_classes[c], model_classes[c].cached_count);
    }
    adaptive_verify_all();
}

void adaptive_flush_for_adoption(void) {
    uint32_t dropped[REFERENCE_CLASS_COUNT];
    for (size_t c = 0; c < REFERENCE_CLASS_COUNT; c++) {
        uint32_t keep = reference_first_refill(c), count = model_classes[c].cached_count;
        dropped[c] = count > keep ? count - keep : 0;
        model_demand_numbers(model_classes[c].cached, dropped[c]);
    }
    hak_tcache_flush_for_adoption_owned(&adaptive_tcache, &adaptive_chain);
    for (size_t c = 0; c < REFERENCE_CLASS_COUNT; c++) {
        model_drop_oldest(&model_classes[c], dropped[c]);
    }
    adaptive_verify_all();
}

void adaptive_flush_resting(void) {
    uint32_t expected = 0;
    adaptive_demand_numbers();
    for (size_t c = 0; c < REFERENCE_CLASS_COUNT; c++) {
        struct model_class *model = &model_classes[c];
        if (model_event_count - model->last_event >= REST_EVENTS && model->cached_count > 0) {
            expected += model->cached_count;
            model_drop_oldest(model, model->cached_count);
            hak_fuzz_tally(OUTCOME_rested);
        }
    }
    uint32_t given = hak_tcache_flush_resting_owned(&adaptive_tcache, &adaptive_chain);
    if (given != expected) {
        hak_fuzz_fail("flush resting: %u blocks given, not %u", given, expected);
    }
    adaptive_verify_all();
}

/* --- The rest ----------------------------------------------------------------- */

static void release_slots(void) {
    for (size_t c = 0; c < REFERENCE_CLASS_COUNT; c++) {
        struct hak_tcache_class *class = &adaptive_tcache.classes[c];
        if (class->slots != NULL) {
            hak_meta_free(class->slots, (class->sizing.capacity + 1) * sizeof(void *));
        }
        model_classes[c].is_open = false;
    }
}

static void start(uint32_t capacity, bool adapts) {
    hak_config.adaptive_sizing = false; /* so that the first capacity is ours to choose */
    hak_config.fixed_capacity = capacity;
    hak_tcache_init(&adaptive_tcache);
    model_event_count = 0;
    hak_config.adaptive_sizing = adapts;
    for (size_t c = 0; c < REFERENCE_CLASS_COUNT; c++) {
        reference_init(&model_classes[c].reference, c, capacity);
        model_classes[c].last_event = 0;
    }
}

void adaptive_restart(size_t capacity, size_t adapts) {
    if (!ration_allows_restart()) {
        return;
    }
    adaptive_flush_all();
    release_slots();
    start((uint32_t)capacity, adapts != 0);
}

void adaptive_clock(size_t ns) {
    adaptive_now_ns += ns;
}

void adaptive_log(size_t on) {
    adaptive_log_set(on != 0);
}

void adaptive_announce(void) {
    hak_adaptive_log_init();
    adaptive_log_expect_announcement(hak_config.adaptive_sizing, hak_config.fixed_capacity);
    adaptive_log_compare();
}

void adaptive_fault(size_t nth, size_t count) {
    static uint64_t hits_seen;
    hak_fuzz_fault_mmap_after(nth, count);
    for (; hits_seen < hak_fuzz_fault_hits(); hits_seen++) {
        hak_fuzz_tally(OUTCOME_fault_hit);
    }
}

void adaptive_begin(void) {
    hak_heap_start();
    hak_fuzz_fault_meta(true);
    meta_before = hak_fuzz_meta_live_bytes();
    model_reset();
    ration_begin();
    model_event_count = 0;
    hak_chain_init(&adaptive_chain);
    adaptive_now_ns = START_NS;
    adaptive_log_begin();
    /* As the library does it, so that the policy's own start is what is seen. */
    hak_config.adaptive_sizing = true;
    expect_begin();
    hak_tcache_init(&adaptive_tcache);
    for (size_t c = 0; c < REFERENCE_CLASS_COUNT; c++) {
        reference_init(&model_classes[c].reference, c, INITIAL_SLOTS);
    }
}

/* Nothing is lost: what the chain counts as out is what we hold or cache. */
static void compare_live_bytes(void) {
    size_t live_bytes = hak_chain_live_bytes_owned(&adaptive_chain);
    if (live_bytes != model_live_bytes()) {
        hak_fuzz_fail("conservation: the chain counts %zu bytes out, caches and program have %zu",
                      live_bytes, model_live_bytes());
    }
}

void adaptive_verify_all(void) {
    for (size_t c = 0; c < REFERENCE_CLASS_COUNT; c++) {
        model_compare(&adaptive_tcache, c);
    }
    compare_live_bytes();
}

static void give_held_back(void) {
    for (size_t c = 0; c < REFERENCE_CLASS_COUNT; c++) {
        struct model_class *model = &model_classes[c];
        if (model->held_count == 0) {
            continue;
        }
        model_demand_numbers(model->held, model->held_count);
        hak_chain_give_owned(&adaptive_chain, (enum hak_kind)kind_of(c), model->held, model->held_count);
        model->held_count = 0;
    }
}

void adaptive_end(void) {
    adaptive_fault(0, 0);
    adaptive_verify_all();
    adaptive_flush_all();
    give_held_back();
    compare_live_bytes();
    HAK_FUZZ_CHECKED(hak_chain_verify_quiescent(&adaptive_chain));
    hak_chain_trim_owned(&adaptive_chain, false);
    if (adaptive_chain.superslab_count != 0) {
        hak_fuzz_fail("conservation: %u SuperSlabs stay in use with nothing in them",
                      adaptive_chain.superslab_count);
    }
    release_slots();
    hak_pool_trim();
    if (hak_fuzz_meta_live_bytes() != meta_before) {
        hak_fuzz_fail("conservation: %zu bytes of metadata are out, not %zu",
                      hak_fuzz_meta_live_bytes(), meta_before);
    }
    hak_fuzz_fault_meta(false);
}
