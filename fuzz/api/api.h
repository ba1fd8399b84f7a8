/* SPDX-License-Identifier: MIT */
/**
 * @file api.h
 * The operations of fuzz_api: the whole malloc family through its prefixed
 * names, against a shadow model. Each function makes the call, compares the
 * result with the model and updates it; hak_fuzz_fail() ends a run that
 * disagrees. A test made by --emit-test is a list of these calls.
 *
 * A slot holds one block or none. An operation that needs an empty slot
 * verifies and frees what is in it first.
 */
#ifndef HAK_FUZZ_API_H
#define HAK_FUZZ_API_H

#include <stddef.h>
#include <stdint.h>

enum { API_SLOT_COUNT = 32, API_BURST_MAX = 1024 };

void api_begin(void);
void api_end(void);
void api_verify_all(void);

void api_malloc(size_t slot, size_t size);
void api_calloc(size_t slot, size_t count, size_t size);
void api_realloc(size_t slot, size_t size);
void api_reallocarray(size_t slot, size_t count, size_t size);
void api_aligned_alloc(size_t slot, size_t alignment, size_t size);
void api_memalign(size_t slot, size_t alignment, size_t size);
void api_posix_memalign(size_t slot, size_t alignment, size_t size);
void api_valloc(size_t slot, size_t size);
void api_pvalloc(size_t slot, size_t size);

void api_free(size_t slot);
/** free_sized() or free_aligned_sized(), whichever fits the block. */
void api_free_sized(size_t slot);
/** Verifies the block's contents and writes all of its usable bytes anew. */
void api_rewrite(size_t slot);
void api_trim(size_t keep);
void api_mallinfo2(void);
void api_heap_check(void);

/** `count` blocks of one size at once: refills, flushes, expansion. */
void api_burst(size_t count, size_t size);
/** Frees `count` of them: oldest first (0), newest first (1), or scattered. */
void api_burst_free(size_t count, size_t order);

/** The next `count` operations run on a new thread, which then exits. */
void api_thread(size_t count);
/** The same for a function, in tests made by --emit-test. */
void api_thread_running(void (*operations)(void));
/** A child verifies everything, frees half of it, allocates, and exits. */
void api_fork(void);
/** The `nth` request to the system fails, and `count - 1` more; 0: none. */
void api_fault(size_t nth, size_t count);
/** The allocator's clock jumps. */
void api_clock(size_t ns);

#endif
