/* SPDX-License-Identifier: MIT */
/* Faults in src/, and memory from the arena: each function that asks for memory or
 * gives it back is wrapped by the linker (-Wl,--wrap), and so are the clock and the
 * attempt at a lock. Counters are atomic because threads of the program under test,
 * though in sequence, have no other order that a race detector could see. Relaxed:
 * nothing is published. */
#include "fault.h"

#include "arena.h"
#include "memcheck.h"
#include "target.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/constants.h"
#include "base/lock.h"
#include "meta/meta.h"
#include "os/os_memory.h"
#include "os/os_thread.h"
#include "region/region_map.h"

/* The types are the originals', so that a change there does not compile here. */
#define WRAPPED(function) __typeof__(function) __real_##function, __wrap_##function
WRAPPED(hak_os_reserve);
WRAPPED(hak_os_reserve_sparse);
WRAPPED(hak_os_purge);
WRAPPED(hak_os_release);
WRAPPED(hak_os_reserved_bytes);
WRAPPED(hak_os_resize);
WRAPPED(hak_os_move);
WRAPPED(hak_os_graft);
WRAPPED(hak_os_clock_coarse_ns);
WRAPPED(hak_meta_alloc);
WRAPPED(hak_meta_free);
WRAPPED(hak_lock_try_acquire);

static atomic_uint_fast64_t until_fault; /* requests that still succeed; with fault_count */
static atomic_uint_fast64_t fault_count; /* requests that fail after them */
static atomic_uint_fast64_t hit_count;
static atomic_uint_fast64_t clock_offset_ns;
static atomic_uint_fast64_t clock_stopped_ns; /* 0: it runs */
static atomic_uint_fast64_t taken_count;      /* attempts at locks that fail */
static atomic_bool counts_meta;
static atomic_size_t meta_live_bytes;
static void *(*reserve_sparse)(size_t size_bytes) = __real_hak_os_reserve_sparse;

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

void hak_fuzz_clock_stop_at(uint64_t ns) {
    atomic_store_explicit(&clock_stopped_ns, ns, memory_order_relaxed);
    atomic_store_explicit(&clock_offset_ns, 0, memory_order_relaxed);
}

void hak_fuzz_fault_meta(bool also_meta) {
    atomic_store_explicit(&counts_meta, also_meta, memory_order_relaxed);
}

void hak_fuzz_fault_trylock(uint64_t count) {
    atomic_store_explicit(&taken_count, count, memory_order_relaxed);
}

void hak_fuzz_sparse_from(void *(*reserve)(size_t size_bytes)) {
    reserve_sparse = reserve != NULL ? reserve : __real_hak_os_reserve_sparse;
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

/* Address space that goes back may be another thread's at once: from then on the region
 * map's cell is that thread's. */
static void demand_forgotten(const void *address, const char *call) {
    if ((uintptr_t)address % HAK_SUPERSLAB_SIZE_BYTES == 0 && hak_region_owner(address) != NULL) {
        hak_fuzz_fail("%s: the region map still knows %p", call, address);
    }
}

void *__wrap_hak_os_reserve(size_t size_bytes, size_t alignment_bytes) {
    if (is_due()) {
        return NULL;
    }
    void *reused = hak_fuzz_arena_take(size_bytes, alignment_bytes);
    return reused != NULL ? reused : __real_hak_os_reserve(size_bytes, alignment_bytes);
}

void *__wrap_hak_os_reserve_sparse(size_t size_bytes) {
    return is_due() ? NULL : reserve_sparse(size_bytes);
}

void __wrap_hak_os_purge(void *address, size_t size_bytes) {
    if (hak_fuzz_arena_has(address)) {
        hak_fuzz_arena_clear(address, size_bytes);
    } else {
        __real_hak_os_purge(address, size_bytes);
    }
}

void __wrap_hak_os_release(void *address, size_t size_bytes) {
    demand_forgotten(address, "hak_os_release");
    if (hak_fuzz_arena_has(address)) {
        hak_fuzz_arena_give(address, size_bytes);
    } else {
        __real_hak_os_release(address, size_bytes);
    }
}

size_t __wrap_hak_os_reserved_bytes(void) {
    return __real_hak_os_reserved_bytes() + hak_fuzz_arena_reserved_bytes();
}

bool __wrap_hak_os_resize(void *address, size_t old_size_bytes, size_t new_size_bytes) {
    if (is_due()) {
        return false;
    }
    return hak_fuzz_arena_has(address)
               ? hak_fuzz_arena_resize(address, old_size_bytes, new_size_bytes)
               : __real_hak_os_resize(address, old_size_bytes, new_size_bytes);
}

/* As some kernels do, a move that fails unmaps its target. */
bool __wrap_hak_os_move(void *address, size_t old_size_bytes, void *target, size_t new_size_bytes) {
    demand_forgotten(address, "hak_os_move");
    demand_forgotten(target, "hak_os_move");
    if (is_due()) {
        hak_os_release(target, new_size_bytes);
        return false;
    }
    if (!hak_fuzz_arena_has(address) && !hak_fuzz_arena_has(target)) {
        bool moved = __real_hak_os_move(address, old_size_bytes, target, new_size_bytes);
        if (moved && new_size_bytes > old_size_bytes) {
            hak_fuzz_memcheck_grown((char *)target + old_size_bytes,
                                    new_size_bytes - old_size_bytes);
        }
        return moved;
    }
    hak_fuzz_arena_copy(target, address,
                        old_size_bytes < new_size_bytes ? old_size_bytes : new_size_bytes);
    hak_os_release(address, old_size_bytes);
    return true;
}

/* Refused, nothing changes; what is to be kept is copied then. */
size_t __wrap_hak_os_graft(void *address, size_t size_bytes, void *target,
                           size_t target_size_bytes) {
    demand_forgotten(address, "hak_os_graft");
    if (is_due()) {
        hak_fuzz_arena_wrote_like(target, address, size_bytes);
        return 0;
    }
    if (!hak_fuzz_arena_has(address) && !hak_fuzz_arena_has(target)) {
        size_t moved = __real_hak_os_graft(address, size_bytes, target, target_size_bytes);
        if (target_size_bytes > moved) {
            hak_fuzz_memcheck_grown((char *)target + moved, target_size_bytes - moved);
        }
        return moved;
    }
    hak_fuzz_arena_copy(target, address, size_bytes);
    hak_os_release(address, size_bytes);
    return size_bytes;
}

void *__wrap_hak_meta_alloc(size_t size_bytes) {
    bool may_fail = atomic_load_explicit(&counts_meta, memory_order_relaxed);
    void *memory = may_fail && is_due() ? NULL : __real_hak_meta_alloc(size_bytes);
    if (memory != NULL) {
        atomic_fetch_add_explicit(&meta_live_bytes, size_bytes, memory_order_relaxed);
    }
    return memory;
}

void __wrap_hak_meta_free(void *memory, size_t size_bytes) {
    atomic_fetch_sub_explicit(&meta_live_bytes, size_bytes, memory_order_relaxed);
    __real_hak_meta_free(memory, size_bytes);
}

size_t hak_fuzz_meta_live_bytes(void) {
    return atomic_load_explicit(&meta_live_bytes, memory_order_relaxed);
}

bool __wrap_hak_lock_try_acquire(struct hak_lock *lock) {
    if (atomic_load_explicit(&taken_count, memory_order_relaxed) > 0) {
        atomic_fetch_sub_explicit(&taken_count, 1, memory_order_relaxed);
        return false;
    }
    return __real_hak_lock_try_acquire(lock);
}

uint64_t __wrap_hak_os_clock_coarse_ns(void) {
    uint64_t stopped_ns = atomic_load_explicit(&clock_stopped_ns, memory_order_relaxed);
    return (stopped_ns != 0 ? stopped_ns : __real_hak_os_clock_coarse_ns()) +
           atomic_load_explicit(&clock_offset_ns, memory_order_relaxed);
}
