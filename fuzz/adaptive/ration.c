/* SPDX-License-Identifier: MIT */
/* What an input may have of what is costly; see ration.h. */
#include "ration.h"

#include "harness/run.h"

enum { BLOCKS = 48, BLOCKS_FEW = 8, ROUNDS = 4, RESTARTS = 1, LINES = 2 };

static size_t blocks_left, rounds_left, restarts_left, lines_left;

void ration_begin(void) {
    blocks_left = BLOCKS;
    rounds_left = ROUNDS;
    restarts_left = RESTARTS;
    lines_left = LINES;
}

static bool allows(size_t *left) {
    bool allowed = *left > 0 || hak_fuzz_is_whole();
    *left -= *left > 0;
    return allowed;
}

size_t ration_of_refill(const struct model_class *class, size_t wanted) {
    uint32_t available = class->reference.capacity - class->cached_count;
    return hak_fuzz_ration(&blocks_left, BLOCKS_FEW, wanted,
                           wanted < available ? wanted : available);
}

bool ration_allows_round(size_t round) {
    return round == 0 || allows(&rounds_left);
}

size_t ration_of_round(const struct model_class *class, size_t wanted, size_t round) {
    bool is_first = round == 0 || class->reference.event_count == 0;
    return is_first || hak_fuzz_is_whole() || wanted == 0 ? wanted : 1;
}

bool ration_allows_restart(void) {
    return allows(&restarts_left);
}

bool ration_allows_more_lines(void) {
    return allows(&lines_left);
}
