/* SPDX-License-Identifier: MIT */
/* Faults in src/os/: each function that asks the system for memory is wrapped
 * by the linker (-Wl,--wrap), and so is the clock. Counters are atomic because
 * threads of the program under test, though in sequence, have no other order
 * that a race detector could see. Relaxed: nothing is published with them. */
#include "fault.h"

#include <stdatomic.h>
#include <stddef.h>

#include "os/os_memory.h"
#include "os/os_thread.h"

void *__real_hak_os_reserve(size_t size_bytes, size_t alignment_bytes);
void *__real_hak_os_reserve_sparse(size_t size_bytes);
void *__real_hak_os_resize(void *address, size_t old_size_bytes, size_t new_size_bytes,
                           size_t alignment_bytes, bool may_move);
uint64_t __real_hak_os_clock_coarse_ns(void);

void *__wrap_hak_os_reserve(size_t size_bytes, size_t alignment_bytes);
void *__wrap_hak_os_reserve_sparse(size_t size_bytes);
void *__wrap_hak_os_resize(void *address, size_t old_size_bytes, size_t new_size_bytes,
                           size_t alignment_bytes, bool may_move);
uint64_t __wrap_hak_os_clock_coarse_ns(void);

static atomic_uint_fast64_t until_fault; /* requests that still succeed; with fault_count */
static atomic_uint_fast64_t fault_count; /* requests that fail after them */
static atomic_uint_fast64_t hit_count;
static atomic_uint_fast64_t clock_offset_ns;

void hak_fuzz_fault_mmap_after(uint64_t nth, uint64_t count) {
    atomic_store_explicit(&until_fault, nth == 0 ? 0 : nth - 1, memory_order_relaxed);
    atomic_store_explicit(&fault_count, nth == 0 ? 0 : count, memory_order_relaxed);
}

uint64_t hak_fuzz_fault_hits(void) {
    return atomic_load_explicit(&hit_count, memory_order_relaxed);
}

void hak_fuzz_clock_advance(uint64_t ns) {
    atomic_fetch_add_explicit(&clock_offset_ns, ns, memory_order_relaxed);
}

bool hak_fuzz_fault_is_possible(void) {
    return true;
}

static bool is_due(void) {
    if (atomic_load_explicit(&fault_count, memory_order_relaxed) == 0) {
        return false;
    }
    if (atomic_load_explicit(&until_fault, memory_order_relaxed) > 0) {
        atomic_fetch_sub_explicit(&until_fault, 1, memory_order_relaxed);
        return false;
    }
    atomic_fetch_sub_explicit(&fault_count, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&hit_count, 1, memory_order_relaxed);
    return true;
}

void *__wrap_hak_os_reserve(size_t size_bytes, size_t alignment_bytes) {
    return is_due() ? NULL : __real_hak_os_reserve(size_bytes, alignment_bytes);
}

void *__wrap_hak_os_reserve_sparse(size_t size_bytes) {
    return is_due() ? NULL : __real_hak_os_reserve_sparse(size_bytes);
}

void *__wrap_hak_os_resize(void *address, size_t old_size_bytes, size_t new_size_bytes,
                           size_t alignment_bytes, bool may_move) {
    if (is_due()) {
        return NULL;
    }
    return __real_hak_os_resize(address, old_size_bytes, new_size_bytes, alignment_bytes, may_move);
}

uint64_t __wrap_hak_os_clock_coarse_ns(void) {
    return __real_hak_os_clock_coarse_ns() +
           atomic_load_explicit(&clock_offset_ns, memory_order_relaxed);
}
