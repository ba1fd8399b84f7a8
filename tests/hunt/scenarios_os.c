/* SPDX-License-Identifier: MIT */
/* The kernel's side: futex locks, mappings, failing calls, crashes, aborts. */
#include "hunt.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* ---- a futex lock, seen instruction by instruction ---- */

static atomic_uint word; /* 0 free, 1 taken, 2 taken and somebody waits */
static int guarded;

static void futex_lock(void) {
    unsigned seen = 0;
    if (atomic_compare_exchange_strong_explicit(&word, &seen, 1, memory_order_acquire,
                                                memory_order_relaxed))
        return;
    while (atomic_exchange_explicit(&word, 2, memory_order_acquire) != 0)
        syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 2, NULL, NULL, 0);
}

static void futex_unlock(void) {
    if (atomic_exchange_explicit(&word, 0, memory_order_release) == 2)
        syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* The bug: it goes to sleep without having said so. */
static void futex_lock_unmarked(void) {
    unsigned seen = 0;
    while (!atomic_compare_exchange_strong_explicit(&word, &seen, 1, memory_order_acquire,
                                                    memory_order_relaxed)) {
        syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0);
        seen = 0;
    }
}

static void use_lock(void) {
    futex_lock();
    guarded++;
    futex_unlock();
}

static void use_unmarked_lock(void) {
    futex_lock_unmarked();
    guarded++;
    futex_unlock();
}

HUNT_SCENARIO(futex) = {
    .name = "futex-lock", .summary = "a futex lock", .body = {use_lock, use_lock, use_lock}};
HUNT_SCENARIO(futex_unmarked) = {.name = "futex-lock-unmarked",
                                 .summary = "a futex lock that sleeps unmarked",
                                 .flags = HUNT_PLANTED,
                                 .body = {use_unmarked_lock, use_unmarked_lock}};

/* ---- mappings ---- */

static _Atomic(char *) mapping;

static void map(void) {
    char *at = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    hunt_check(at != MAP_FAILED, "errno %d", errno);
    hunt_check(at[0] == 0 && at[8191] == 0);
    at[0] = 1;
    atomic_store_explicit(&mapping, at, memory_order_release);
}

static void map_or_give_up(void) {
    char *at = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at != MAP_FAILED)
        at[0] = 1;
}

static void unmap(void) {
    char *at = atomic_exchange_explicit(&mapping, NULL, memory_order_acq_rel);
    if (at != NULL)
        munmap(at, 8192);
}

static void read_mapping(void) {
    const char *at = atomic_load_explicit(&mapping, memory_order_acquire);
    if (at == NULL)
        return;
    hunt_point("before the read");
    hunt_check(at[0] == 1);
}

HUNT_SCENARIO(use_after_unmap) = {.name = "use-after-unmap",
                                  .summary = "a mapping is read after munmap",
                                  .flags = HUNT_PLANTED,
                                  .body = {map, read_mapping, unmap}};
HUNT_SCENARIO(mmap_fails) = {.name = "mmap-fails",
                             .summary = "mmap is expected to work",
                             .flags = HUNT_PLANTED,
                             .fault_max = 1,
                             .body = {map, read_mapping}};
HUNT_SCENARIO(mmap_may_fail) = {.name = "mmap-may-fail",
                                .summary = "mmap is expected to fail",
                                .fault_max = 1,
                                .body = {map_or_give_up, map_or_give_up}};

/* What a constructor mapped is as it was, in each schedule. */
static int *early;

__attribute__((constructor)) static void map_early(void) {
    char *whole = mmap(NULL, 64 << 12, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(whole, 8 << 12); /* cut, as for an alignment */
    munmap(whole + (56 << 12), 8 << 12);
    early = (int *)(void *)(whole + (8 << 12));
    early[0] = 5;
    early[5000] = 6;
}

static void use_early(void) {
    hunt_check(early[0] == 5 && early[5000] == 6 && early[2500] == 0 && early[49151] == 0);
    early[0] = early[5000] = early[2500] = early[49151] = 9;
}

HUNT_SCENARIO(early_mapping) = {.name = "early-mapping",
                                .summary = "memory mapped by a constructor",
                                .setup = use_early,
                                .body = {unmap, read_mapping}};

/* The same addresses and times in each schedule. */
static void addresses(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    time_t before = now.tv_sec;
    hunt_check(before >= 1 && before < 10);
    usleep(3000000);
    clock_gettime(CLOCK_MONOTONIC, &now);
    hunt_check(now.tv_sec >= before + 3);
    char *block = hunt_alloc(100);
    for (unsigned i = 0; i < 100; i++)
        hunt_check(block[i] == 0);
    memset(block, 1, 100);
}

HUNT_SCENARIO(clock_and_memory) = {.name = "clock-and-memory",
                                   .summary = "the fake clock and hunt_alloc",
                                   .body = {addresses, addresses}};

/* ---- crashes ---- */

static atomic_uint phase;

static int *volatile nowhere = (int *)16;

static void crash_in_between(void) {
    if (atomic_load(&phase) == 1)
        *nowhere = 1;
}

static void two_phases(void) {
    atomic_store(&phase, 1);
    atomic_store(&phase, 2);
}

static void abort_in_between(void) {
    static const char text[] = "INVARIANT-7: count 3 > capacity 2\nand more\n";
    if (atomic_load(&phase) != 1)
        return;
    if (write(STDERR_FILENO, text, sizeof text - 1) < 0)
        return;
    abort();
}

__attribute__((noinline)) static unsigned recurse(volatile char *above, unsigned depth) {
    volatile char here[1024];
    here[0] = *above;
    unsigned below = depth != 0 ? recurse(here, depth - 1) : 0;
    return below + (unsigned)here[0];
}

static void overflow_stack(void) {
    volatile char start = 1;
    if (atomic_load(&phase) == 1)
        atomic_store(&phase, recurse(&start, 1000000));
}

HUNT_SCENARIO(crash) = {.name = "crash",
                        .summary = "a null pointer in one interleaving",
                        .flags = HUNT_PLANTED,
                        .body = {crash_in_between, two_phases}};
HUNT_SCENARIO(abort) = {.name = "abort",
                        .summary = "abort with a message in one interleaving",
                        .flags = HUNT_PLANTED,
                        .body = {abort_in_between, two_phases}};
HUNT_SCENARIO(stack_overflow) = {.name = "stack-overflow",
                                 .summary = "endless recursion in one interleaving",
                                 .flags = HUNT_PLANTED,
                                 .body = {overflow_stack, two_phases}};
