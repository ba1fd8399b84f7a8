/* SPDX-License-Identifier: MIT */
/**
 * @file ops.h
 * The operations of fuzz_l25: runs in the L2.5 pool against an interval map of
 * granules, and the policy of sharding against a reference.
 */
#ifndef HAK_FUZZ_L25_OPS_H
#define HAK_FUZZ_L25_OPS_H

#include <stddef.h>
#include <stdint.h>

enum { L25_SLOT_COUNT = 64 };

void l25_begin(void);
void l25_end(void);
void l25_verify_all(void);

/** A run into a slot, for a thread of number `seed`; what is there is freed. */
void l25_alloc(size_t slot, size_t size, size_t alignment_and_seed);
void l25_free(size_t slot);
void l25_resize(size_t slot, size_t size);
/** Frees every other run. */
void l25_comb(size_t parity);
void l25_tick(size_t ns);
void l25_trim(void);
/** The pool as fork() leaves it, in the parent or the `child`. */
void l25_fork(size_t child);
/** The next `count` attempts at a shard's lock find it taken. */
void l25_contend(size_t count);
/** The policy alone: `attempts`, of which each `every`th is contended. */
void l25_policy(size_t attempts, size_t every, size_t cpus);
/** The `nth` request for memory fails, and `count - 1` more; 0: none. */
void l25_fault(size_t nth, size_t count);

#define L25_OUTCOMES(X)                                                                            \
    X(allocated, "run given")                                                                      \
    X(aligned, "run aligned beyond a granule")                                                     \
    X(reused, "run given at the address of a freed one")                                           \
    X(zero, "run said to be zero")                                                                 \
    X(not_zero, "run not said to be zero")                                                         \
    X(many_chunks, "runs in more than four chunks")                                                \
    X(freed, "run freed")                                                                          \
    X(grew, "run grown in place")                                                                  \
    X(shrank, "run shrunk in place")                                                               \
    X(cannot_grow, "run cannot grow")                                                              \
    X(contended, "shard's lock found taken")                                                       \
    X(sharded, "more than one shard")                                                              \
    X(other_shard, "run freed by a thread of another shard")                                       \
    X(trimmed, "memory given back by a trim")                                                      \
    X(purged, "memory given back by a tick")                                                       \
    X(policy_grew, "policy doubled the shards")                                                    \
    X(policy_at_most, "policy at its bound")                                                       \
    X(fault_hit, "request for memory failed")                                                      \
    X(fault_survived, "no run under a fault")

enum l25_outcome {
#define X(name, text) OUTCOME_##name,
    L25_OUTCOMES(X)
#undef X
};

#endif
