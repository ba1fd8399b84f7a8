/* SPDX-License-Identifier: MIT */
/* Follows a guide (strategy.h): what a fuzzer chose, which need not fit the path that the schedule
 * takes. Unlike a token it always leads somewhere. */
#include "strategy.h"

HUNT_STATE static struct hunt_guide guide;
HUNT_STATE static uint32_t next;

void hunt_guided_set(const struct hunt_guide *wanted) {
    guide = *wanted;
}

static void guided_open(void) {
}

static bool guided_begin(uint64_t seed) {
    next = 0;
    return guide.rest == NULL || guide.rest->begin(seed);
}

static unsigned nth_thread(unsigned mask, unsigned n) {
    for (n %= (unsigned)__builtin_popcount(mask); n > 0; n--)
        mask &= mask - 1;
    return (unsigned)__builtin_ctz(mask);
}

/* Never the usual answer: a decision that changes nothing need not be there. */
static unsigned possible(const struct hunt_decision *decision, unsigned value) {
    if (decision->kind != HUNT_DECIDE_THREAD)
        return 1 + (value + decision->options - 2) % (decision->options - 1u);
    unsigned others = decision->options & ~(1u << decision->usual);
    bool is_other = value < HUNT_THREADS_MAX && (others & (1u << value)) != 0;
    return is_other ? value : nth_thread(others, value);
}

static unsigned guided_decide(const struct hunt_decision *decision) {
    while (next < guide.decision_count && guide.decisions[next].index < decision->index)
        next++;
    if (next == guide.decision_count)
        return guide.rest != NULL ? guide.rest->decide(decision) : decision->usual;
    const struct hunt_deviation *wanted = &guide.decisions[next];
    if (wanted->index != decision->index)
        return decision->usual;
    next++;
    return possible(decision, wanted->value);
}

static void guided_executed(unsigned thread, const struct hunt_event *event) {
    if (guide.rest != NULL && guide.rest->executed != NULL)
        guide.rest->executed(thread, event);
}

static void guided_end(void) {
    if (guide.rest != NULL && guide.rest->end != NULL)
        guide.rest->end();
}

const struct hunt_strategy hunt_strategy_guided = {.name = "guided",
                                                   .summary = "what a fuzzer chose",
                                                   .open = guided_open,
                                                   .begin = guided_begin,
                                                   .decide = guided_decide,
                                                   .executed = guided_executed,
                                                   .end = guided_end};
