/* SPDX-License-Identifier: MIT */
/* Guard: see guard.h. Layer 6. Checked builds only. */
#include "check/guard.h"

#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/block_record.h"
#include "base/check.h"
#include "base/constants.h"
#include "base/event_ring.h"
#include "base/panic.h"
#include "check/freed.h"
#include "heap/heap.h"
#include "heap/heap_start.h"
#include "region/region_map.h"

#define SIZE_MASK (((uint64_t)1 << HAK_RECORD_STATE_SHIFT) - 1)

static uint64_t make_record(enum hak_record_state state, size_t size_bytes) {
    static __thread uint64_t thread_id;
    if (thread_id == 0) {
        thread_id = (uint64_t)syscall(SYS_gettid) & 0x3FFFFF;
    }
    return (size_bytes & SIZE_MASK) | (uint64_t)state << HAK_RECORD_STATE_SHIFT |
           thread_id << HAK_RECORD_THREAD_SHIFT;
}

static size_t size_of(uint64_t record) {
    return record & SIZE_MASK;
}

static uint64_t thread_of(uint64_t record) {
    return record >> HAK_RECORD_THREAD_SHIFT;
}

/* The record of a block that the program names; ends it when there is none. */
static _Atomic uint64_t *record_of(const void *block, const char *call) {
    hak_heap_start();
    _Atomic uint64_t *record = hak_heap_record(block);
    if (hak_unlikely(record == NULL)) {
        hak_freed_refuse(block);
        bool ours = hak_region_kind(block) != HAK_KIND_NONE;
        hak_misuse(ours ? HAK_MISUSE_INTERIOR_POINTER : HAK_MISUSE_FOREIGN_POINTER, block, 0,
                   call);
    }
    return record;
}

/* A block that is not live may not even be there: nothing else is asked of a run or
 * mapping. */
static size_t class_stride_of(const void *block) {
    uint32_t class_index = (uint32_t)hak_region_kind(block) - HAK_KIND_CLASS_FIRST;
    return class_index < HAK_CLASS_COUNT ? hak_class_infos[class_index].stride_bytes : 0;
}

static void verify_live(const void *block, uint64_t record) {
    uint64_t state = hak_record_state_of(record), last_changed_by_thread = thread_of(record);
    if (hak_unlikely(state != HAK_RECORD_LIVE)) {
        size_t requested = size_of(record), class_stride = class_stride_of(block);
        hak_verify(state == HAK_RECORD_LIVE, GUARD_LIVE, (uintptr_t)block, requested, class_stride,
                   state, last_changed_by_thread);
    }
}

/* The first byte in a range that differs from `value`, or its length. */
static size_t first_difference(const unsigned char *bytes, size_t length, unsigned char value) {
    /* All equal the first and the first is right: the usual case, at memcmp's speed. */
    if (length == 0 || (bytes[0] == value && memcmp(bytes, bytes + 1, length - 1) == 0)) {
        return length;
    }
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] != value) {
            return i;
        }
    }
    return length;
}

static size_t canary_length(size_t requested, size_t block_size) {
    size_t tail = block_size - requested;
    return tail < HAK_GUARD_CANARY_MAX_BYTES ? tail : HAK_GUARD_CANARY_MAX_BYTES;
}

static void set_canary(void *block, size_t requested, size_t block_size) {
    memset((char *)block + requested, HAK_GUARD_CANARY, canary_length(requested, block_size));
}

static void verify_canary(const void *block, uint64_t record, size_t block_size) {
    size_t requested = size_of(record), length = canary_length(requested, block_size);
    const unsigned char *tail = (const unsigned char *)block + requested;
    size_t offset_past_end = first_difference(tail, length, HAK_GUARD_CANARY);
    uint64_t allocated_by_thread = thread_of(record);
    hak_verify(offset_past_end == length, GUARD_CANARY, (uintptr_t)block, requested, block_size,
               offset_past_end, allocated_by_thread);
}

static size_t fill_length(size_t block_size) {
    return block_size < HAK_GUARD_FILL_MAX_BYTES ? block_size : HAK_GUARD_FILL_MAX_BYTES;
}

static void verify_fill(const void *block, uint64_t record, size_t block_size) {
    size_t length = fill_length(block_size);
    size_t written_at_offset = first_difference(block, length, HAK_GUARD_FILL);
    uint64_t freed_by_thread = thread_of(record);
    hak_verify(written_at_offset == length, GUARD_FILL, (uintptr_t)block, block_size,
               written_at_offset, freed_by_thread);
}

/* Makes a block that the heap handed out the program's. */
static void *arm(void *block, size_t requested, const char *call) {
    if (block == NULL) {
        return NULL;
    }
    size_t block_size = hak_heap_block_size(block, call);
    _Atomic uint64_t *cell = record_of(block, call);
    hak_freed_forget(block, block_size);
    /* G1: acquire pairs with G2 of the thread that freed it: its fill is visible. */
    uint64_t before = hak_exchange_acquire(cell, make_record(HAK_RECORD_LIVE, requested));
    uint64_t live_in_thread = thread_of(before);
    hak_verify(!hak_record_is_live(before), GUARD_NOT_LIVE, (uintptr_t)block, block_size,
               live_in_thread);
    hak_verify(block_size >= requested + HAK_GUARD_SIZE_BYTES, CLASS_COVERS, block_size,
               requested);
    if (hak_record_state_of(before) == HAK_RECORD_FREED) {
        verify_fill(block, before, block_size);
    }
    set_canary(block, requested, block_size);
    return block;
}

static bool is_too_large(size_t size_bytes) {
    return size_bytes > SIZE_MASK - HAK_GUARD_SIZE_BYTES; /* what a record can hold: 1 TiB */
}

void *hak_guard_alloc(size_t size_bytes, size_t alignment_bytes, const char *call) {
    hak_operation(call, NULL, size_bytes);
    if (is_too_large(size_bytes)) {
        return NULL;
    }
    size_t guarded = size_bytes + HAK_GUARD_SIZE_BYTES;
    return arm(hak_heap_alloc_aligned(guarded, alignment_bytes, NULL), size_bytes, call);
}

void *hak_guard_calloc(size_t size_bytes, const char *call) {
    bool is_zero = false;
    hak_operation(call, NULL, size_bytes);
    if (is_too_large(size_bytes)) {
        return NULL;
    }
    void *block = arm(hak_heap_alloc_slow(size_bytes + HAK_GUARD_SIZE_BYTES, &is_zero), size_bytes,
                      call);
    return block == NULL || is_zero ? block : memset(block, 0, size_bytes);
}

/* Ends the program's hold on a block; returns what its record was. */
static uint64_t disarm(void *block, _Atomic uint64_t *cell, const char *call) {
    uint64_t seen = hak_load_relaxed(cell); /* only to carry the size over */
    uint64_t freed = make_record(HAK_RECORD_FREED, size_of(seen));
    /* G2: release pairs with G1; acquire: of two frees the second sees the first. */
    uint64_t before = hak_exchange_acq_rel(cell, freed);
    verify_live(block, before);
    verify_canary(block, before, hak_heap_block_size(block, call)); /* ours alone from here */
    hak_freed_note(block, size_of(freed), thread_of(freed), call);
    return before;
}

static void free_disarmed(void *block, const char *call) {
    memset(block, HAK_GUARD_FILL, fill_length(hak_heap_block_size(block, call)));
    if (!hak_tcache_push(hak_tls, hak_region_kind(block), block)) {
        hak_heap_free_slow(block);
    }
}

void hak_guard_free(void *block, const char *call) {
    if (block == NULL) {
        return;
    }
    hak_operation(call, block, 0);
    disarm(block, record_of(block, call), call);
    free_disarmed(block, call);
}

void hak_guard_free_sized(void *block, size_t alignment_bytes, size_t size_bytes,
                          const char *call) {
    if (block == NULL) {
        return;
    }
    hak_operation(call, block, size_bytes);
    uint64_t record = disarm(block, record_of(block, call), call);
    size_t requested = size_of(record);
    hak_verify(requested == size_bytes && (uintptr_t)block % alignment_bytes == 0, GUARD_SIZE,
               (uintptr_t)block, requested, size_bytes, alignment_bytes);
    free_disarmed(block, call);
}

size_t hak_guard_usable_size(const void *block, const char *call) {
    hak_operation(call, block, 0);
    uint64_t record = hak_load_relaxed(record_of(block, call)); /* the caller holds the block */
    verify_live(block, record);
    return size_of(record);
}

static void *move(void *block, uint64_t record, size_t size_bytes, const char *call) {
    void *fresh = hak_guard_alloc(size_bytes, 1, call);
    if (fresh != NULL) {
        size_t old = size_of(record);
        memcpy(fresh, block, old < size_bytes ? old : size_bytes);
        hak_guard_free(block, call);
    }
    return fresh;
}

/* Where it is, or, if it is a mapping, elsewhere: then its old address may be another
 * block's before we know that it is free. */
static void *resize(void *block, uint64_t record, size_t guarded, const char *call) {
    hak_freed_note(block, size_of(record), thread_of(make_record(HAK_RECORD_FREED, 0)), call);
    void *kept = hak_heap_resize(block, guarded);
    if (kept == NULL) {
        hak_freed_forget(block, 1);
    }
    return kept;
}

/* In place where the heap can, else by copy. The old block stays live until the
 * new one is there. */
void *hak_guard_realloc(void *block, size_t size_bytes, const char *call) {
    hak_operation(call, block, size_bytes);
    _Atomic uint64_t *cell = record_of(block, call);
    uint64_t record = hak_load_relaxed(cell); /* the caller holds the block */
    verify_live(block, record);
    size_t block_size = hak_heap_block_size(block, call);
    verify_canary(block, record, block_size);
    if (is_too_large(size_bytes)) {
        return NULL;
    }
    size_t guarded = size_bytes + HAK_GUARD_SIZE_BYTES;
    bool fits = guarded <= block_size && guarded > block_size / 2;
    void *kept = fits ? block : resize(block, record, guarded, call);
    if (kept == NULL) {
        return move(block, record, size_bytes, call);
    }
    hak_store_relaxed(hak_heap_record(kept), make_record(HAK_RECORD_LIVE, size_bytes));
    size_t kept_size = hak_heap_block_size(kept, call);
    hak_freed_forget(kept, kept_size);
    set_canary(kept, size_bytes, kept_size);
    return kept;
}
