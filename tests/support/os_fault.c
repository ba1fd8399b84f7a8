/* SPDX-License-Identifier: MIT */
/* An operating system that fails on demand: see os_fault.h. */
#include "os_fault.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/constants.h"
#include "os/os_memory.h"
#include "region/region_map.h"

static _Atomic uint32_t failing_calls;
static _Atomic int64_t calls_left; /* until the first failure */
static _Atomic bool fails_forever;
static _Atomic uint64_t failed_count;
static _Atomic int64_t held_bytes;
static _Atomic uint64_t purged_bytes, purge_call_count;

void test_os_fail_at(uint32_t calls, uint64_t n, int forever) {
    failed_count = 0;
    calls_left = (int64_t)n;
    fails_forever = forever != 0;
    failing_calls = calls;
}

void test_os_recover(void) {
    failing_calls = 0;
}

uint64_t test_os_failed_count(void) {
    return failed_count;
}

int64_t test_os_held_bytes(void) {
    return held_bytes;
}

uint64_t test_os_purged_bytes(void) {
    return purged_bytes;
}

uint64_t test_os_purge_call_count(void) {
    return purge_call_count;
}

static bool fails(enum test_os_call call) {
    if ((failing_calls & (uint32_t)call) == 0) {
        return false;
    }
    int64_t left = atomic_fetch_sub(&calls_left, 1) - 1;
    bool now = left == 0 || (left < 0 && fails_forever);
    failed_count += now;
    return now;
}

/* Address space that goes back may be another thread's at once, which then registers it:
 * who forgets it only afterwards, in the region map, takes it from that thread. */
static void demand_forgotten(const void *address, const char *call) {
    if ((uintptr_t)address % HAK_SUPERSLAB_SIZE_BYTES == 0 && hak_region_owner(address) != NULL) {
        fprintf(stderr, "%s: the region map still knows %p\n", call, address);
        abort();
    }
}

void *__real_hak_os_reserve(size_t size_bytes, size_t alignment_bytes);
void *__wrap_hak_os_reserve(size_t size_bytes, size_t alignment_bytes);
void *__wrap_hak_os_reserve(size_t size_bytes, size_t alignment_bytes) {
    void *p = fails(TEST_OS_RESERVE) ? NULL : __real_hak_os_reserve(size_bytes, alignment_bytes);
    held_bytes += p != NULL ? (int64_t)size_bytes : 0;
    return p;
}

void *__real_hak_os_reserve_sparse(size_t size_bytes);
void *__wrap_hak_os_reserve_sparse(size_t size_bytes);
void *__wrap_hak_os_reserve_sparse(size_t size_bytes) {
    void *p = fails(TEST_OS_RESERVE_SPARSE) ? NULL : __real_hak_os_reserve_sparse(size_bytes);
    held_bytes += p != NULL ? (int64_t)size_bytes : 0;
    return p;
}

bool __real_hak_os_resize(void *address, size_t old_size_bytes, size_t new_size_bytes);
bool __wrap_hak_os_resize(void *address, size_t old_size_bytes, size_t new_size_bytes);
bool __wrap_hak_os_resize(void *address, size_t old_size_bytes, size_t new_size_bytes) {
    if (fails(TEST_OS_RESIZE) || !__real_hak_os_resize(address, old_size_bytes, new_size_bytes)) {
        return false;
    }
    held_bytes += (int64_t)new_size_bytes - (int64_t)old_size_bytes;
    return true;
}

void __real_hak_os_release(void *address, size_t size_bytes);
bool __real_hak_os_move(void *address, size_t old_size_bytes, void *target, size_t new_size_bytes);
bool __wrap_hak_os_move(void *address, size_t old_size_bytes, void *target, size_t new_size_bytes);
bool __wrap_hak_os_move(void *address, size_t old_size_bytes, void *target, size_t new_size_bytes) {
    demand_forgotten(address, "hak_os_move");
    demand_forgotten(target, "hak_os_move"); /* some kernels unmap it and then refuse */
    if (fails(TEST_OS_MOVE)) { /* as the kernels do that unmap the target first */
        __real_hak_os_release(target, new_size_bytes);
        held_bytes -= (int64_t)new_size_bytes;
        return false;
    }
    bool moved = __real_hak_os_move(address, old_size_bytes, target, new_size_bytes);
    held_bytes -= (int64_t)(moved ? old_size_bytes : new_size_bytes);
    return moved;
}

/* Refused, the kernel moves nothing, or the first 2 MiB and then no more. */
__typeof__(hak_os_graft) __real_hak_os_graft, __wrap_hak_os_graft;
size_t __wrap_hak_os_graft(void *address, size_t size_bytes, void *target,
                           size_t target_size_bytes) {
    const size_t part = HAK_SUPERSLAB_SIZE_BYTES;
    demand_forgotten(address, "hak_os_graft");
    if (fails(TEST_OS_GRAFT)) {
        size_bytes = size_bytes > part ? part : 0;
    }
    size_t moved = __real_hak_os_graft(address, size_bytes, target, target_size_bytes);
    held_bytes -= (int64_t)moved;
    return moved;
}

__typeof__(hak_os_can_graft) __real_hak_os_can_graft, __wrap_hak_os_can_graft;
bool __wrap_hak_os_can_graft(void) {
    return !fails(TEST_OS_CAN_GRAFT) && __real_hak_os_can_graft();
}

void __real_hak_os_purge(void *address, size_t size_bytes);
void __wrap_hak_os_purge(void *address, size_t size_bytes);
void __wrap_hak_os_purge(void *address, size_t size_bytes) {
    purged_bytes += size_bytes;
    purge_call_count++;
    __real_hak_os_purge(address, size_bytes);
}

void __wrap_hak_os_release(void *address, size_t size_bytes);
void __wrap_hak_os_release(void *address, size_t size_bytes) {
    demand_forgotten(address, "hak_os_release");
    held_bytes -= (int64_t)size_bytes;
    __real_hak_os_release(address, size_bytes);
}
