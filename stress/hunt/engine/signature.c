/* SPDX-License-Identifier: MIT */
/*
 * Which schedules come to the same state. Steps of different threads that touch different things may
 * change places without any difference: what a schedule has done is the set of its steps, each with
 * the steps it depends on, those of its own thread and those on the same thing (a Mazurkiewicz
 * trace). The signature is the sum of a hash for each step that covers all it depends on, so it is
 * the same for every order of independent steps.
 *
 * Things are 16-byte granules of memory (atomics, locks, futexes), the order of sequentially
 * consistent operations, the operating system and the allocator of the engine, and the end of a
 * thread. Plain accesses are not steps: a schedule in which their order is not given by other
 * steps has a data race and is reported, so this is for searches that look for races.
 */
#include "engine.h"

#define SLOTS 65536u /* a power of two */
#define THINGS_MAX 49152u

/* No addresses of user space. */
#define THING_SC ((uintptr_t)1 << 60)
#define THING_OS ((uintptr_t)2 << 60)
#define THING_THREAD ((uintptr_t)3 << 60)

struct thing {
    uintptr_t key;
    uint64_t write; /* the last step that changed it, and all before */
    uint64_t reads; /* the sum of those that looked at it since */
    uint32_t generation;
};

HUNT_STATE static struct thing *things;
HUNT_STATE static uint32_t thing_count, generation;
HUNT_STATE static uint64_t sum, of_thread[HUNT_THREADS_MAX];
HUNT_STATE static bool is_on;

void hunt_signature_reset(bool on) {
    if (on && things == NULL)
        things = hunt_os_reserve_state(SLOTS * sizeof *things);
    is_on = on && things != NULL;
    generation++;
    thing_count = 0;
    sum = 0;
    for (unsigned i = 0; i < HUNT_THREADS_MAX; i++)
        of_thread[i] = hunt_mix(i);
}

static struct thing *thing_of(uintptr_t key) {
    for (uint64_t i = hunt_mix(key / 32) * 32 + key % 32;; i++) {
        struct thing *thing = &things[i & (SLOTS - 1)];
        if (thing->generation == generation && thing->key == key)
            return thing;
        if (thing->generation == generation)
            continue;
        if (thing_count++ == THINGS_MAX)
            hunt_fail(HUNT_MISUSE, 0, "more than %u places of steps: make the scenario smaller",
                      THINGS_MAX);
        *thing = (struct thing){.key = key, .generation = generation};
        return thing;
    }
}

static void add(unsigned thread, uint64_t what) {
    of_thread[thread] = hunt_mix(of_thread[thread] ^ hunt_mix(what));
    sum += hunt_mix(of_thread[thread]);
}

static void touch(unsigned thread, uintptr_t key, bool write) {
    struct thing *thing = thing_of(key);
    add(thread, hunt_mix(key * 2 + write) + thing->write + (write ? hunt_mix(thing->reads) : 0));
    if (write) {
        thing->write = of_thread[thread];
        thing->reads = 0;
    } else {
        thing->reads += of_thread[thread];
    }
}

static void touch_memory(unsigned thread, const struct hunt_event *event, bool write) {
    uintptr_t first = event->addr >> 4;
    uintptr_t last = (event->addr + (event->size != 0 ? event->size - 1 : 0)) >> 4;
    bool is_atomic = event->kind == HUNT_OP_LOAD || event->kind == HUNT_OP_STORE ||
                     event->kind == HUNT_OP_RMW || event->kind == HUNT_OP_CAS;
    for (uintptr_t key = first; key <= last; key++)
        touch(thread, key, write);
    if (is_atomic && event->order == __ATOMIC_SEQ_CST)
        touch(thread, THING_SC, write);
}

void hunt_signature_step(const struct hunt_thread *self) {
    const struct hunt_event *event = &self->pending;
    if (!is_on)
        return;
    add(self->id, event->pc * 32 + event->kind);
    switch (event->kind) {
    case HUNT_OP_LOAD:
    case HUNT_OP_READ:
        touch_memory(self->id, event, false);
        break;
    case HUNT_OP_STORE:
    case HUNT_OP_RMW:
    case HUNT_OP_CAS:
    case HUNT_OP_WRITE:
    case HUNT_OP_LOCK:
    case HUNT_OP_TRYLOCK:
    case HUNT_OP_UNLOCK:
    case HUNT_OP_WAIT:
    case HUNT_OP_WAKE:
        touch_memory(self->id, event, true);
        break;
    case HUNT_OP_FENCE:
        if (event->order == __ATOMIC_SEQ_CST)
            touch(self->id, THING_SC, true);
        break;
    case HUNT_OP_OS:
    case HUNT_OP_SPAWN:
        touch(self->id, THING_OS, true);
        break;
    case HUNT_OP_EXIT:
        touch(self->id, THING_THREAD + self->id, true);
        break;
    case HUNT_OP_JOIN:
        touch(self->id, THING_THREAD + self->join_target, true);
        break;
    default: /* its own affair */
        break;
    }
}

void hunt_signature_waits(const volatile void *channel) {
    if (is_on)
        touch(hunt.current->id, (uintptr_t)channel >> 4, true);
}

void hunt_signature_order(void) {
    if (is_on && hunt_is_on() && hunt.current->id != 0)
        touch(hunt.current->id, THING_OS, true);
}

void hunt_signature_saw(uint64_t value) {
    if (is_on && hunt.current != NULL)
        add(hunt.current->id, value);
}

void hunt_signature_spawn(unsigned thread, unsigned parent) {
    of_thread[thread] = hunt_mix(of_thread[parent] + thread);
}

/* What the scheduler knows beside the steps: who waits for whom to take a turn. */
static uint64_t of_scheduler(void) {
    uint64_t hash = hunt_mix(hunt.live_mask * 256u + hunt.demoted_mask);
    for (unsigned i = 1; i <= hunt.thread_count; i++) {
        const struct hunt_thread *thread = &hunt.threads[i];
        uint64_t state = thread->state * 4u + (thread->timed_out ? 2u : 0) + (thread->fresh ? 1u : 0);
        bool demoted = (hunt.demoted_mask & (1u << i)) != 0;
        if (demoted)
            state += 256u * thread->after_mask + (thread->after_any ? 128u : 0);
        hash = hunt_mix(hash ^ state);
    }
    return hash;
}

uint64_t hunt_signature(void) {
    uint64_t hash = hunt_mix(sum ^ hunt_mix(hunt.step_count));
    hash = hunt_mix(hash ^ of_scheduler());
    hash = hunt_mix(hash ^ hunt.clock_ns);
    return hunt_mix(hash ^ hunt.random);
}
