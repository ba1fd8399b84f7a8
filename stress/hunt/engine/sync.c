/* SPDX-License-Identifier: MIT */
/* Engine locks and waiting: who holds what, who waits where, and what that orders. */
#include "engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LOCKS_MAX 1024u
#define SLOTS 4096u

struct hunt_lock {
    uintptr_t addr;
    uintptr_t pc;          /* where it was taken last */
    uint8_t owner;         /* 0: nobody holds it for writing (thread 0 is the setup: see below) */
    uint8_t readers;       /* mask */
    uint8_t setup_holds;   /* taken before the threads began */
    uint8_t last;          /* the thread that took it last */
    struct hunt_view view; /* what the releases so far have published */
};

HUNT_STATE static struct hunt_lock locks[LOCKS_MAX];
HUNT_STATE static uint32_t lock_count;
HUNT_STATE static struct { uint32_t generation, index; } slots[SLOTS];
HUNT_STATE static uint32_t generation;

void hunt_sync_reset(void) {
    lock_count = 0;
    generation++;
}

static struct hunt_lock *lock_of(const volatile void *object) {
    uintptr_t addr = (uintptr_t)object;
    for (uint64_t i = hunt_mix(addr);; i++) {
        uint32_t slot = (uint32_t)i & (SLOTS - 1);
        if (slots[slot].generation == generation && locks[slots[slot].index].addr == addr)
            return &locks[slots[slot].index];
        if (slots[slot].generation == generation)
            continue;
        if (lock_count == LOCKS_MAX)
            hunt_fail(HUNT_MISUSE, 0, "more than %u locks: make the scenario smaller", LOCKS_MAX);
        slots[slot].generation = generation;
        slots[slot].index = lock_count;
        locks[lock_count] = (struct hunt_lock){.addr = addr};
        return &locks[lock_count++];
    }
}

bool hunt_lock_is_free(const struct hunt_lock *lock, bool shared) {
    return lock->owner == 0 && lock->setup_holds == 0 && (shared || lock->readers == 0);
}

unsigned hunt_lock_holder(const struct hunt_lock *lock, uintptr_t *pc) {
    *pc = lock->pc;
    if (lock->owner != 0)
        return lock->owner;
    return lock->readers != 0 ? (unsigned)__builtin_ctz(lock->readers) : 0;
}

static void take(struct hunt_lock *lock, struct hunt_thread *self, bool shared, uintptr_t pc) {
    if (self->id == 0)
        lock->setup_holds++;
    else if (shared)
        lock->readers |= (uint8_t)(1u << self->id);
    else
        lock->owner = self->id;
    hunt_feedback(lock->pc, lock->last, pc, self->id);
    lock->pc = pc;
    lock->last = self->id;
    hunt_acquire(self, &lock->view);
}

void hunt_lock_at(const volatile void *object, bool shared, uintptr_t pc) {
    struct hunt_thread *self = hunt.current;
    struct hunt_lock *lock = lock_of(object);
    self->lock = lock;
    hunt_step(
        &(struct hunt_event){.kind = HUNT_OP_LOCK, .shared = shared, .addr = lock->addr, .pc = pc});
    take(lock, self, shared, pc);
}

bool hunt_trylock_at(const volatile void *object, bool shared, uintptr_t pc) {
    struct hunt_thread *self = hunt.current;
    struct hunt_lock *lock = lock_of(object);
    hunt_step(&(struct hunt_event){
        .kind = HUNT_OP_TRYLOCK, .shared = shared, .addr = lock->addr, .pc = pc});
    bool taken = hunt_lock_is_free(lock, shared);
    if (taken)
        take(lock, self, shared, pc);
    else
        hunt_feedback(~lock->pc, lock->last, pc, self->id);
    if (hunt.tracing && self->id != 0)
        hunt_trace_last()->failed = !taken;
    return taken;
}

static void give_back(struct hunt_lock *lock, struct hunt_thread *self) {
    uint8_t bit = (uint8_t)(1u << self->id);
    if (self->id == 0 && lock->setup_holds != 0)
        lock->setup_holds--;
    else if (self->id != 0 && lock->owner == self->id)
        lock->owner = 0;
    else if (self->id != 0 && (lock->readers & bit) != 0)
        lock->readers &= (uint8_t)~bit;
    else
        hunt_fail(HUNT_MISUSE, hunt_mix(lock->addr), "T%u releases a lock that it does not hold",
                  self->id);
    hunt_view_join(&lock->view, &self->view);
    if (self->id != 0)
        hunt_epoch_next(self);
}

void hunt_unlock_at(const volatile void *object, uintptr_t pc) {
    struct hunt_lock *lock = lock_of(object);
    hunt_step(&(struct hunt_event){.kind = HUNT_OP_UNLOCK, .addr = lock->addr, .pc = pc});
    give_back(lock, hunt.current);
}

void hunt_lock_forget(const volatile void *object) {
    if (!hunt_is_on())
        return;
    struct hunt_lock *lock = lock_of(object);
    lock->owner = lock->readers = 0;
    lock->setup_holds = 0;
}

/* ---- waiting ---- */

/* The caller has taken the step that made it wait. */
static bool wait_here(const volatile void *channel, bool timed, uintptr_t pc) {
    struct hunt_thread *self = hunt.current;
    if (self->id == 0)
        hunt_fail(HUNT_DEADLOCK, hunt_mix(pc), "the setup or teardown waits, and no thread runs");
    self->pending = (struct hunt_event){.kind = HUNT_OP_WAIT, .addr = (uintptr_t)channel, .pc = pc};
    if (hunt.tracing && hunt_trace_last()->event.kind != HUNT_OP_WAIT)
        hunt_trace_add(&self->pending); /* a condition variable's wait comes with its unlock */
    hunt_signature_waits(channel);
    self->timed = timed;
    self->timed_out = false;
    self->state = HUNT_WAITING;
    hunt_block_and_switch();
    return !self->timed_out;
}

bool hunt_wait_on(const volatile void *channel, bool timed, uintptr_t pc) {
    return wait_here(channel, timed, pc);
}

/* Wakes in the order of thread ids, starting after the caller: deterministic, and no order is
 * promised to real programs either. */
unsigned hunt_wake_on(const volatile void *channel, unsigned count, uintptr_t pc) {
    struct hunt_thread *self = hunt.current;
    unsigned woken = 0;
    hunt_step(&(struct hunt_event){.kind = HUNT_OP_WAKE, .addr = (uintptr_t)channel, .pc = pc});
    for (unsigned i = 1; i < HUNT_THREADS_MAX && woken < count; i++) {
        struct hunt_thread *thread = &hunt.threads[(self->id + i) % HUNT_THREADS_MAX];
        if ((hunt.live_mask & (1u << thread->id)) == 0 || thread->state != HUNT_WAITING ||
            thread->pending.addr != (uintptr_t)channel)
            continue;
        thread->state = HUNT_READY;
        woken++;
    }
    return woken;
}

/* ---- the public hooks ---- */

void hunt_lock_acquire(const volatile void *lock) {
    if (hunt_is_on())
        hunt_lock_at(lock, false, HUNT_CALLER());
}

bool hunt_lock_try(const volatile void *lock) {
    return hunt_is_on() ? hunt_trylock_at(lock, false, HUNT_CALLER()) : true;
}

void hunt_lock_release(const volatile void *lock) {
    if (hunt_is_on())
        hunt_unlock_at(lock, HUNT_CALLER());
}

void hunt_lock_acquire_shared(const volatile void *lock) {
    if (hunt_is_on())
        hunt_lock_at(lock, true, HUNT_CALLER());
}

bool hunt_lock_try_shared(const volatile void *lock) {
    return hunt_is_on() ? hunt_trylock_at(lock, true, HUNT_CALLER()) : true;
}

void hunt_lock_release_shared(const volatile void *lock) {
    if (hunt_is_on())
        hunt_unlock_at(lock, HUNT_CALLER());
}

/* The kernel compares the word and goes to sleep in one step, so this is one step too. */
int hunt_wait(const volatile uint32_t *word, uint32_t expected) {
    if (!hunt_is_on())
        return 0;
    hunt_step(&(struct hunt_event){
        .kind = HUNT_OP_WAIT, .size = 4, .addr = (uintptr_t)word, .pc = HUNT_CALLER()});
    if (*word != expected) {
        if (hunt.tracing && hunt.current->id != 0)
            hunt_trace_last()->failed = true;
        return EAGAIN;
    }
    return wait_here(word, false, HUNT_CALLER()) ? 0 : ETIMEDOUT;
}

unsigned hunt_wake(const volatile uint32_t *word, unsigned count) {
    return hunt_is_on() ? hunt_wake_on(word, count, HUNT_CALLER()) : 0;
}

void hunt_relax(void) {
    if (hunt_is_on())
        hunt_step(&(struct hunt_event){.kind = HUNT_OP_RELAX, .pc = HUNT_CALLER()});
}

void hunt_point(const char *name) {
    if (hunt_is_on())
        hunt_step(&(struct hunt_event){.kind = HUNT_OP_POINT, .name = name, .pc = HUNT_CALLER()});
}
