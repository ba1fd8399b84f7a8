/* SPDX-License-Identifier: MIT */
/* The reference's word on events; see expect.h. */
#include "expect.h"

#include "adaptive.h"
#include "base/config.h"
#include "harness/fault.h"
#include "harness/target.h"
#include "log.h"

enum { ALLOWANCE_BYTES = 4 << 20 };

static void tally_decision(const struct reference *r, enum reference_decision decision) {
    static const enum adaptive_outcome outcomes[] = {
        [REFERENCE_KEEP] = OUTCOME_kept,
        [REFERENCE_GROW] = OUTCOME_grew,
        [REFERENCE_SHRINK] = OUTCOME_shrank,
    };
    bool is_over = 5 * r->mark > 4 * r->capacity, is_under = 5 * r->mark < r->capacity;
    hak_fuzz_tally(outcomes[decision]);
    hak_fuzz_tally(r->event_count >= 10 ? OUTCOME_by_events : OUTCOME_by_time);
    /* Capacities are powers of two: 80 % and 20 % are never met exactly, so the
     * nearest on either side is what counts. */
    if (5 * r->mark + 4 >= 4 * r->capacity && !is_over) {
        hak_fuzz_tally(OUTCOME_at_80);
    }
    if (5 * r->mark <= r->capacity + 4 && !is_under) {
        hak_fuzz_tally(OUTCOME_at_20);
    }
    if (is_over && decision == REFERENCE_KEEP) {
        hak_fuzz_tally(OUTCOME_kept_at_max);
    }
    if (is_under && decision == REFERENCE_KEEP) {
        hak_fuzz_tally(OUTCOME_kept_at_min);
    }
    if (r->capacity == REFERENCE_SLOTS_MAX) {
        hak_fuzz_tally(OUTCOME_at_2048);
    }
}

static size_t bytes_beyond_maximum(size_t c, uint32_t slots) {
    uint32_t most = model_classes[c].reference.capacity_max;
    return slots > most ? (slots - most) * reference_stride(c) : 0;
}

static bool would_exceed_allowance(size_t c) {
    size_t bytes = bytes_beyond_maximum(c, 2 * model_classes[c].reference.capacity);
    for (size_t other = 0; other < REFERENCE_CLASS_COUNT; other++) {
        if (other != c) {
            bytes += bytes_beyond_maximum(other, model_classes[other].reference.capacity);
        }
    }
    return bytes > ALLOWANCE_BYTES;
}

uint32_t limit_of(size_t c) {
    const struct reference *r = &model_classes[c].reference;
    bool is_below = r->capacity < r->capacity_max, swings = reference_swings(r);
    if (r->is_rare && (is_below ? hak_config.adaptive_reuse : swings)) {
        hak_fuzz_tally(OUTCOME_too_rare);
        return r->capacity;
    }
    if (is_below) {
        return r->capacity_max;
    }
    if (!swings) {
        return r->capacity;
    }
    if (would_exceed_allowance(c)) {
        hak_fuzz_tally(OUTCOME_over_allowance);
        return r->capacity;
    }
    return reference_swing_max(c);
}

void expect_grown(struct model_class *model, size_t c) {
    uint32_t from = model->reference.capacity;
    if (from >= model->reference.capacity_max) {
        hak_fuzz_tally(OUTCOME_grew_beyond);
    }
    model->reference.capacity = 2 * from;
    model->reference.grow_count++;
    adaptive_log_expect_grow(c, from, &model->reference);
}

void expect_shrunk(struct model_class *model, size_t c) {
    uint32_t from = model->reference.capacity;
    model->reference.capacity = from / 2;
    model->reference.shrink_count++;
    adaptive_log_expect_shrink(c, from, &model->reference);
}

/* Blocks beyond the new capacity go back first, memory or not. */
void expect_excess_returned(struct model_class *model) {
    uint32_t half = model->reference.capacity / 2;
    if (model->cached_count > half) {
        model_drop_oldest(model, model->cached_count - half);
        hak_fuzz_tally(OUTCOME_shrink_returned);
    }
}

/* Only a request for memory that was made to fail excuses a resize. */
bool was_refused(size_t c, uint64_t hits_before) {
    bool refused =
        hak_fuzz_fault_hits() != hits_before &&
        adaptive_tcache.classes[c].sizing.capacity == model_classes[c].reference.capacity;
    if (refused) {
        hak_fuzz_tally(OUTCOME_resize_failed);
    }
    return refused;
}

/* A window has ended: the decision, what it does, and the next window. */
void expect_adaptation(size_t c, uint64_t hits_before) {
    struct model_class *model = &model_classes[c];
    struct reference *r = &model->reference;
    uint32_t per_mille;
    enum reference_decision decision = reference_decide(r->mark, r->capacity, limit_of(c));
    tally_decision(r, decision);
    if (decision == REFERENCE_SHRINK) {
        expect_excess_returned(model);
    }
    if (decision == REFERENCE_KEEP) {
        if (hak_config.adaptive_log && reference_settles(r, adaptive_now_ns, &per_mille)) {
            adaptive_log_expect_keep(c, per_mille, r);
            hak_fuzz_tally(OUTCOME_kept_line);
        }
    } else if (!was_refused(c, hits_before)) {
        (decision == REFERENCE_GROW ? expect_grown : expect_shrunk)(model, c);
    }
    reference_new_window(r, adaptive_now_ns);
}

static void expect_event(size_t c, uint32_t count, uint64_t hits_before) {
    model_classes[c].last_event = ++model_event_count;
    if (!reference_event(&model_classes[c].reference, count, adaptive_now_ns)) {
        return;
    }
    if (hak_config.adaptive_sizing) {
        expect_adaptation(c, hits_before);
    } else {
        hak_fuzz_tally(OUTCOME_fixed);
    }
}

void expect_refill(size_t c, uint32_t count, uint64_t hits_before) {
    reference_late(&model_classes[c].reference, false);
    expect_event(c, count, hits_before);
}

void expect_flush_full(size_t c, uint64_t hits_before) {
    struct reference *r = &model_classes[c].reference;
    reference_late(r, true);
    uint32_t mark = reference_full_mark(r, hak_config.adaptive_reuse);
    if (mark < r->capacity) {
        hak_fuzz_tally(OUTCOME_not_reused);
    }
    expect_event(c, mark, hits_before);
}

void expect_begin(void) {
    static bool is_known, at_start;
    at_start = is_known ? at_start : hak_config.adaptive_reuse;
    is_known = true;
    hak_config.adaptive_reuse = at_start;
}

void adaptive_reuse(size_t only) {
    hak_config.adaptive_reuse = only != 0;
}
