/* SPDX-License-Identifier: MIT */
/* Litmus tests: tiny programs whose possible outcomes C11 defines. Each leaves its loads in
 * litmus_saw; the test collects which outcomes occur over all schedules and all stale loads. */
#include "hunt.h"
#include "litmus.h"

#include <stdatomic.h>

unsigned litmus_saw[4];

static atomic_uint x, y;

#define RLX memory_order_relaxed
#define ACQ memory_order_acquire
#define REL memory_order_release
#define SC memory_order_seq_cst
#define LOAD(a, order) atomic_load_explicit(&(a), order)
#define STORE(a, v, order) atomic_store_explicit(&(a), v, order)
#define BODY(name, ...)                                                                            \
    static void name(void) {                                                                       \
        __VA_ARGS__                                                                                \
    }
#define LITMUS(ident, title, ...)                                                                  \
    HUNT_SCENARIO(ident) = {.name = title,                                                         \
                            .summary = "litmus test",                                              \
                            .body = {__VA_ARGS__},                                                 \
                            .quiescent_invariant = litmus_note}

/* Message passing. */
BODY(mp_write_rlx, STORE(x, 1, RLX); STORE(y, 1, RLX);)
BODY(mp_write_rel, STORE(x, 1, RLX); STORE(y, 1, REL);)
BODY(mp_write_fence, STORE(x, 1, RLX); atomic_thread_fence(REL); STORE(y, 1, RLX);)
BODY(mp_read_rlx, litmus_saw[0] = LOAD(y, RLX); litmus_saw[1] = LOAD(x, RLX);)
BODY(mp_read_acq, litmus_saw[0] = LOAD(y, ACQ); litmus_saw[1] = LOAD(x, RLX);)
BODY(mp_read_fence, litmus_saw[0] = LOAD(y, RLX); atomic_thread_fence(ACQ);
     litmus_saw[1] = LOAD(x, RLX);)
LITMUS(mp_relaxed, "litmus-mp-relaxed", mp_write_rlx, mp_read_rlx);
LITMUS(mp_release, "litmus-mp-release", mp_write_rel, mp_read_acq);
LITMUS(mp_release_only, "litmus-mp-release-only", mp_write_rel, mp_read_rlx);
LITMUS(mp_acquire_only, "litmus-mp-acquire-only", mp_write_rlx, mp_read_acq);
LITMUS(mp_fences, "litmus-mp-fences", mp_write_fence, mp_read_fence);
LITMUS(mp_fence_acquire, "litmus-mp-fence-acquire", mp_write_fence, mp_read_acq);

/* Message passing through a read-modify-write of a third thread: the release sequence goes on; and
 * through its plain store: it does not. */
BODY(rs_add, (void)atomic_fetch_add_explicit(&y, 1, RLX);)
BODY(rs_read, litmus_saw[0] = LOAD(y, ACQ); litmus_saw[1] = LOAD(x, RLX);)
BODY(rs_store, if (LOAD(y, RLX) == 1) STORE(y, 2, RLX);)
LITMUS(rs_rmw, "litmus-release-sequence", mp_write_rel, rs_add, rs_read);
LITMUS(rs_broken, "litmus-release-sequence-broken", mp_write_rel, rs_store, rs_read);

/* Store buffering. */
BODY(sb_left_rlx, STORE(x, 1, RLX); litmus_saw[0] = LOAD(y, RLX);)
BODY(sb_right_rlx, STORE(y, 1, RLX); litmus_saw[1] = LOAD(x, RLX);)
BODY(sb_left_sc, STORE(x, 1, SC); litmus_saw[0] = LOAD(y, SC);)
BODY(sb_right_sc, STORE(y, 1, SC); litmus_saw[1] = LOAD(x, SC);)
BODY(sb_left_fence, STORE(x, 1, RLX); atomic_thread_fence(SC); litmus_saw[0] = LOAD(y, RLX);)
BODY(sb_right_fence, STORE(y, 1, RLX); atomic_thread_fence(SC); litmus_saw[1] = LOAD(x, RLX);)
BODY(sb_left_rmw, (void)atomic_exchange_explicit(&x, 1, SC); litmus_saw[0] = LOAD(y, SC);)
LITMUS(sb_relaxed, "litmus-sb-relaxed", sb_left_rlx, sb_right_rlx);
LITMUS(sb_seq_cst, "litmus-sb-seq-cst", sb_left_sc, sb_right_sc);
LITMUS(sb_fences, "litmus-sb-fences", sb_left_fence, sb_right_fence);
LITMUS(sb_one_fence, "litmus-sb-one-fence", sb_left_fence, sb_right_rlx);
LITMUS(sb_exchange, "litmus-sb-exchange", sb_left_rmw, sb_right_sc);

/* Coherence: two loads of one location do not go back; a thread sees its own stores. */
BODY(co_write, STORE(x, 1, RLX); STORE(x, 2, RLX);)
BODY(co_read, litmus_saw[0] = LOAD(x, RLX); litmus_saw[1] = LOAD(x, RLX);)
BODY(co_own, STORE(x, 1, RLX); litmus_saw[0] = LOAD(x, RLX);)
BODY(co_other, STORE(x, 2, RLX);)
LITMUS(coherence, "litmus-coherence", co_write, co_read);
LITMUS(own_store, "litmus-own-store", co_own, co_other);

/* Independent reads of independent writes. */
BODY(iriw_x_rel, STORE(x, 1, REL);)
BODY(iriw_y_rel, STORE(y, 1, REL);)
BODY(iriw_xy_acq, litmus_saw[0] = LOAD(x, ACQ); litmus_saw[1] = LOAD(y, ACQ);)
BODY(iriw_yx_acq, litmus_saw[2] = LOAD(y, ACQ); litmus_saw[3] = LOAD(x, ACQ);)
BODY(iriw_x_sc, STORE(x, 1, SC);)
BODY(iriw_y_sc, STORE(y, 1, SC);)
BODY(iriw_xy_sc, litmus_saw[0] = LOAD(x, SC); litmus_saw[1] = LOAD(y, SC);)
BODY(iriw_yx_sc, litmus_saw[2] = LOAD(y, SC); litmus_saw[3] = LOAD(x, SC);)
LITMUS(iriw_acquire, "litmus-iriw-acquire", iriw_x_rel, iriw_y_rel, iriw_xy_acq, iriw_yx_acq);
LITMUS(iriw_seq_cst, "litmus-iriw-seq-cst", iriw_x_sc, iriw_y_sc, iriw_xy_sc, iriw_yx_sc);

/* Causality through two threads. */
BODY(wrc_pass, litmus_saw[0] = LOAD(x, ACQ); if (litmus_saw[0] != 0) STORE(y, 1, REL);)
BODY(wrc_read, litmus_saw[1] = LOAD(y, ACQ); litmus_saw[2] = LOAD(x, RLX);)
LITMUS(wrc, "litmus-wrc", iriw_x_rel, wrc_pass, wrc_read);

/* Read-modify-writes never see a stale value. */
BODY(rmw_add, litmus_saw[hunt_self()] = atomic_fetch_add_explicit(&x, 1, RLX);)
LITMUS(rmw_atomic, "litmus-rmw", rmw_add, rmw_add);
