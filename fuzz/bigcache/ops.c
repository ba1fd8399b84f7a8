/* SPDX-License-Identifier: MIT */
/* fuzz_bigcache's begin and end, and what both of its parts share; see ops.h. */
#include "ops.h"

#include "harness/fault.h"
#include "harness/target.h"
#include "heap/heap_start.h"
#include "meta/meta.h"
#include "os/os_memory.h"

static size_t reserved_before, meta_before;

void bigcache_fault(size_t nth, size_t count) {
    static uint64_t hits_seen;
    hak_fuzz_fault_mmap_after(nth, count);
    for (; hits_seen < hak_fuzz_fault_hits(); hits_seen++) {
        hak_fuzz_tally(OUTCOME_fault_hit);
    }
}

void bigcache_begin(void) {
    hak_heap_start();
    hak_fuzz_fault_meta(true);
    reserved_before = hak_os_reserved_bytes();
    meta_before = hak_meta_mapped_bytes();
    bigcache_table_begin();
    bigcache_cache_begin();
}

void bigcache_verify_all(void) {
    bigcache_table_verify();
    bigcache_cache_verify();
}

void bigcache_end(void) {
    bigcache_fault(0, 0);
    bigcache_verify_all();
    bigcache_table_end();
    bigcache_cache_end();
    size_t reserved = hak_os_reserved_bytes() - reserved_before;
    size_t meta = hak_meta_mapped_bytes() - meta_before;
    if (reserved != meta) {
        hak_fuzz_fail("end: %zu bytes of address space are lost", reserved - meta);
    }
    hak_fuzz_fault_meta(false);
}
