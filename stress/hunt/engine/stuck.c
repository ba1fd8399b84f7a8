/* SPDX-License-Identifier: MIT */
/* Schedules that cannot end: who waits for what, and which of that makes it the same deadlock. */
#include "engine.h"

static void note_wait(struct hunt_finding *finding, const struct hunt_thread *thread) {
    struct hunt_wait_for *wait = &finding->waits[finding->wait_count++];
    *wait = (struct hunt_wait_for){.thread = thread->id,
                                   .kind = thread->pending.kind,
                                   .holder = 255,
                                   .addr = thread->pending.addr,
                                   .pc = thread->pending.pc};
    if (thread->pending.kind == HUNT_OP_LOCK)
        wait->holder = (uint8_t)hunt_lock_holder(thread->lock, &wait->holder_pc);
    if (thread->pending.kind == HUNT_OP_JOIN)
        wait->holder = thread->join_target;
}

static void note_waits(void) {
    hunt.finding.wait_count = 0;
    for (unsigned left = hunt.live_mask; left != 0; left &= left - 1)
        note_wait(&hunt.finding, &hunt.threads[__builtin_ctz(left)]);
}

static const struct hunt_wait_for *wait_of(unsigned thread) {
    for (uint32_t i = 0; i < hunt.finding.wait_count; i++)
        if (hunt.finding.waits[i].thread == thread)
            return &hunt.finding.waits[i];
    return NULL;
}

/* Whether the thread waits for itself by way of the others. */
static bool is_in_circle(const struct hunt_wait_for *start) {
    const struct hunt_wait_for *at = start;
    for (unsigned i = 0; i < HUNT_THREADS_MAX && at != NULL; i++) {
        if (at->holder == start->thread)
            return true;
        at = wait_of(at->holder);
    }
    return false;
}

/* Who waits in the circle makes the deadlock; who else came to wait for them does not. Without a
 * circle all count. A sum, for the order of the threads must not matter. */
static uint64_t site_of_waits(void) {
    uint64_t circle = 0, all = 0;
    for (uint32_t i = 0; i < hunt.finding.wait_count; i++) {
        const struct hunt_wait_for *wait = &hunt.finding.waits[i];
        all += hunt_mix(wait->pc);
        circle += is_in_circle(wait) ? hunt_mix(wait->pc) : 0;
    }
    return circle != 0 ? circle : all;
}

void hunt_report_deadlock(void) {
    note_waits();
    unsigned waiting = hunt.finding.wait_count;
    hunt_fail(HUNT_DEADLOCK, site_of_waits(), "%u thread%s wait%s, and nobody is left to wake %s",
              waiting, waiting == 1 ? "" : "s", waiting == 1 ? "s" : "",
              waiting == 1 ? "it" : "them");
}

void hunt_report_livelock(void) {
    note_waits();
    hunt_fail(HUNT_LIVELOCK, 0, "no end after %u steps: threads keep running without getting done",
              hunt.step_count);
}
