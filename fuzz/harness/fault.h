/* SPDX-License-Identifier: MIT */
/**
 * @file fault.h
 * Faults of the operating system, on demand: requests for address space that
 * fail, and a clock that jumps. fault_os.c wraps the functions of
 * src/os/ at link time; fault_none.c stands in for it where another allocator
 * is linked.
 */
#ifndef HAK_FUZZ_FAULT_H
#define HAK_FUZZ_FAULT_H

#include <stdbool.h>
#include <stdint.h>

/** The `nth` request for memory from now on fails (1 is the next), and the
 *  `count - 1` after it too. `nth` 0: none fails any more. */
void hak_fuzz_fault_mmap_after(uint64_t nth, uint64_t count);

/** How many requests were made to fail since the process started. */
uint64_t hak_fuzz_fault_hits(void);

/** Moves the allocator's clock on. */
void hak_fuzz_clock_advance(uint64_t ns);

/** Whether faults can happen in this executable. */
bool hak_fuzz_fault_is_possible(void);

#endif
