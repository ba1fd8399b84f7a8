/* SPDX-License-Identifier: MIT */
/**
 * @file model.h
 * The shadow of every live block: where it is, how large, and what must be in
 * it. It knows nothing of the allocator but what hakmem.h promises, allocates
 * nothing, and keeps nothing inside the blocks but their contents.
 */
#ifndef HAK_FUZZ_API_MODEL_H
#define HAK_FUZZ_API_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api.h"

enum model_origin { FROM_MALLOC, FROM_ALIGNED_ALLOC, FROM_OTHER };

struct model_block {
    unsigned char *start; /* NULL: no block */
    size_t size_bytes;    /* asked for; what realloc must keep */
    size_t usable_bytes;  /* reported; all of it is ours to write */
    size_t alignment_bytes;
    uint64_t seed;
    unsigned thread; /* that took it */
    enum model_origin origin;
    bool is_whole; /* the pattern covers every byte, not only samples */
};

extern struct model_block model_blocks[API_SLOT_COUNT];

/** What a request of this size and alignment must come to. */
enum model_expectation { MUST_SUCCEED, MAY_FAIL, MUST_FAIL };
enum model_expectation model_expect(size_t size_bytes, size_t alignment_bytes);

void model_reset(void);
void model_set_fault(bool is_armed);
/** A number for the calling thread, never used twice in an input. */
unsigned model_thread(void);
void model_enter_thread(void);

/** Judges the result of a call against the expectation; errno must be `error`
 *  after a failure. True when there is a block. */
bool model_accepts(const char *call, const void *block, enum model_expectation expected, int error);

/** Checked builds: whether a block has room for its guard behind what was asked for. */
bool model_has_guard(const void *block, size_t size_bytes);

/** Tells the arena what of a block of this size the allocator itself writes. */
void model_note_written(const void *block, size_t size_bytes, size_t alignment_bytes);

/** Takes a new block in: alignment, usable size, overlap; then fills it. */
void model_take(size_t slot, void *block, size_t size_bytes, size_t alignment_bytes,
                enum model_origin origin, const char *call);
/** Demands that every byte below `size_bytes` still is as it was filled. */
void model_verify_block(const struct model_block *block, size_t size_bytes, const char *when);
void model_verify(size_t slot, const char *when);
/** Demands zeroes, as calloc must give them. */
void model_verify_zero(const void *block, size_t size_bytes);
void model_fill(struct model_block *block);
void model_verify_slots(const char *when);

/** Live bytes that were asked for, in slots. */
size_t model_live_bytes(void);

/** Remembers a freed address; whether a new block is at one. */
void model_note_freed(const void *block);
bool model_was_freed(const void *block);

/* --- Outcomes, for the audit ------------------------------------------------ */

#define API_OUTCOMES(X)                                                                            \
    X(allocated, "block given")                                                                    \
    X(zero_size, "block of size 0 given")                                                          \
    X(run, "block above the largest class given")                                                  \
    X(mapping, "block above 1 MiB given")                                                          \
    X(aligned, "block aligned beyond 16 given")                                                    \
    X(bad_alignment, "bad alignment refused")                                                      \
    X(refused, "impossible size refused")                                                          \
    X(reused, "address of a freed block given again")                                              \
    X(sampled, "block too large to fill whole")                                                    \
    X(zeroed, "calloc verified")                                                                   \
    X(zeroed_reused, "calloc verified at a freed address")                                         \
    X(grew, "realloc grew a block")                                                                \
    X(shrank, "realloc shrank a block")                                                            \
    X(moved, "realloc moved a block")                                                              \
    X(stayed, "realloc left a block in place")                                                     \
    X(resized_to_zero, "realloc to 0 freed a block")                                               \
    X(resize_failed, "realloc failed, old block verified")                                         \
    X(crossed_tier, "realloc moved a block to another tier")                                       \
    X(freed, "block freed")                                                                        \
    X(freed_by_other, "block freed by another thread than took it")                                \
    X(freed_after_exit, "block freed after its thread's exit")                                     \
    X(freed_null, "free(NULL)")                                                                    \
    X(freed_sized, "free_sized")                                                                   \
    X(freed_aligned_sized, "free_aligned_sized")                                                   \
    X(rewritten, "all usable bytes written anew")                                                  \
    X(trimmed, "malloc_trim gave memory back")                                                     \
    X(burst_freed, "burst verified and freed")                                                     \
    X(burst_remote, "burst freed by another thread")                                               \
    X(thread_ran, "operations ran on a thread")                                                    \
    X(thread_nested, "operations ran on a thread's thread")                                        \
    X(forked, "forked child verified everything")                                                  \
    X(fault_hit, "request to the system failed")                                                   \
    X(fault_survived, "call failed with ENOMEM under a fault")

enum api_outcome {
#define X(name, text) OUTCOME_##name,
    API_OUTCOMES(X)
#undef X
};

#endif
