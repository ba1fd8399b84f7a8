/* SPDX-License-Identifier: MIT */
/* One schedule from setup to teardown: which threads can run, asking the strategy who goes next,
 * deadlock and livelock. Not how threads are carried (executor.h) or what memory holds (memory.c).
 */
#include "executor.h"
#include "registry.h"

#include <setjmp.h>
#include <string.h>

HUNT_STATE struct hunt_engine hunt;
HUNT_STATE static jmp_buf controller;

static uint8_t bit_of(const struct hunt_thread *thread) {
    return (uint8_t)(1u << thread->id);
}

static struct hunt_thread *lowest(unsigned mask) {
    return &hunt.threads[__builtin_ctz(mask)];
}

/* ---- who can run ---- */

static bool is_enabled(const struct hunt_thread *thread) {
    if (thread->state != HUNT_READY)
        return false;
    if (thread->pending.kind == HUNT_OP_LOCK)
        return hunt_lock_is_free(thread->lock, thread->pending.shared);
    if (thread->pending.kind == HUNT_OP_JOIN)
        return hunt.threads[thread->join_target].state == HUNT_DONE;
    return true;
}

static uint8_t enabled_mask(void) {
    uint8_t enabled = 0;
    for (unsigned left = hunt.live_mask; left != 0; left &= left - 1) {
        struct hunt_thread *thread = lowest(left);
        if (is_enabled(thread))
            enabled |= bit_of(thread);
    }
    return enabled;
}

/* Waits with a time limit end only when nobody else can run: time is not what is being tested. */
static uint8_t end_a_timed_wait(void) {
    for (unsigned left = hunt.live_mask; left != 0; left &= left - 1) {
        struct hunt_thread *thread = lowest(left);
        if (thread->state != HUNT_WAITING || !thread->timed)
            continue;
        thread->state = HUNT_READY;
        thread->timed_out = true;
        if (is_enabled(thread))
            return bit_of(thread);
    }
    return 0;
}

static uint8_t without_demoted(uint8_t enabled) {
    uint8_t eligible = enabled;
    for (unsigned left = enabled & hunt.demoted_mask; left != 0; left &= left - 1) {
        struct hunt_thread *thread = lowest(left);
        if ((thread->after_mask & enabled) != 0)
            eligible &= (uint8_t)~bit_of(thread);
    }
    return eligible != 0 ? eligible : enabled;
}

/* The first relaxes of a thread give way for one step of anybody; a thread that keeps relaxing
 * waits for a step of everybody, or two spinning threads could starve the third for ever. */
static void demote(struct hunt_thread *thread) {
    thread->after_mask = enabled_mask() & (uint8_t)~bit_of(thread);
    thread->after_any = thread->relax_count < 3;
    if (thread->relax_count < 255)
        thread->relax_count++;
    if (thread->after_mask != 0)
        hunt.demoted_mask |= bit_of(thread);
}

static void undemote_after_step_of(const struct hunt_thread *stepping) {
    for (unsigned left = hunt.demoted_mask; left != 0; left &= left - 1) {
        struct hunt_thread *thread = lowest(left);
        if (thread == stepping)
            continue;
        thread->after_mask &= thread->after_any ? 0 : (uint8_t)~bit_of(stepping);
        if (thread->after_mask == 0)
            hunt.demoted_mask &= (uint8_t)~bit_of(thread);
    }
}

/* ---- decisions ---- */

static void record_deviation(const struct hunt_decision *decision, unsigned value) {
    struct hunt_choices *choices = &hunt.choices;
    if (choices->deviation_count < HUNT_DECISIONS_MAX)
        choices->deviations[choices->deviation_count++] = (struct hunt_deviation){
            .index = decision->index, .kind = decision->kind, .value = (uint8_t)value};
}

static unsigned ask(struct hunt_decision *decision) {
    decision->index = hunt.decision_count++;
    unsigned value = hunt.strategy->decide(decision);
    if (value == HUNT_PRUNE) {
        hunt.pruned = true;
        hunt_schedule_abandon();
    }
    if (value != decision->usual)
        record_deviation(decision, value);
    if (decision->kind != HUNT_DECIDE_THREAD)
        hunt_signature_saw(value);
    return value;
}

static struct hunt_thread *ask_for_thread(const struct hunt_thread *self, uint8_t eligible) {
    bool go_on = (eligible & bit_of(self)) != 0;
    unsigned later = eligible & ~((2u << self->id) - 1u);
    struct hunt_thread *usual = go_on ? &hunt.threads[self->id] : lowest(later ? later : eligible);
    if ((eligible & (eligible - 1)) == 0)
        return usual;
    struct hunt_decision decision = {.kind = HUNT_DECIDE_THREAD,
                                     .running = self->id,
                                     .options = eligible,
                                     .usual = usual->id,
                                     .running_can_go_on = go_on};
    struct hunt_thread *next = &hunt.threads[ask(&decision)];
    if (go_on && next != self)
        hunt.preemption_count++;
    return next;
}

static struct hunt_thread *decide_next(const struct hunt_thread *self) {
    if (hunt.step_count >= HUNT_STEPS_MAX)
        hunt_report_livelock();
    uint8_t enabled = enabled_mask();
    if (enabled == 0)
        enabled = end_a_timed_wait();
    if (enabled == 0)
        hunt_report_deadlock();
    return ask_for_thread(self, hunt.demoted_mask == 0 ? enabled : without_demoted(enabled));
}

unsigned hunt_decide_value(enum hunt_decision_kind kind, unsigned options) {
    struct hunt_decision decision = {.kind = (uint8_t)kind,
                                     .running = hunt.current->id,
                                     .options = (uint8_t)options,
                                     .running_can_go_on = true};
    return ask(&decision);
}

/* ---- steps ---- */

static void check_step_invariant(void) {
    if (hunt.scenario->step_invariant == NULL)
        return;
    hunt.quiet++;
    hunt.scenario->step_invariant();
    hunt.quiet--;
}

/* Spin loops without a relax hook: nothing but one load, again and again. */
static bool is_spinning(struct hunt_thread *self) {
    bool again = self->pending.kind == HUNT_OP_LOAD && self->pending.pc == self->last_load_pc;
    self->last_load_pc = self->pending.kind == HUNT_OP_LOAD ? self->pending.pc : 0;
    self->repeat_count = again ? (uint8_t)(self->repeat_count + 1) : 0;
    hunt.long_run |= self->run_length >= HUNT_SPIN_STEPS / 2;
    if (self->repeat_count < HUNT_REPEATS && ++self->run_length <= HUNT_SPIN_STEPS)
        return false;
    self->repeat_count = 0;
    self->run_length = 0;
    return true;
}

static void begin_step(struct hunt_thread *self) {
    hunt.step_count++;
    hunt.clock_ns += 1000;
    self->step_count++;
    if (hunt.demoted_mask != 0)
        undemote_after_step_of(self);
    if (self->pending.kind == HUNT_OP_RELAX || is_spinning(self))
        demote(self);
    if (hunt.tracing)
        hunt_trace_add(&self->pending);
    hunt_signature_step(self);
    if (hunt.strategy->executed != NULL)
        hunt.strategy->executed(self->id, &self->pending);
}

static void switch_from(struct hunt_thread *self, struct hunt_thread *next) {
    hunt.switch_count++;
    self->run_length = 0;
    hunt.current = next;
    hunt.executor->transfer(self, next);
}

void hunt_step(const struct hunt_event *event) {
    struct hunt_thread *self = hunt.current;
    self->pending = *event;
    if (self->id == 0)
        return; /* setup and teardown are alone */
    check_step_invariant();
    /* Nothing anybody else can see has happened since it was started: going on costs no schedule.
     */
    bool forced = self->fresh && is_enabled(self);
    self->fresh = false;
    struct hunt_thread *next = forced ? self : decide_next(self);
    if (next != self)
        switch_from(self, next);
    begin_step(self);
}

void hunt_block_and_switch(void) {
    struct hunt_thread *self = hunt.current;
    check_step_invariant();
    struct hunt_thread *next = decide_next(self);
    if (next != self) /* itself: its own wait timed out */
        switch_from(self, next);
}

/* ---- threads ---- */

static void start_thread(struct hunt_thread *thread, uint8_t body) {
    uintptr_t handle = thread->handle;
    uint8_t id = thread->id;
    __real_memset(thread, 0, offsetof(struct hunt_thread, calls));
    thread->handle = handle;
    thread->id = id;
    thread->body = body;
    thread->state = HUNT_READY;
    thread->fresh = true;
    thread->pending.kind = HUNT_OP_START;
    if (hunt.current->id != 0) {
        thread->view = hunt.current->view;
        hunt_epoch_next(hunt.current);
    }
    hunt_epoch_next(thread);
    hunt.live_mask |= bit_of(thread);
    hunt.executor->arm(thread);
}

struct hunt_thread *hunt_thread_new(void) {
    if (hunt.thread_count + 1 >= HUNT_THREADS_MAX)
        return NULL;
    struct hunt_thread *thread = &hunt.threads[++hunt.thread_count];
    hunt_signature_spawn(thread->id, hunt.current->id);
    start_thread(thread, (uint8_t)(HUNT_BODIES_MAX + thread->id));
    return thread;
}

void hunt_thread_main(struct hunt_thread *self) {
    hunt_state_restore_thread();
    begin_step(self);
    if (self->start != NULL)
        self->result = self->start(self->argument);
    else
        hunt.scenario->body[self->body]();
    hunt_thread_exit();
}

void hunt_be_alone(void) {
    struct hunt_thread *self = hunt.current;
    if (!hunt_is_on() || self->id == 0)
        return;
    for (unsigned left = hunt.live_mask & (uint8_t)~bit_of(self); left != 0; left &= left - 1) {
        lowest(left)->state = HUNT_DONE;
        hunt_acquire(self, &lowest(left)->view); /* the kernel copies all that each had done */
    }
    hunt.live_mask = bit_of(self);
    hunt.demoted_mask = 0;
}

void hunt_thread_exit(void) {
    hunt_keys_run_destructors();
    struct hunt_thread *self = hunt.current;
    self->pending = (struct hunt_event){.kind = HUNT_OP_EXIT, .pc = self->pending.pc};
    check_step_invariant();
    begin_step(self);
    self->state = HUNT_DONE;
    hunt.live_mask &= (uint8_t)~bit_of(self);
    hunt.demoted_mask &= (uint8_t)~bit_of(self);
    struct hunt_thread *next = &hunt.threads[0];
    if (hunt.live_mask != 0) {
        next = decide_next(self);
        hunt.switch_count++;
    }
    hunt.current = next;
    hunt.executor->leave(self, next);
}

void hunt_schedule_abandon(void) {
    struct hunt_thread *self = hunt.current;
    hunt.over = true;
    hunt.current = &hunt.threads[0];
    if (self->id == 0)
        longjmp(controller, 1);
    hunt.executor->leave(self, &hunt.threads[0]);
}

/* ---- a schedule ---- */

static void make_programs(void) {
    const struct hunt_scenario *scenario = hunt.scenario;
    if (scenario->op_count_max == 0 || hunt.choices.explicit_ops)
        return;
    uint64_t random = hunt_mix(hunt.choices.seed ^ 0x0b5e55edu);
    for (unsigned body = 0; body < HUNT_BODIES_MAX; body++) {
        unsigned spread = scenario->op_count_max - scenario->op_count_min + 1;
        unsigned count = scenario->op_count_min + hunt_random_below(&random, spread);
        hunt.choices.op_count[body] = (uint8_t)count;
        for (unsigned i = 0; i < count; i++)
            hunt.choices.ops[body][i] = (uint32_t)hunt_random_next(&random);
    }
}

static void reset(void) {
    hunt.thread_count = (uint8_t)hunt_scenario_bodies(hunt.scenario);
    hunt.live_mask = hunt.demoted_mask = 0;
    hunt.over = hunt.pruned = false;
    hunt.quiet = 0;
    hunt.stale_loads = (hunt.choices.options & HUNT_WITH_STALE_LOADS) != 0;
    hunt.plain_points = (hunt.choices.options & HUNT_WITH_PLAIN_POINTS) != 0;
    hunt.races = (hunt.choices.options & HUNT_WITH_RACES) != 0;
    hunt.step_count = hunt.decision_count = hunt.switch_count = hunt.preemption_count = 0;
    hunt.stale_count = hunt.fault_count = hunt.row_count = 0;
    hunt.clock_ns = 1000000000;
    hunt.random = hunt_mix(hunt.choices.seed);
    hunt.choices.deviation_count = 0;
    hunt.finding.failure = HUNT_OK;
    hunt.finding.wait_count = 0;
    hunt.finding.pc = hunt.finding.other_pc = hunt.finding.addr = 0;
    __real_memset(&hunt.sc, 0, sizeof hunt.sc);
    __real_memset(&hunt.threads[0].view, 0, sizeof hunt.threads[0].view);
    hunt.threads[0].body = HUNT_SETUP;
    hunt_signature_reset(hunt.signatures);
    hunt_memory_reset();
    hunt_shadow_reset();
    hunt_sync_reset();
    hunt_keys_reset();
    hunt_os_reset();
    hunt_state_restore();
    hunt_early_restore();
    hunt_state_restore_thread();
    make_programs();
}

/* Body n is thread n + 1, also when bodies before it are left out. */
static void run_threads(void) {
    for (unsigned body = 0; body < hunt_scenario_bodies(hunt.scenario); body++)
        if ((hunt.choices.thread_mask & (1u << body)) != 0)
            start_thread(&hunt.threads[body + 1], (uint8_t)body);
    if (hunt.live_mask == 0)
        return;
    struct hunt_thread *self = &hunt.threads[0];
    struct hunt_thread *first = decide_next(self);
    hunt.current = first;
    hunt.executor->transfer(self, first);
    if (hunt.over)
        longjmp(controller, 1);
}

static void call(void (*function)(void)) {
    if (function != NULL)
        function();
}

void hunt_schedule_run(void) {
    reset();
    hunt.current = &hunt.threads[0];
    if (setjmp(controller) == 0) {
        call(hunt.scenario->setup);
        run_threads();
        call(hunt.scenario->quiescent_invariant);
        call(hunt.scenario->teardown);
    }
    hunt.current = NULL;
    if (hunt.strategy->end != NULL)
        hunt.strategy->end();
}

bool hunt_engine_open(const struct hunt_executor *executor) {
    if (executor == NULL)
        return false;
    for (unsigned i = 0; i < HUNT_THREADS_MAX; i++)
        hunt.threads[i].id = (uint8_t)i;
    hunt.executor = executor;
    hunt.choices.deviations =
        hunt_os_reserve_state(HUNT_DECISIONS_MAX * sizeof *hunt.choices.deviations);
    return hunt.choices.deviations != NULL && hunt_memory_open() && hunt_shadow_open() &&
           hunt_os_open() && executor->open() && hunt_early_open() && hunt_state_open();
}

void hunt_engine_close(void) {
    hunt.executor->close();
}
