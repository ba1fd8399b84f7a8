/* SPDX-License-Identifier: MIT */
/* Time, processors, thread exit and fork handlers, on the real system. */
#include "os/os_thread.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support/expect.h"

Test(os_thread, clock_never_goes_back_and_keeps_up) {
    struct timespec now;
    uint64_t last = hak_os_clock_coarse_ns();
    for (int i = 0; i < 100000; i++) {
        uint64_t t = hak_os_clock_coarse_ns();
        expect(t >= last, "%lu after %lu", t, last);
        last = t;
    }
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t exact = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    cr_assert(exact + 1 > last && exact - last < 2000000000u, "%lu against %lu", last, exact);
}

Test(os_thread, cpu_count_is_what_the_process_may_use) {
    cpu_set_t all, one;
    cr_assert_eq(sched_getaffinity(0, sizeof all, &all), 0);
    cr_assert_eq(hak_os_cpu_count(), (uint32_t)CPU_COUNT(&all));
    CPU_ZERO(&one);
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (CPU_ISSET(cpu, &all)) {
            CPU_SET(cpu, &one);
            break;
        }
    }
    cr_assert_eq(sched_setaffinity(0, sizeof one, &one), 0);
    cr_assert_eq(hak_os_cpu_count(), 1);
}

/* --- Thread exit --------------------------------------------------------- */

static _Atomic int hook_runs, other_runs, other_runs_at_hook;
static pthread_key_t other_key;

static void on_exit_hook(void) {
    hook_runs++;
    other_runs_at_hook = other_runs;
}

/* Asks for a second round, as destructors may. */
static void other_destructor(void *value) {
    other_runs++;
    if (value == (void *)1) {
        pthread_setspecific(other_key, (void *)2);
    }
}

static void *armed_thread(void *unused) {
    hak_os_thread_exit_arm();
    hak_os_thread_exit_arm(); /* twice is as once */
    pthread_setspecific(other_key, (void *)1);
    return unused;
}

static void *plain_thread(void *unused) {
    return unused;
}

static void run_thread(void *(*body)(void *)) {
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, body, NULL), 0);
    cr_assert_eq(pthread_join(thread, NULL), 0);
}

/* In the second round: after the first run of every other key's destructor. */
Test(os_thread, exit_hook_runs_once_after_other_destructors) {
    cr_assert(hak_os_thread_exit_init(on_exit_hook));
    cr_assert_eq(pthread_key_create(&other_key, other_destructor), 0);
    run_thread(armed_thread);
    cr_assert_eq(hook_runs, 1);
    cr_assert_geq(other_runs_at_hook, 1, "the hook ran before another key's destructor");
    cr_assert_eq(other_runs, 2);
    run_thread(armed_thread);
    cr_assert_eq(hook_runs, 2);
}

static void arming_destructor(void *unused) {
    (void)unused;
    other_runs++;
    hak_os_thread_exit_arm();
}

static void *thread_that_arms_late(void *unused) {
    pthread_setspecific(other_key, &other_key);
    return unused;
}

Test(os_thread, exit_hook_runs_when_armed_by_a_destructor) {
    cr_assert(hak_os_thread_exit_init(on_exit_hook));
    cr_assert_eq(pthread_key_create(&other_key, arming_destructor), 0);
    run_thread(thread_that_arms_late);
    cr_assert_eq(other_runs, 1);
    cr_assert_eq(hook_runs, 1);
}

Test(os_thread, exit_hook_runs_only_for_armed_threads) {
    cr_assert(hak_os_thread_exit_init(on_exit_hook));
    run_thread(plain_thread);
    cr_assert_eq(hook_runs, 0);
}

Test(os_thread, no_key_left_is_told) {
    pthread_key_t key;
    while (pthread_key_create(&key, NULL) == 0) {
    }
    cr_assert_not(hak_os_thread_exit_init(on_exit_hook));
}

/* --- Threads that are gone -------------------------------------------------- */

static uint64_t thread_seen;

static void *see_thread(void *unused) {
    thread_seen = hak_os_thread_self();
    cr_assert_not(hak_os_thread_is_gone(thread_seen));
    return unused;
}

Test(os_thread, is_gone_soon_after_it_was_joined_and_not_before) {
    const struct timespec nap_time = {0, 1000 * 1000};
    uint64_t self = hak_os_thread_self();
    cr_assert(self != 0 && self == hak_os_thread_self());
    run_thread(see_thread);
    cr_assert_neq(thread_seen, self);
    for (int i = 0; i < 5000 && !hak_os_thread_is_gone(thread_seen); i++) {
        nanosleep(&nap_time, NULL);
    }
    errno = EXDEV;
    cr_assert(hak_os_thread_is_gone(thread_seen));
    cr_assert_not(hak_os_thread_is_gone(self));
    cr_assert_eq(errno, EXDEV);
}

Test(os_thread, of_another_process_is_never_gone) {
    run_thread(see_thread);
    uint64_t no_process = thread_seen + ((uint64_t)1 << 32);
    cr_assert_not(hak_os_thread_is_gone(no_process));
}

/* --- fork ---------------------------------------------------------------- */

static int prepared, in_parent, in_child;

static void note_prepare(void) {
    prepared++;
}

static void note_parent(void) {
    in_parent++;
}

static void note_child(void) {
    in_child++;
}

Test(os_thread, fork_calls_each_handler_where_it_belongs) {
    int status;
    hak_os_fork_handlers(note_prepare, note_parent, note_child);
    pid_t pid = fork();
    cr_assert_geq(pid, 0);
    if (pid == 0) {
        _exit(prepared == 1 && in_parent == 0 && in_child == 1 ? 0 : 1);
    }
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    cr_assert(prepared == 1 && in_parent == 1 && in_child == 0);
}

/* --- fork and stdio ------------------------------------------------------- */

/* Three threads: one forks, and its handlers take an allocator's lock; one flushes all
 * files; one has a file's lock and allocates. Here the allocator is one mutex. */
static pthread_mutex_t allocator = PTHREAD_MUTEX_INITIALIZER;
static FILE *held_file;
static pthread_barrier_t held;
static int allocated;

static void take_allocator(void) {
    pthread_mutex_lock(&allocator);
}

static void give_allocator(void) {
    pthread_mutex_unlock(&allocator);
}

static void nap(void) {
    const struct timespec time = {0, 50 * 1000 * 1000};
    nanosleep(&time, NULL); /* a shorter one hides the fault, and never makes one up */
}

static void *flush_all(void *unused) {
    pthread_barrier_wait(&held);
    fflush(NULL); /* has the list, waits for the file */
    return unused;
}

static void *allocate_with_file_held(void *unused) {
    struct timespec limit;
    flockfile(held_file);
    pthread_barrier_wait(&held);
    nap();
    nap(); /* by now the main thread is in fork */
    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += 2;
    allocated = pthread_mutex_timedlock(&allocator, &limit) == 0;
    if (allocated) {
        pthread_mutex_unlock(&allocator);
    }
    funlockfile(held_file);
    return unused;
}

Test(os_thread, fork_waits_for_stdio_before_its_handlers_take_locks) {
    pthread_t flusher, holder;
    hak_os_fork_handlers(take_allocator, give_allocator, give_allocator);
    held_file = fopen("/dev/null", "r");
    pthread_barrier_init(&held, NULL, 3);
    pthread_create(&holder, NULL, allocate_with_file_held, NULL);
    pthread_create(&flusher, NULL, flush_all, NULL);
    pthread_barrier_wait(&held);
    nap();
    pid_t pid = fork();
    if (pid == 0) {
        fclose(held_file); /* the child's list is free again */
        _exit(0);
    }
    int status = -1;
    waitpid(pid, &status, 0);
    pthread_join(holder, NULL);
    pthread_join(flusher, NULL);
    cr_assert(allocated, "deadlock: fork holds the allocator and waits for stdio, which waits for "
                         "a file whose holder allocates");
    cr_assert_eq(status, 0);
}
