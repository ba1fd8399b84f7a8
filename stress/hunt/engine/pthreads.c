/* SPDX-License-Identifier: MIT */
/* pthreads as code under test sees them (wrapped at link time): mutexes, read-write and spin locks,
 * condition variables, once, and threads that it starts itself. */
#include "engine.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#define WRAP(result, name, ...)                                                                    \
    result __real_##name(__VA_ARGS__);                                                             \
    result __wrap_##name(__VA_ARGS__)

WRAP(int, pthread_mutex_lock, pthread_mutex_t *);
WRAP(int, pthread_mutex_trylock, pthread_mutex_t *);
WRAP(int, pthread_mutex_unlock, pthread_mutex_t *);
WRAP(int, pthread_rwlock_rdlock, pthread_rwlock_t *);
WRAP(int, pthread_rwlock_wrlock, pthread_rwlock_t *);
WRAP(int, pthread_rwlock_tryrdlock, pthread_rwlock_t *);
WRAP(int, pthread_rwlock_trywrlock, pthread_rwlock_t *);
WRAP(int, pthread_rwlock_unlock, pthread_rwlock_t *);
WRAP(int, pthread_spin_lock, pthread_spinlock_t *);
WRAP(int, pthread_spin_trylock, pthread_spinlock_t *);
WRAP(int, pthread_spin_unlock, pthread_spinlock_t *);
WRAP(int, pthread_cond_wait, pthread_cond_t *, pthread_mutex_t *);
WRAP(int, pthread_cond_timedwait, pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
WRAP(int, pthread_cond_signal, pthread_cond_t *);
WRAP(int, pthread_cond_broadcast, pthread_cond_t *);
WRAP(int, pthread_once, pthread_once_t *, void (*)(void));
WRAP(int, pthread_create, pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
WRAP(int, pthread_join, pthread_t, void **);
WRAP(int, pthread_detach, pthread_t);
void __real_pthread_exit(void *) __attribute__((noreturn));
void __wrap_pthread_exit(void *) __attribute__((noreturn));

/* ---- locks ---- */

#define LOCK(name, type, is_shared)                                                                \
    int __wrap_##name(type *lock) {                                                                \
        if (!hunt_is_on())                                                                         \
            return __real_##name(lock);                                                            \
        hunt_lock_at(lock, is_shared, HUNT_CALLER());                                              \
        return 0;                                                                                  \
    }

#define TRYLOCK(name, type, is_shared)                                                             \
    int __wrap_##name(type *lock) {                                                                \
        if (!hunt_is_on())                                                                         \
            return __real_##name(lock);                                                            \
        return hunt_trylock_at(lock, is_shared, HUNT_CALLER()) ? 0 : EBUSY;                        \
    }

#define UNLOCK(name, type)                                                                         \
    int __wrap_##name(type *lock) {                                                                \
        if (!hunt_is_on())                                                                         \
            return __real_##name(lock);                                                            \
        hunt_unlock_at(lock, HUNT_CALLER());                                                       \
        return 0;                                                                                  \
    }

LOCK(pthread_mutex_lock, pthread_mutex_t, false)
TRYLOCK(pthread_mutex_trylock, pthread_mutex_t, false)
UNLOCK(pthread_mutex_unlock, pthread_mutex_t)
LOCK(pthread_rwlock_rdlock, pthread_rwlock_t, true)
LOCK(pthread_rwlock_wrlock, pthread_rwlock_t, false)
TRYLOCK(pthread_rwlock_tryrdlock, pthread_rwlock_t, true)
TRYLOCK(pthread_rwlock_trywrlock, pthread_rwlock_t, false)
UNLOCK(pthread_rwlock_unlock, pthread_rwlock_t)
LOCK(pthread_spin_lock, pthread_spinlock_t, false)
TRYLOCK(pthread_spin_trylock, pthread_spinlock_t, false)
UNLOCK(pthread_spin_unlock, pthread_spinlock_t)

/* ---- condition variables ---- */

/* No preemption between the unlock and the wait: that is what a condition variable promises. */
static int cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex, bool timed, uintptr_t pc) {
    hunt_unlock_at(mutex, pc);
    bool woken = hunt_wait_on(cond, timed, pc);
    hunt_lock_at(mutex, false, pc);
    return woken ? 0 : ETIMEDOUT;
}

int __wrap_pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex) {
    if (!hunt_is_on())
        return __real_pthread_cond_wait(cond, mutex);
    return cond_wait(cond, mutex, false, HUNT_CALLER());
}

int __wrap_pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex,
                                  const struct timespec *until) {
    if (!hunt_is_on())
        return __real_pthread_cond_timedwait(cond, mutex, until);
    return cond_wait(cond, mutex, true, HUNT_CALLER());
}

int __wrap_pthread_cond_signal(pthread_cond_t *cond) {
    if (!hunt_is_on())
        return __real_pthread_cond_signal(cond);
    (void)hunt_wake_on(cond, 1, HUNT_CALLER());
    return 0;
}

int __wrap_pthread_cond_broadcast(pthread_cond_t *cond) {
    if (!hunt_is_on())
        return __real_pthread_cond_broadcast(cond);
    (void)hunt_wake_on(cond, HUNT_THREADS_MAX, HUNT_CALLER());
    return 0;
}

/* ---- once: a lock around it; the value 2 is what glibc leaves in a finished one ---- */

int __wrap_pthread_once(pthread_once_t *once, void (*initialise)(void)) {
    if (!hunt_is_on())
        return __real_pthread_once(once, initialise);
    hunt_lock_at(once, false, HUNT_CALLER());
    if (*once != 2) {
        initialise();
        *once = 2;
    }
    hunt_unlock_at(once, HUNT_CALLER());
    return 0;
}

/* ---- threads ---- */

static struct hunt_thread *thread_of(pthread_t id) {
    for (unsigned i = 1; i <= hunt.thread_count; i++)
        if (hunt.threads[i].handle == (uintptr_t)id)
            return &hunt.threads[i];
    return NULL;
}

int __wrap_pthread_create(pthread_t *id, const pthread_attr_t *attr, void *(*start)(void *),
                          void *argument) {
    if (!hunt_is_on())
        return __real_pthread_create(id, attr, start, argument);
    hunt_step(&(struct hunt_event){.kind = HUNT_OP_SPAWN, .pc = HUNT_CALLER()});
    struct hunt_thread *thread = hunt_thread_new();
    if (thread == NULL)
        return EAGAIN;
    thread->start = start;
    thread->argument = argument;
    *id = (pthread_t)thread->handle;
    return 0;
}

int __wrap_pthread_join(pthread_t id, void **result) {
    struct hunt_thread *thread = hunt_is_on() ? thread_of(id) : NULL;
    if (thread == NULL)
        return __real_pthread_join(id, result);
    if (hunt.current->id == 0)
        hunt_fail(HUNT_MISUSE, 0, "setup and teardown cannot join a thread: let a body do it");
    hunt.current->join_target = thread->id;
    hunt_step(
        &(struct hunt_event){.kind = HUNT_OP_JOIN, .addr = (uintptr_t)id, .pc = HUNT_CALLER()});
    hunt_acquire(hunt.current, &thread->view);
    if (result != NULL)
        *result = thread->result;
    return 0;
}

int __wrap_pthread_detach(pthread_t id) {
    return hunt_is_on() && thread_of(id) != NULL ? 0 : __real_pthread_detach(id);
}

void __wrap_pthread_exit(void *result) {
    if (!hunt_is_on() || hunt.current->id == 0)
        __real_pthread_exit(result);
    hunt.current->result = result;
    hunt_thread_exit();
}
