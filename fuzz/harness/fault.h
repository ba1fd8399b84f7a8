/* SPDX-License-Identifier: MIT */
/**
 * @file fault.h
 * Faults on demand: requests for memory that fail, locks found taken, and a
 * clock that jumps. fault_os.c wraps the functions of src/ at link time;
 * fault_none.c stands in for it where another allocator is linked.
 */
#ifndef HAK_FUZZ_FAULT_H
#define HAK_FUZZ_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The `nth` request for memory from now on fails (1 is the next), and the
 *  `count - 1` after it too. `nth` 0: none fails any more. */
void hak_fuzz_fault_mmap_after(uint64_t nth, uint64_t count);

/** Whether hak_meta_alloc() counts as a request too. It seldom reaches the
 *  system, so without this its callers would hardly ever see it fail. */
void hak_fuzz_fault_meta(bool also_meta);

/** Bytes of the metadata arena that are out: what was asked for, less what was said to
 *  be given back. The same before and after an input, or something is lost. */
size_t hak_fuzz_meta_live_bytes(void);

/** Where sparse tables come from, instead of the system; NULL: the system. */
void hak_fuzz_sparse_from(void *(*reserve)(size_t size_bytes));

/** How many requests were made to fail since the process started. */
uint64_t hak_fuzz_fault_hits(void);

/** The next `count` attempts at a lock find it taken. */
void hak_fuzz_fault_trylock(uint64_t count);

/** Moves the allocator's clock on. */
void hak_fuzz_clock_advance(uint64_t ns);

/** The allocator's clock says `ns` from now on, and what was advanced. */
void hak_fuzz_clock_stop_at(uint64_t ns);

/** Whether faults can happen in this executable. */
bool hak_fuzz_fault_is_possible(void);

#endif
