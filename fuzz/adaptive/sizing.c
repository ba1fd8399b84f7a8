/* SPDX-License-Identifier: MIT */
/* Growing, shrinking and idle classes in fuzz_adaptive; see adaptive.h. */
#include "adaptive.h"
#include "base/config.h"
#include "expect.h"
#include "harness/fault.h"
#include "harness/target.h"
#include "log.h"
#include "model.h"
#include "ops.h"
#include "tcache/tcache.h"

/* Classes of 16 slots that may have 64 or 128: 5.5 MiB more together. */
enum { GROWN_FROM = 29, GROWN_TO = 36, GROWN_TIMES = 3, GROWN_TURNS = 8 };

void adaptive_grow(size_t c) {
    struct model_class *model = &model_classes[c];
    if (!adaptive_open(c)) {
        return;
    }
    uint32_t most = limit_of(c);
    bool may = model->reference.capacity < most;
    uint64_t hits = hak_fuzz_fault_hits();
    bool grown = hak_grow_tls_cache(&adaptive_tcache, (uint32_t)c);
    if (grown != may && !(may && was_refused(c, hits))) {
        hak_fuzz_fail("grow: class %zu at %u of %u slots returned %d", c, model->reference.capacity,
                      most, grown);
    }
    if (grown) {
        expect_grown(model, c);
    } else if (!may) {
        hak_fuzz_tally(OUTCOME_grow_refused);
    }
    adaptive_compare(c);
}

void adaptive_grow_many(void) {
    for (size_t c = GROWN_FROM; c <= GROWN_TO; c++) {
        adaptive_swing(c, GROWN_TURNS / 2 + 1);
        for (int times = 0; times < GROWN_TIMES; times++) {
            adaptive_grow(c);
        }
    }
}

/* The shrink logic needs a mark that fits the smaller cache: the decision to
 * shrink is only ever taken with one. */
void adaptive_shrink(size_t c) {
    struct model_class *model = &model_classes[c];
    if (!adaptive_open(c) || model->reference.mark > model->reference.capacity / 2) {
        return;
    }
    bool may = model->reference.capacity > 16;
    uint64_t hits = hak_fuzz_fault_hits();
    model_demand_numbers(model->cached, model->cached_count);
    bool shrunk = hak_shrink_tls_cache(&adaptive_tcache, &adaptive_chain, (uint32_t)c);
    if (shrunk != may && !(may && was_refused(c, hits))) {
        hak_fuzz_fail("shrink: class %zu at %u slots returned %d", c, model->reference.capacity,
                      shrunk);
    }
    if (may) {
        expect_excess_returned(model);
    } else {
        hak_fuzz_tally(OUTCOME_shrink_refused);
    }
    if (shrunk) {
        expect_shrunk(model, c);
    }
    adaptive_compare(c);
}

/* Idle classes adapt by time alone; the heap asks only where sizes adapt. */
void adaptive_idle(void) {
    if (!hak_config.adaptive_sizing) {
        return;
    }
    adaptive_demand_numbers();
    uint64_t hits = hak_fuzz_fault_hits();
    hak_tcache_adapt_idle_owned(&adaptive_tcache, &adaptive_chain, adaptive_now_ns);
    for (size_t c = 0; c < REFERENCE_CLASS_COUNT; c++) {
        if (model_classes[c].is_open &&
            reference_is_over(&model_classes[c].reference, adaptive_now_ns)) {
            expect_adaptation(c, hits);
            hak_fuzz_tally(OUTCOME_idle);
        }
    }
    adaptive_log_compare();
    adaptive_verify_all();
}
