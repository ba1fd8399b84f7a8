/* SPDX-License-Identifier: MIT */
/*
 * Every schedule with at most so many preemptions (or switches) and stale loads, depth first. Each
 * schedule repeats the decisions of the one before up to the last that has an answer left, takes
 * that one, and goes the usual way from there. Faults are bounded by the scenario; hunt_choose()
 * is not bounded.
 *
 * A schedule ends early where it comes to a state that an earlier one went on from with no less
 * left of its bounds: all that could follow has been tried, depth first, from there. Every state on
 * the way has been seen, so step invariants lose nothing. States are told apart by 64-bit
 * signatures (engine/signature.c).
 */
#include "strategy.h"

#include <sys/mman.h>

#define STATES_FIRST (1u << 10) /* a power of two: small searches stay in the cache */
#define GROWTHS 13u
#define DECISIONS_MAX 65536u

struct node {
    uint8_t kind;
    uint8_t value;   /* the answer now */
    uint8_t untried; /* THREAD: mask; else: the values above `value` that are left */
    uint8_t usual;
    bool is_preemption; /* any answer but the usual one would be */
};

struct state {
    uint64_t signature; /* 0: none */
    uint8_t preemptions; /* the fewest with which it was reached */
};

HUNT_STATE static struct node *nodes;
HUNT_STATE static struct state *tables[GROWTHS]; /* each twice as large as the one before */
HUNT_STATE static unsigned table;                /* the one in use */
HUNT_STATE static uint32_t state_count;
HUNT_STATE static uint64_t pruned;
HUNT_STATE static bool every_order;
HUNT_STATE static uint32_t depth, at;
HUNT_STATE static bool started, complete;
HUNT_STATE static unsigned preemptions, switches, stale_loads;
HUNT_STATE static struct hunt_bounds bounds = {.preemptions = 2, .switches = 255, .stale_loads = 1};

int __real_madvise(void *addr, size_t length, int advice);

void hunt_exhaustive_set_bounds(const struct hunt_bounds *wanted) {
    bounds = *wanted;
}

bool hunt_exhaustive_is_complete(void) {
    return complete;
}

uint64_t hunt_exhaustive_pruned(void) {
    return pruned;
}

static size_t table_length(void) {
    return (size_t)STATES_FIRST << table;
}

static void clear_table(void) {
    if (tables[table] == NULL)
        return;
    if (table < 6)
        __real_memset(tables[table], 0, table_length() * sizeof(struct state));
    else
        __real_madvise(tables[table], table_length() * sizeof(struct state), MADV_DONTNEED);
}

static void start_over(void) {
    clear_table();
    table = 0;
    state_count = 0;
    depth = 0;
    started = complete = false;
}

static void exhaustive_open(void) {
    if (nodes == NULL)
        nodes = hunt_os_reserve_state(DECISIONS_MAX * sizeof *nodes);
    if (tables[0] == NULL)
        tables[0] = hunt_os_reserve_state(STATES_FIRST * sizeof(struct state));
    start_over();
    pruned = 0;
    hunt.long_run = false;
    every_order = bounds.every_order || tables[0] == NULL;
}

/* A thread that runs alone for a thousand steps is made to give way, so where it was last switched
 * to decides what follows; no signature tells that. Rare: spin loops that nothing marks. */
static void give_up_pruning(void) {
    every_order = true;
    start_over();
}

/* The bounds used up so far are part of it, but for the preemptions: fewer are as good. */
static uint64_t signature_of(const struct hunt_decision *decision) {
    uint64_t used = hunt.stale_count | (uint64_t)hunt.fault_count << 8 |
                    (uint64_t)decision->options << 16 | (uint64_t)decision->running << 24 |
                    (uint64_t)decision->running_can_go_on << 32;
    if (bounds.switches != 255)
        used |= (uint64_t)hunt.switch_count << 40;
    uint64_t signature = hunt_mix(hunt_signature() ^ hunt_mix(used));
    return signature != 0 ? signature : 1;
}

/* The state's place, or the free one where it would stand. */
static struct state *place_of(uint64_t signature) {
    for (uint64_t i = signature;; i++) {
        struct state *state = &tables[table][i & (table_length() - 1)];
        if (state->signature == signature || state->signature == 0)
            return state;
    }
}

/* Room for one more. False: there is none, and what is not noted is simply tried. */
static bool make_room(void) {
    struct state *old = tables[table];
    size_t length = table_length();
    if (state_count < length / 4 * 3)
        return true;
    if (table + 1 == GROWTHS)
        return false;
    if (tables[table + 1] == NULL)
        tables[table + 1] = hunt_os_reserve_state(2 * length * sizeof *old);
    if (tables[table + 1] == NULL)
        return false;
    table++;
    for (size_t i = 0; i < length; i++)
        if (old[i].signature != 0)
            *place_of(old[i].signature) = old[i];
    table--;
    clear_table();
    table++;
    return true;
}

/* Notes the state; true: it had been reached with no more preemptions. */
static bool is_known(const struct hunt_decision *decision) {
    uint64_t signature = signature_of(decision);
    struct state *state = place_of(signature);
    if (state->signature == 0) {
        if (!make_room())
            return false;
        state_count++;
        *place_of(signature) = (struct state){signature, (uint8_t)preemptions};
        return false;
    }
    bool known = state->preemptions <= preemptions;
    state->preemptions = known ? state->preemptions : (uint8_t)preemptions;
    return known;
}

/* Moves the deepest node that has an answer left on to it. */
static bool advance(void) {
    while (depth > 0) {
        struct node *node = &nodes[depth - 1];
        if (node->untried == 0) {
            depth--;
            continue;
        }
        if (node->kind == HUNT_DECIDE_THREAD) {
            node->value = (uint8_t)__builtin_ctz(node->untried);
            node->untried &= (uint8_t)(node->untried - 1);
        } else {
            node->value++;
            node->untried--;
        }
        return true;
    }
    return false;
}

static bool exhaustive_begin(uint64_t seed) {
    (void)seed;
    if (hunt.long_run && !every_order)
        give_up_pruning();
    if (nodes == NULL || complete || (started && !advance())) {
        complete = nodes != NULL;
        return false;
    }
    started = true;
    at = 0;
    preemptions = switches = stale_loads = 0;
    return true;
}

static bool is_within(unsigned used, uint8_t bound) {
    return bound == 255 || used < bound;
}

static uint8_t untried_threads(const struct hunt_decision *decision) {
    if (decision->running_can_go_on && !is_within(preemptions, bounds.preemptions))
        return 0;
    if (decision->running_can_go_on && decision->running != 0 &&
        !is_within(switches, bounds.switches))
        return 0;
    return (uint8_t)(decision->options & ~(1u << decision->usual));
}

static uint8_t untried_values(const struct hunt_decision *decision) {
    if (decision->kind == HUNT_DECIDE_LOAD && !is_within(stale_loads, bounds.stale_loads))
        return 0;
    return (uint8_t)(decision->options - 1);
}

static struct node *node_for(const struct hunt_decision *decision) {
    if (at < depth)
        return &nodes[at++];
    struct node *node = &nodes[depth++];
    at = depth;
    bool is_thread = decision->kind == HUNT_DECIDE_THREAD;
    *node =
        (struct node){.kind = decision->kind,
                      .value = decision->usual,
                      .usual = decision->usual,
                      .is_preemption = is_thread && decision->running_can_go_on,
                      .untried = is_thread ? untried_threads(decision) : untried_values(decision)};
    return node;
}

static unsigned exhaustive_decide(const struct hunt_decision *decision) {
    if (at == DECISIONS_MAX)
        return decision->usual; /* beyond any schedule that ends before the livelock cap */
    if (at == depth && decision->kind == HUNT_DECIDE_THREAD && hunt.signatures && !every_order &&
        is_known(decision)) {
        pruned++;
        return HUNT_PRUNE;
    }
    const struct node *node = node_for(decision);
    if (node->kind == HUNT_DECIDE_THREAD && node->is_preemption && node->value != node->usual)
        preemptions++;
    if (node->kind == HUNT_DECIDE_LOAD && node->value != 0)
        stale_loads++;
    if (node->kind == HUNT_DECIDE_THREAD)
        switches = hunt.switch_count + (node->value != decision->running && decision->running != 0);
    if (bounds.switches != 255 && switches > bounds.switches)
        return HUNT_PRUNE;
    return node->value;
}

const struct hunt_strategy hunt_strategy_exhaustive = {
    .name = "exhaustive",
    .summary = "every schedule with at most --preemptions preemptions (2), depth first",
    .open = exhaustive_open,
    .begin = exhaustive_begin,
    .decide = exhaustive_decide};
