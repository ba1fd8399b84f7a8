/* SPDX-License-Identifier: MIT */
/* Real threads, of which exactly one runs: the baton is a futex word per thread. They share one
 * CPU: waking a thread on another, idle one costs several times as much where CPUs are virtual. */
#include "executor.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PARKED, WAITING_INSIDE, RUNNING };
enum { STOP, GO, DROP, QUIT }; /* the baton word */

struct runner {
    atomic_uint baton;
    atomic_uint where;
    struct hunt_thread *thread;
    pthread_t id;
    jmp_buf top;
};

HUNT_STATE static struct runner runners[HUNT_THREADS_MAX];
HUNT_STATE static bool is_open;
HUNT_STATE static cpu_set_t cpus_before;

long __real_syscall(long number, ...);
int __real_pthread_create(pthread_t *id, const pthread_attr_t *attr, void *(*start)(void *),
                          void *argument);
int __real_pthread_join(pthread_t id, void **result);

static void sleep_while(atomic_uint *word, unsigned value) {
    while (atomic_load_explicit(word, memory_order_acquire) == value)
        __real_syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void set_and_wake(atomic_uint *word, unsigned value) {
    atomic_store_explicit(word, value, memory_order_release);
    __real_syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static unsigned take_baton(struct runner *self) {
    sleep_while(&self->baton, STOP);
    return atomic_exchange_explicit(&self->baton, STOP, memory_order_acquire);
}

static void *run(void *argument) {
    struct runner *self = argument;
    (void)setjmp(self->top); /* DROP and leave come back here, from the middle of a body */
    for (;;) {
        set_and_wake(&self->where, PARKED);
        unsigned word = take_baton(self);
        if (word == QUIT)
            return NULL;
        if (word == DROP)
            continue;
        atomic_store(&self->where, RUNNING);
        hunt_thread_main(self->thread);
    }
}

/* For this thread and those that it makes. Where that is refused, schedules only take longer. */
static void share_one_cpu(void) {
    CPU_ZERO(&cpus_before);
    int cpu = sched_getcpu();
    if (cpu < 0 || sched_getaffinity(0, sizeof cpus_before, &cpus_before) != 0)
        return;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET((size_t)cpu, &one);
    (void)sched_setaffinity(0, sizeof one, &one);
}

static bool baton_open(void) {
    if (is_open)
        return true;
    share_one_cpu();
    for (unsigned i = 1; i < HUNT_THREADS_MAX; i++) {
        runners[i].thread = &hunt.threads[i];
        atomic_store(&runners[i].where, RUNNING);
        if (__real_pthread_create(&runners[i].id, NULL, run, &runners[i]) != 0)
            return false;
        sleep_while(&runners[i].where, RUNNING);
        hunt.threads[i].handle = (uintptr_t)runners[i].id;
    }
    hunt.threads[0].handle = (uintptr_t)pthread_self();
    is_open = true;
    return true;
}

static void baton_arm(struct hunt_thread *thread) {
    struct runner *runner = &runners[thread->id];
    sleep_while(&runner->where, RUNNING); /* it may still be on its way out of the last schedule */
    if (atomic_load(&runner->where) != WAITING_INSIDE)
        return;
    atomic_store(&runner->where, RUNNING);
    set_and_wake(&runner->baton, DROP);
    sleep_while(&runner->where, RUNNING);
}

static void baton_close(void) {
    for (unsigned i = 1; is_open && i < HUNT_THREADS_MAX; i++) {
        baton_arm(&hunt.threads[i]);
        set_and_wake(&runners[i].baton, QUIT);
        __real_pthread_join(runners[i].id, NULL);
    }
    if (is_open && CPU_COUNT(&cpus_before) > 0)
        (void)sched_setaffinity(0, sizeof cpus_before, &cpus_before);
    is_open = false;
}

static void baton_transfer(struct hunt_thread *from, struct hunt_thread *to) {
    struct runner *self = &runners[from->id];
    atomic_store(&self->where, WAITING_INSIDE);
    set_and_wake(&runners[to->id].baton, GO);
    if (take_baton(self) == DROP)
        longjmp(self->top, 1);
    atomic_store(&self->where, RUNNING);
}

__attribute__((noreturn)) static void baton_leave(struct hunt_thread *from,
                                                  struct hunt_thread *to) {
    struct runner *self = &runners[from->id]; /* now: the next schedule may be clearing *from */
    set_and_wake(&runners[to->id].baton, GO);
    longjmp(self->top, 1);
}

const struct hunt_executor hunt_executor_baton = {.name = "baton",
                                                  .open = baton_open,
                                                  .close = baton_close,
                                                  .arm = baton_arm,
                                                  .transfer = baton_transfer,
                                                  .leave = baton_leave};
