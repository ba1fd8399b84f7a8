/* SPDX-License-Identifier: MIT */
/**
 * @file shim.h
 * A small, slow and independent allocator behind the hak_ names, with faults
 * that can be switched on one at a time. It shows that the conformance cases
 * and the fuzz model can fail, and that they fail for the right reason. It is
 * no part of the allocator and shares no code with it.
 *
 * HAKMEM_BROKEN names the fault; unset or "none" means that it works.
 */
#ifndef CONFORMANCE_BROKEN_SHIM_H
#define CONFORMANCE_BROKEN_SHIM_H

#include <stdbool.h>
#include <stddef.h>

/* X(name, what it breaks) */
#define SHIM_FAULTS(X)                                                                             \
    X(none, "nothing")                                                                             \
    X(given_twice, "every 61st block is also the one given before it")                             \
    X(class_one_short, "2^k + 1 bytes get a block of 2^k")                                         \
    X(calloc_tail, "calloc leaves the bytes after the last whole word")                            \
    X(calloc_wraps, "calloc does not see an overflow of the product")                              \
    X(realloc_rounds_copy, "realloc copies the old block's rounded size")                          \
    X(realloc_loses_tail, "realloc copies whole 16 bytes only")                                    \
    X(realloc_failure_frees, "a failing realloc frees the old block")                              \
    X(realloc_zero_allocates, "realloc(block, 0) gives a block")                                   \
    X(alignment_of_own_size, "alignments 256, 512, 1024 are ignored for blocks of that size")      \
    X(alignment_unchecked, "bad alignments are rounded up everywhere")                             \
    X(alignment_limit_low, "alignments above 2^62 are EINVAL, 2^63 too")                           \
    X(usable_too_large, "malloc_usable_size gives 16 bytes too many")                              \
    X(zero_is_null, "malloc(0) gives NULL")                                                        \
    X(no_enomem, "failures leave errno alone")                                                     \
    X(free_sets_errno, "free sets errno")                                                          \
    X(memalign_sets_errno, "posix_memalign sets errno")                                            \
    X(memalign_writes_result, "a failing posix_memalign writes its result")                        \
    X(pvalloc_keeps_size, "pvalloc does not round the size up")                                    \
    X(trim_does_nothing, "malloc_trim gives nothing back")                                         \
    X(free_sized_leaks, "free_sized frees nothing")                                                \
    X(fork_keeps_lock, "fork leaves the lock as another thread held it")                           \
    X(crash_in_realloc, "realloc of more than 1000 bytes reads a null pointer")

enum shim_fault {
#define X(name, text) SHIM_FAULT_##name,
    SHIM_FAULTS(X)
#undef X
};

/** Whether this fault is on. */
bool shim_is_broken(enum shim_fault fault);

#endif
