/* SPDX-License-Identifier: MIT */
/* No faults: for allocators that do not stand on src/os/. */
#include "fault.h"

void hak_fuzz_fault_mmap_after(uint64_t nth, uint64_t count) {
    (void)nth;
    (void)count;
}

uint64_t hak_fuzz_fault_hits(void) {
    return 0;
}

void hak_fuzz_clock_advance(uint64_t ns) {
    (void)ns;
}

bool hak_fuzz_fault_is_possible(void) {
    return false;
}
