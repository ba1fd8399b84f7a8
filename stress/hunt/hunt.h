/* SPDX-License-Identifier: MIT */
/*
 * The race hunter: what a scenario is made of.
 *
 * A scenario is a small concurrent program: a setup, two to six thread bodies, invariants, a
 * teardown. The engine runs it again and again, each time with another schedule, and prints one
 * token that replays a failing one exactly. The code under test is compiled with -fsanitize=thread
 * and linked with the engine in place of the sanitizer's runtime, so it carries no line for the
 * hunter. docs/HUNTING.md is the guide; textbook/ holds worked examples.
 *
 * Not for: measuring speed, or anything that needs two threads to run at the same instant.
 * The engine runs exactly one thread at a time and decides who is next.
 */
#ifndef HUNT_H
#define HUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HUNT_BODIES_MAX 6

/* Scenario flags. */
enum {
    /* Plain reads and writes are scheduling points too: slower, but shows what a race does. */
    HUNT_PLAIN_POINTS = 1u << 0,
    /* Loads always see the newest store (a sequentially consistent machine). */
    HUNT_NO_STALE_LOADS = 1u << 1,
    /* The scenario holds a planted bug: tools that expect a clean result leave it out. */
    HUNT_PLANTED = 1u << 2,
};

/*
 * One scenario. The engine restores the program's .data, .bss and thread-local variables before
 * each schedule, and unmaps what the last one mapped; setup does the rest. All functions but the
 * bodies may be NULL. Everything must depend on the schedule and on hunt_random() only.
 */
struct hunt_scenario {
    const char *name;    /* [a-z0-9-]+, unique: it is part of the token */
    const char *summary; /* one line for --list */
    unsigned flags;
    unsigned fault_max; /* OS calls that may be made to fail in one schedule */

    /* A random program of operations for each body: see hunt_op(). 0: the scenario has none. */
    unsigned op_count_min, op_count_max;

    void (*setup)(void);                 /* alone, before the threads */
    void (*body[HUNT_BODIES_MAX])(void); /* one thread each; the list ends at the first NULL */
    void (*step_invariant)(void);        /* at every scheduling point: reads only, no locks */
    void (*quiescent_invariant)(void);   /* when all threads have ended */
    void (*teardown)(void);              /* last; not run for a schedule that failed */
};

/* Registers a scenario: HUNT_SCENARIO(treiber_aba) = { .name = "treiber-aba", ... }; */
#define HUNT_SCENARIO(ident)                                                                       \
    static const struct hunt_scenario hunt_scenario_##ident;                                       \
    __attribute__((used, section("hunt_scenarios"))) static const struct hunt_scenario             \
        *const hunt_scenario_entry_##ident = &hunt_scenario_##ident;                               \
    static const struct hunt_scenario hunt_scenario_##ident

/* ---- for bodies and invariants ------------------------------------------------------------ */

/* hunt_check(condition) or hunt_check(condition, format, ...), with up to six values. Fails the
 * schedule when the condition is false, and does not return then. */
#define hunt_check(...)                                                                            \
    HUNT_CHECK_PICK(__VA_ARGS__, HUNT_CHECK_TEXT, HUNT_CHECK_TEXT, HUNT_CHECK_TEXT,                \
                    HUNT_CHECK_TEXT, HUNT_CHECK_TEXT, HUNT_CHECK_TEXT, HUNT_CHECK_TEXT,            \
                    HUNT_CHECK_BARE, 0)                                                            \
    (__VA_ARGS__)
#define HUNT_CHECK_PICK(a, b, c, d, e, f, g, h, macro, ...) macro
#define HUNT_CHECK_BARE(condition)                                                                 \
    ((condition) ? (void)0 : hunt_check_failed(#condition, __FILE__, __LINE__, " "))
#define HUNT_CHECK_TEXT(condition, ...)                                                            \
    ((condition) ? (void)0 : hunt_check_failed(#condition, __FILE__, __LINE__, " " __VA_ARGS__))

__attribute__((format(printf, 4, 5), noreturn)) void
hunt_check_failed(const char *condition, const char *file, int line, const char *format, ...);

/* The index of the running body, from 0; HUNT_BODIES_MAX and up: a thread the code itself started,
 * or the setup (HUNT_SETUP). */
#define HUNT_SETUP 255u
unsigned hunt_self(void);

/* Seeded randomness: the same numbers on every replay. Not a scheduling point. */
uint64_t hunt_random(void);

/* One of 0..count-1, decided by the strategy, explored by `exhaustive`, kept in the token. */
unsigned hunt_choose(unsigned count);

/* The operations of the running body; the minimiser removes those a failure does not need. */
unsigned hunt_op_count(void);
uint32_t hunt_op(unsigned index);

/* OS calls that were made to fail in this schedule so far (fault_max): what may be missing then. */
unsigned hunt_faults(void);

/* Nanoseconds on the fake clock. It moves one microsecond a step and when somebody calls
 * hunt_clock_advance; clock_gettime in code under test reads it too. */
uint64_t hunt_clock_ns(void);
void hunt_clock_advance(uint64_t ns);

/* As in the child of a fork: from here on only the calling thread exists. The others stop where they
 * are; what they hold stays held, until hunt_lock_forget() of it. */
void hunt_be_alone(void);
void hunt_lock_forget(const volatile void *lock);

/* Zeroed memory at the same address in every run, gone with the schedule. 16-byte aligned. */
void *hunt_alloc(size_t size_bytes);

/* True inside a schedule: for code shared with ordinary builds. */
bool hunt_is_running(void);

/* ---- hooks for code whose synchronisation the engine cannot see ---------------------------- */

/* A named scheduling point. */
void hunt_point(const char *name);

/* "I am waiting for somebody": call it in spin loops. The caller is not run again while others can.
 */
void hunt_relax(void);

/* Engine locks, known by their address; any object will do, and nothing is written to it.
 * They are not recursive, order memory as a mutex does, and take part in deadlock reports. */
void hunt_lock_acquire(const volatile void *lock);
bool hunt_lock_try(const volatile void *lock);
void hunt_lock_release(const volatile void *lock);
void hunt_lock_acquire_shared(const volatile void *lock);
bool hunt_lock_try_shared(const volatile void *lock);
void hunt_lock_release_shared(const volatile void *lock);

/* A futex: waits while *word == expected; 0 when woken, EAGAIN when it already differed.
 * hunt_wake returns how many it woke. The syscall(SYS_futex, ...) of code under test ends here. */
int hunt_wait(const volatile uint32_t *word, uint32_t expected);
unsigned hunt_wake(const volatile uint32_t *word, unsigned count);

/*
 * Maps the lock functions of the code under test to engine locks: one line in the scenario's file,
 * and the functions' names after WRAP in hunt_add_scenarios(). Needs out-of-line functions; an
 * inline futex lock needs nothing, for its atomics and futex calls are seen as they are.
 *
 *     HUNT_MAP_LOCK(struct my_lock, my_lock_acquire, my_lock_try, my_lock_release)
 */
#define HUNT_MAP_LOCK(type, acquire, try_acquire, release)                                         \
    void __wrap_##acquire(type *lock);                                                             \
    bool __wrap_##try_acquire(type *lock);                                                         \
    void __wrap_##release(type *lock);                                                             \
    void __wrap_##acquire(type *lock) {                                                            \
        hunt_lock_acquire(lock);                                                                   \
    }                                                                                              \
    bool __wrap_##try_acquire(type *lock) {                                                        \
        return hunt_lock_try(lock);                                                                \
    }                                                                                              \
    void __wrap_##release(type *lock) {                                                            \
        hunt_lock_release(lock);                                                                   \
    }                                                                                              \
    struct hunt_map_lock_takes_a_semicolon

/* ---- running from a program of your own ---------------------------------------------------- */

/* What `--emit-test` writes: a schedule that failed once and must not fail again. */
struct hunt_regression {
    const char *scenario;
    const char *choices;  /* the token's last part: seed, threads, operations, decisions */
    unsigned preemptions; /* how many the failing schedule needed */
    unsigned stale_loads;
    const char *found; /* what it showed, for the message */
};

/* Replays the choices, then every schedule with as few preemptions: the code may have moved since.
 * Returns main's exit status: 0 nothing found, 1 found, 2 cannot run. */
int hunt_regression_run(const struct hunt_regression *regression);

/* The command line, as bin/hakmem-hunt has it. */
int hunt_main(int argc, char **argv);

#endif
