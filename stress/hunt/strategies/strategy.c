/* SPDX-License-Identifier: MIT */
/* The list of strategies, and the answers that the random ones share. */
#include "strategy.h"

#include <string.h>

static const struct hunt_strategy *const all[] = {
    &hunt_strategy_portfolio, &hunt_strategy_random, &hunt_strategy_pct,
    &hunt_strategy_pos,       &hunt_strategy_surw,   &hunt_strategy_exhaustive,
};

const struct hunt_strategy *hunt_strategy_at(size_t index) {
    return index < sizeof all / sizeof all[0] ? all[index] : NULL;
}

const struct hunt_strategy *hunt_strategy_by_name(const char *name) {
    for (size_t i = 0; hunt_strategy_at(i) != NULL; i++)
        if (strcmp(all[i]->name, name) == 0)
            return all[i];
    return NULL;
}

/* A stale load in one of four, a fault in one of eight: rare enough that most of a schedule is
 * ordinary, often enough that two of them meet. */
unsigned hunt_random_value(uint64_t *random, const struct hunt_decision *decision) {
    unsigned options = decision->options;
    if (decision->kind == HUNT_DECIDE_LOAD && hunt_random_below(random, 4) != 0)
        return 0;
    if (decision->kind == HUNT_DECIDE_FAULT && hunt_random_below(random, 8) != 0)
        return 0;
    if (decision->kind == HUNT_DECIDE_CHOOSE)
        return hunt_random_below(random, options);
    return 1 + hunt_random_below(random, options - 1);
}

unsigned hunt_mask_pick(uint64_t *random, uint8_t mask) {
    unsigned skip = hunt_random_below(random, (unsigned)__builtin_popcount(mask));
    unsigned left = mask;
    while (skip-- > 0)
        left &= left - 1;
    return (unsigned)__builtin_ctz(left);
}
