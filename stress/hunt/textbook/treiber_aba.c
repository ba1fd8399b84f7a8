/* SPDX-License-Identifier: MIT */
/* A lock-free stack. Between the load of the top and the compare-exchange, another thread pops two
 * nodes and pushes the first back: the exchange succeeds and installs a node that is in use (ABA).
 * The twin counts pops in the upper half of the top word. */
#include "hunt.h"

#include <stdatomic.h>

#define NODES 3u
#define NONE 0xffffffffu

struct node {
    _Atomic uint32_t next;
    _Atomic uint32_t taken; /* 1: a thread has popped it */
};

static struct node nodes[NODES];
static _Atomic uint64_t top; /* index of the first node; the twin: a count above it */

static uint64_t with_index(uint64_t word, uint32_t index, uint64_t count_step) {
    return ((word >> 32) + count_step) << 32 | index;
}

static uint32_t pop(uint64_t count_step) {
    uint64_t seen = atomic_load_explicit(&top, memory_order_acquire);
    for (;;) {
        uint32_t index = (uint32_t)seen;
        if (index == NONE)
            return NONE;
        uint32_t next = atomic_load_explicit(&nodes[index].next, memory_order_relaxed);
        if (atomic_compare_exchange_weak_explicit(&top, &seen, with_index(seen, next, count_step),
                                                  memory_order_acq_rel, memory_order_acquire)) {
            uint32_t was = atomic_exchange_explicit(&nodes[index].taken, 1, memory_order_relaxed);
            hunt_check(was == 0, "node %u popped while in use", index);
            return index;
        }
    }
}

static void push(uint32_t index) {
    atomic_store_explicit(&nodes[index].taken, 0, memory_order_relaxed);
    uint64_t seen = atomic_load_explicit(&top, memory_order_relaxed);
    do
        atomic_store_explicit(&nodes[index].next, (uint32_t)seen, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&top, &seen, with_index(seen, index, 0),
                                                  memory_order_release, memory_order_relaxed));
}

static void setup(void) {
    for (uint32_t i = 0; i < NODES; i++)
        atomic_init(&nodes[i].next, i + 1 < NODES ? i + 1 : NONE);
}

static void pop_one(void) {
    (void)pop(0);
    (void)pop(0);
}

static void pop_two_push_one(void) {
    uint32_t first = pop(0);
    (void)pop(0);
    if (first != NONE)
        push(first);
}

static void counted_pop_one(void) {
    (void)pop(1);
    (void)pop(1);
}

static void counted_pop_two_push_one(void) {
    uint32_t first = pop(1);
    (void)pop(1);
    if (first != NONE)
        push(first);
}

HUNT_SCENARIO(treiber_aba) = {.name = "treiber-aba",
                              .summary = "lock-free stack without a counter: ABA",
                              .flags = HUNT_PLANTED,
                              .setup = setup,
                              .body = {pop_one, pop_two_push_one}};

HUNT_SCENARIO(treiber_counted) = {.name = "treiber-counted",
                                  .summary = "lock-free stack with a counter against ABA",
                                  .setup = setup,
                                  .body = {counted_pop_one, counted_pop_two_push_one}};
