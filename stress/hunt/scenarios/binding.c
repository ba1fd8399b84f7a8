/* SPDX-License-Identifier: MIT */
/*
 * How hakmem meets the engine: its locks are engine locks too (one step instead of several, and
 * "held by T2" in deadlock reports), its event rings record nothing (the interleaving table tells
 * more), and its fork handlers are kept for the scenario that plays fork(). Not observed.
 */
#include "engine/engine.h"

#include "base/event_ring.h"
#include "base/lock.h"
#include "support.h"

/* ---- locks: the engine decides who gets one; then the real lock is free, and checks its rank ---
 */

void __real_hak_lock_acquire(struct hak_lock *lock);
void __real_hak_lock_acquire_for_fork(struct hak_lock *lock);
bool __real_hak_lock_try_acquire(struct hak_lock *lock);
void __real_hak_lock_release(struct hak_lock *lock);
void __real_hak_lock_reset_in_child(struct hak_lock *lock);
void __real_hak_lock_hold_all(bool holds);
void __wrap_hak_lock_acquire(struct hak_lock *lock);
void __wrap_hak_lock_acquire_for_fork(struct hak_lock *lock);
bool __wrap_hak_lock_try_acquire(struct hak_lock *lock);
void __wrap_hak_lock_release(struct hak_lock *lock);
void __wrap_hak_lock_reset_in_child(struct hak_lock *lock);
void __wrap_hak_lock_hold_all(bool holds);
void __wrap_hak_os_fork_handlers(void (*prepare)(void), void (*parent)(void), void (*child)(void));

static __thread bool holds_all;

static uintptr_t caller(const void *return_address) {
    return (uintptr_t)return_address - 1;
}

void __wrap_hak_lock_acquire(struct hak_lock *lock) {
    if (hunt_is_on() && !holds_all)
        hunt_lock_at(lock, false, caller(__builtin_return_address(0)));
    __real_hak_lock_acquire(lock);
}

void __wrap_hak_lock_acquire_for_fork(struct hak_lock *lock) {
    if (hunt_is_on())
        hunt_lock_at(lock, false, caller(__builtin_return_address(0)));
    __real_hak_lock_acquire_for_fork(lock);
}

bool __wrap_hak_lock_try_acquire(struct hak_lock *lock) {
    if (hunt_is_on() && !holds_all &&
        !hunt_trylock_at(lock, false, caller(__builtin_return_address(0))))
        return false;
    return __real_hak_lock_try_acquire(lock);
}

void __wrap_hak_lock_release(struct hak_lock *lock) {
    __real_hak_lock_release(lock);
    if (hunt_is_on() && !holds_all)
        hunt_unlock_at(lock, caller(__builtin_return_address(0)));
}

void __wrap_hak_lock_reset_in_child(struct hak_lock *lock) {
    hunt_lock_forget(lock);
    __real_hak_lock_reset_in_child(lock);
}

void __wrap_hak_lock_hold_all(bool holds) {
    holds_all = holds;
    __real_hak_lock_hold_all(holds);
}

/* ---- fork handlers ---- */

struct fork_handlers fork_handlers;

void __wrap_hak_os_fork_handlers(void (*prepare)(void), void (*parent)(void), void (*child)(void)) {
    fork_handlers = (struct fork_handlers){prepare, parent, child};
}

/* ---- threads that are gone ---- */

bool __wrap_hak_os_thread_is_gone(uint64_t thread);

/* None: a heap's user is a thread of the scenario, or of the one before it on another stack. */
bool __wrap_hak_os_thread_is_gone(uint64_t thread) {
    (void)thread;
    return false;
}

/* ---- event rings ---- */

void hak_event_record(const char *what, const void *address, uint64_t number) {
    (void)what;
    (void)address;
    (void)number;
}

void hak_operation_enter(const char *call, const void *block, size_t size_bytes) {
    (void)call;
    (void)block;
    (void)size_bytes;
}

void hak_event_ring_release(void) {
}

void hak_report_context_checked(int fd) {
    (void)fd;
}
