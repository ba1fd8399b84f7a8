/* SPDX-License-Identifier: MIT */
/*
 * The engine's own state and the calls between its files. Not for scenarios: those use hunt.h.
 *
 * One schedule runs at a time, and one thread of it; `hunt.current` is that thread. It is NULL
 * outside schedules, and then every hook does what the hooked function always did. Nothing here is
 * thread-local and nothing is locked: whoever holds the baton owns it all.
 */
#ifndef HUNT_ENGINE_H
#define HUNT_ENGINE_H

#include "../hunt.h"
#include "clock.h"

#include <stdarg.h>

/* State that outlives a schedule; everything else in .data and .bss is restored before each. */
#define HUNT_STATE __attribute__((section("hunt_state")))

#define HUNT_STEPS_MAX 20000      /* a schedule longer than this is a livelock */
#define HUNT_SPIN_STEPS 1000      /* steps without a switch before the running thread is demoted */
#define HUNT_REPEATS 3            /* the same load so often in a row is a spin loop: demoted too */
#define HUNT_DECISIONS_MAX 65536u /* deviations one schedule may hold */
#define HUNT_OPS_MAX 64u          /* operations of one body */
#define HUNT_TEXT_MAX 512         /* a finding's message */
#define HUNT_CALLS_MAX 64u        /* depth of the shadow call stack that is kept */

_Static_assert(HUNT_STEPS_MAX < INT16_MAX - 4096, "clocks are 16 bits wide");

enum hunt_kind {
    HUNT_OP_START,
    HUNT_OP_EXIT,
    HUNT_OP_SPAWN,
    HUNT_OP_JOIN,
    HUNT_OP_LOAD,
    HUNT_OP_STORE,
    HUNT_OP_RMW,
    HUNT_OP_CAS,
    HUNT_OP_FENCE,
    HUNT_OP_LOCK,
    HUNT_OP_TRYLOCK,
    HUNT_OP_UNLOCK,
    HUNT_OP_WAIT,
    HUNT_OP_WAKE,
    HUNT_OP_OS,
    HUNT_OP_RELAX,
    HUNT_OP_POINT,
    HUNT_OP_READ,
    HUNT_OP_WRITE,
    HUNT_OP_CHOOSE,
};

/* What a thread is about to do, published before it is known whether it goes first. */
struct hunt_event {
    uint8_t kind;
    uint8_t order; /* __ATOMIC_* of atomics */
    bool shared;   /* a lock taken for reading */
    uint32_t size;
    uintptr_t addr;
    uintptr_t pc;
    const char *name;
};

/* Whether two events of different threads may not commute. */
bool hunt_event_conflicts(const struct hunt_event *a, const struct hunt_event *b);

enum hunt_thread_state { HUNT_IDLE, HUNT_READY, HUNT_WAITING, HUNT_DONE };

struct hunt_lock;

struct hunt_thread {
    uint8_t id;
    uint8_t state;
    bool fresh; /* started, and not yet at its first scheduling point */
    bool timed; /* the wait has a time limit: it ends when nobody else can run */
    bool timed_out;
    uint8_t body; /* index for hunt_self() */
    uint8_t relax_count;
    uint8_t after_mask;   /* demoted until these threads have each taken a step ... */
    bool after_any;       /* ... or any of them has */
    uint8_t repeat_count; /* loads in a row of one place by one instruction: a spin loop */
    uintptr_t last_load_pc;
    uint16_t run_length; /* steps since it was last switched to */
    uint16_t step_count;
    uint32_t call_depth;
    struct hunt_event pending;
    struct hunt_lock *lock; /* what a pending LOCK wants */
    uintptr_t handle;       /* its pthread_t */
    uint8_t join_target;
    void *(*start)(void *); /* threads the code under test started */
    void *argument;
    void *result;
    struct hunt_view view;
    struct hunt_view release_fence;   /* what a later relaxed store publishes */
    struct hunt_view acquire_pending; /* what a later acquire fence takes in */
    uintptr_t calls[HUNT_CALLS_MAX];
};

enum hunt_decision_kind {
    HUNT_DECIDE_THREAD,
    HUNT_DECIDE_LOAD,
    HUNT_DECIDE_FAULT,
    HUNT_DECIDE_CHOOSE
};

/* What a strategy is asked. `usual` is what happens if nobody interferes: the running thread goes
 * on, or the next one in order; a load sees the newest store; nothing fails. */
struct hunt_decision {
    uint8_t kind;
    uint8_t running; /* thread that runs now; 0: none can go on */
    uint8_t usual;
    uint8_t options; /* THREAD: a mask of thread ids; else: how many, 0..options-1 */
    bool running_can_go_on;
    uint32_t index;
};

#define HUNT_PRUNE 255u /* a strategy's answer: this schedule is not worth finishing */

struct hunt_strategy {
    const char *name;
    const char *summary;
    void (*open)(void);           /* a new hunt */
    bool (*begin)(uint64_t seed); /* a schedule; false: none is left */
    unsigned (*decide)(const struct hunt_decision *decision);
    void (*executed)(unsigned thread, const struct hunt_event *event); /* may be NULL */
    void (*end)(void);                                                 /* may be NULL */
};

/* A decision that was not the usual one. */
struct hunt_deviation {
    uint32_t index;
    uint8_t kind;
    uint8_t value;
};

/* What the engine looks for; they change which decisions there are. */
enum {
    HUNT_WITH_STALE_LOADS = 1u << 0,
    HUNT_WITH_PLAIN_POINTS = 1u << 1,
    HUNT_WITH_RACES = 1u << 2
};

/* All that makes a schedule what it is; tokens encode it. */
struct hunt_choices {
    uint64_t seed;
    uint8_t options;     /* HUNT_WITH_* */
    uint8_t thread_mask; /* bodies that run: bit 0 is body 0 */
    bool explicit_ops;   /* the programs below, not those the seed gives */
    uint8_t op_count[HUNT_BODIES_MAX];
    uint32_t ops[HUNT_BODIES_MAX][HUNT_OPS_MAX];
    uint32_t deviation_count;
    struct hunt_deviation *deviations;
};

enum hunt_failure {
    HUNT_OK,
    HUNT_CHECK,
    HUNT_RACE,
    HUNT_DEADLOCK,
    HUNT_LIVELOCK,
    HUNT_CRASH,
    HUNT_MISUSE
};

struct hunt_wait_for {
    uint8_t thread;
    uint8_t kind;
    uint8_t holder; /* 255: nobody */
    uintptr_t addr, pc, holder_pc;
};

struct hunt_finding {
    uint8_t failure;
    uint8_t thread;
    uint32_t step;          /* the trace row at which it broke */
    uintptr_t pc, other_pc; /* races: this access and the earlier one */
    uint8_t other_thread;
    uint32_t other_step;
    uintptr_t addr;
    uint64_t site; /* equal for the same failure, whatever schedule led there */
    uint32_t wait_count;
    struct hunt_wait_for waits[HUNT_THREADS_MAX];
    char text[HUNT_TEXT_MAX];
};

/* One row of the trace, recorded on replays only. */
struct hunt_row {
    uint8_t thread;
    uint8_t stale; /* how many newer stores the load did not see */
    bool failed;   /* compare-exchange or trylock that did not succeed */
    bool has_value;
    bool has_before; /* read-modify-write: value_before too */
    struct hunt_event event;
    uint64_t value, value_before;
};

struct hunt_engine {
    struct hunt_thread *current;
    const struct hunt_scenario *scenario;
    const struct hunt_strategy *strategy;
    const struct hunt_executor *executor;
    uint32_t quiet;       /* above 0: invariants and the engine itself are reading */
    uint8_t thread_count; /* ids 1..thread_count exist */
    uint8_t live_mask;    /* threads neither idle nor done */
    uint8_t demoted_mask; /* threads whose after_mask is not empty */
    bool stale_loads, plain_points, races, tracing;
    bool over; /* the schedule has ended early; only the controller may run */
    bool signatures; /* keep them in the schedules to come */
    bool long_run;   /* some thread ran so long alone that the schedule may depend on it */
    bool pruned;
    uint32_t step_count, decision_count, switch_count, preemption_count, stale_count, fault_count;
    uint64_t clock_ns, seed, random;
    struct hunt_thread threads[HUNT_THREADS_MAX];
    struct hunt_choices choices; /* of the schedule that runs or ran last */
    struct hunt_finding finding;
    struct hunt_clock sc; /* sequentially consistent stores and fences so far */
    struct hunt_row *rows;
    uint32_t row_count, row_capacity;
    uint8_t *feedback; /* HUNT_FEEDBACK_BYTES counters; NULL: nobody wants to know */
};

extern struct hunt_engine hunt;

/* The plain names are the code under test's, also for calls in here that are not expanded. */
void *__real_memset(void *to, int byte, size_t size_bytes);
void *__real_memmove(void *to, const void *from, size_t size_bytes);

static inline bool hunt_is_on(void) {
    return hunt.current != NULL && hunt.quiet == 0;
}

/* ---- schedule.c: one schedule ---- */
bool hunt_engine_open(const struct hunt_executor *executor);
void hunt_engine_close(void);
void hunt_schedule_run(void); /* scenario, strategy, choices.seed, thread_mask and ops are set */
void hunt_step(const struct hunt_event *event); /* returns when the running thread may do it */
void hunt_thread_main(struct hunt_thread *thread);
unsigned hunt_decide_value(enum hunt_decision_kind kind, unsigned options);
__attribute__((noreturn)) void hunt_schedule_abandon(void);
__attribute__((noreturn)) void hunt_thread_exit(void);
struct hunt_thread *hunt_thread_new(void); /* NULL: too many */
void hunt_block_and_switch(void);          /* the running thread's state is WAITING: run another */

/* ---- memory.c: orders, clocks, histories; shadow.c: plain accesses ---- */
bool hunt_memory_open(void);
void hunt_memory_reset(void);
void hunt_memory_overwritten(uintptr_t addr, size_t size_bytes); /* by a plain write */
void hunt_epoch_next(struct hunt_thread *thread);
void hunt_acquire(struct hunt_thread *thread, const struct hunt_view *view);
struct hunt_value {
    uint64_t lo, hi;
};
struct hunt_value hunt_memory_load(uintptr_t addr, unsigned size, int order, uintptr_t pc);
void hunt_memory_store(uintptr_t addr, unsigned size, struct hunt_value value, int order,
                       uintptr_t pc);
struct hunt_value hunt_memory_rmw_begin(uintptr_t addr, unsigned size, int order, bool cas,
                                        uintptr_t pc);
void hunt_memory_rmw_commit(uintptr_t addr, unsigned size, struct hunt_value value, int order,
                            uintptr_t pc);
void hunt_memory_rmw_failed(uintptr_t addr, unsigned size, int order, uintptr_t pc);
void hunt_memory_fence(int order, uintptr_t pc);
void hunt_shadow_reset(void);
bool hunt_shadow_open(void);
void hunt_shadow_access(uintptr_t addr, size_t size_bytes, bool write, bool atomic, uintptr_t pc);
void hunt_shadow_free(uintptr_t addr, size_t size_bytes);   /* a touch from now on is a finding */
void hunt_shadow_forget(uintptr_t addr, size_t size_bytes); /* unmapped or newly mapped */
void hunt_plain_access(uintptr_t addr, size_t size_bytes, bool write, uintptr_t pc);

/* ---- feedback.c: which write each read saw ---- */
#define HUNT_FEEDBACK_BYTES 16384u /* a power of two */
void hunt_feedback_add(uintptr_t write_pc, unsigned writer, uintptr_t read_pc, unsigned reader);
/* A load and the store it saw; a lock taken and who had it before. */
static inline void hunt_feedback(uintptr_t write_pc, unsigned writer, uintptr_t read_pc,
                                 unsigned reader) {
    if (hunt.feedback != NULL)
        hunt_feedback_add(write_pc, writer, read_pc, reader);
}

/* ---- sync.c ---- */
void hunt_sync_reset(void);
bool hunt_lock_is_free(const struct hunt_lock *lock, bool shared);
unsigned hunt_lock_holder(const struct hunt_lock *lock, uintptr_t *pc);
void hunt_lock_at(const volatile void *lock, bool shared, uintptr_t pc);
bool hunt_trylock_at(const volatile void *lock, bool shared, uintptr_t pc);
void hunt_unlock_at(const volatile void *lock, uintptr_t pc);
bool hunt_wait_on(const volatile void *channel, bool timed, uintptr_t pc); /* false: timed out */
unsigned hunt_wake_on(const volatile void *channel, unsigned count, uintptr_t pc);

/* ---- keys.c: pthread keys and destructors of the threads under test ---- */
void hunt_keys_reset(void);
void hunt_keys_run_destructors(void);

/* ---- os.c ---- */
bool hunt_os_open(void);
void hunt_os_reset(void);
void *hunt_os_reserve_state(size_t size_bytes); /* zeroed memory for the engine itself */
void hunt_crash_open(void);
bool hunt_alloc_owns(const void *block);
bool hunt_os_is_mapped(const void *addr); /* in a mapping of this schedule, or one it had */
const char *hunt_stderr_text(void); /* what the code under test wrote to stderr in this schedule */

/* ---- pages.c: the memory behind the mappings of a schedule ---- */
bool hunt_pages_open(void *start, size_t size_bytes);
void hunt_pages_reset(const void *end);
bool hunt_pages_touch(const void *addr); /* a fault; true: it was a first touch, and is mended */
void hunt_pages_zero(uintptr_t start, size_t size_bytes);
void hunt_pages_unmap(uintptr_t start, size_t size_bytes);
void hunt_pages_copy(uintptr_t to, uintptr_t from, size_t size_bytes);
/* What is mapped there until the schedule ends is not plain memory, and not of pages.c. */
void hunt_pages_leave_to_kernel(uintptr_t start, size_t size_bytes);

/* ---- state.c: what the program looked like before the first schedule ---- */
bool hunt_state_open(void);
void hunt_state_restore(void);
void hunt_state_restore_thread(void); /* the calling thread's thread-local variables */

/* ---- signature.c: what a schedule has done, whatever the order of what does not matter ---- */
void hunt_signature_reset(bool on);
void hunt_signature_step(const struct hunt_thread *self);
void hunt_signature_waits(const volatile void *channel);
void hunt_signature_order(void); /* something the engine hands out in the order of calls */
void hunt_signature_saw(uint64_t value); /* that does not follow from the steps before it */
void hunt_signature_spawn(unsigned thread, unsigned parent);
uint64_t hunt_signature(void); /* of all that decides how the schedule can go on */

/* ---- stuck.c ---- */
__attribute__((noreturn)) void hunt_report_deadlock(void);
__attribute__((noreturn)) void hunt_report_livelock(void);

/* ---- early_maps.c: mappings from before the first schedule ---- */
void hunt_early_map(const void *addr, size_t length);
void hunt_early_unmap(const void *addr, size_t length);
bool hunt_early_owns(const void *addr);
bool hunt_early_open(void);
void hunt_early_restore(void);

/* ---- finding.c ---- */
__attribute__((noreturn, format(printf, 3, 4))) void
hunt_fail(enum hunt_failure failure, uint64_t site, const char *format, ...);
const char *hunt_failure_name(unsigned failure);
uint64_t hunt_hash(const void *bytes, size_t size_bytes, uint64_t seed);

/* ---- trace.c ---- */
struct hunt_row *hunt_trace_add(const struct hunt_event *event);
struct hunt_row *hunt_trace_last(void); /* the running step's row; a spare one if not tracing */

/* ---- seeds ---- */
static inline uint64_t hunt_mix(uint64_t x) {
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static inline uint64_t hunt_random_next(uint64_t *state) {
    *state += 0x9e3779b97f4a7c15u;
    uint64_t x = (*state ^ (*state >> 32)) * 0xd6e8feb86659fd93u;
    return x ^ (x >> 32);
}

/* 0..count-1 */
static inline unsigned hunt_random_below(uint64_t *state, unsigned count) {
    return (unsigned)(((hunt_random_next(state) >> 32) * count) >> 32);
}

#define HUNT_CALLER() ((uintptr_t)__builtin_return_address(0))

#endif
