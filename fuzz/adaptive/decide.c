/* SPDX-License-Identifier: MIT */
/* The decision alone, for any mark and capacity, against the reference. */
#include "adaptive.h"
#include "harness/target.h"
#include "reference.h"
#include "tcache/adaptive.h"

static uint32_t least(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

static void judge_decision(uint32_t mark, uint32_t slots, uint32_t most) {
    static const enum hak_adaptive_decision same[] = {
        [REFERENCE_KEEP] = HAK_ADAPTIVE_KEEP,
        [REFERENCE_GROW] = HAK_ADAPTIVE_GROW,
        [REFERENCE_SHRINK] = HAK_ADAPTIVE_SHRINK,
    };
    enum hak_adaptive_decision decision = hak_adaptive_decide(mark, slots, most);
    if (decision != same[reference_decide(mark, slots, most)]) {
        hak_fuzz_fail("decide: %d for a mark of %u in %u slots of at most %u", (int)decision, mark,
                      slots, most);
    }
}

/* A capacity that is no power of two can be used to exactly 80 % and 20 %. */
void adaptive_decide(size_t mark_per_mille, size_t capacity, size_t c) {
    uint32_t most = reference_capacity_max(c), slots = least((uint32_t)capacity, most);
    uint32_t mark = (uint32_t)(mark_per_mille * slots / 1000);
    for (uint32_t near = mark > 1 ? mark - 2 : 0; near <= least(mark + 2, slots); near++) {
        judge_decision(near, slots, most);
    }
    if (slots >= 64 && slots < REFERENCE_SLOTS_MAX / 2) {
        uint32_t fifth = slots / 5;
        judge_decision(fifth, 5 * fifth, REFERENCE_SLOTS_MAX);
        judge_decision(4 * fifth, 5 * fifth, REFERENCE_SLOTS_MAX);
    }
}
