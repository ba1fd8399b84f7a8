/* SPDX-License-Identifier: MIT */
/* What was freed last: see freed.h. Layer 6. Checked builds only. */
#include "check/freed.h"

#include <stdbool.h>

#include "base/atomic.h"
#include "base/check.h"
#include "base/format.h"
#include "region/region_map.h"

enum { HASH_BITS = 10, BEING_WRITTEN = 1 }; /* no block is at 1 */
_Static_assert(HAK_FREED_COUNT == 1 << HASH_BITS, "the hash names an entry");

struct freed_entry {
    _Atomic uintptr_t block;        /* atomic: 0, BEING_WRITTEN, or whose the rest is */
    _Atomic size_t requested_bytes; /* atomic: whoever wrote BEING_WRITTEN */
    _Atomic uint64_t thread_id;     /* atomic: the same */
    _Atomic(const char *) call;     /* atomic: the same */
};

static struct freed_entry entries[HAK_FREED_COUNT];

static struct freed_entry *entry_of(uintptr_t granule) {
    return &entries[(granule * UINT64_C(0x9E3779B97F4A7C15)) >> (64 - HASH_BITS)];
}

void hak_freed_note(const void *block, size_t requested_bytes, uint64_t thread_id,
                    const char *call) {
    enum hak_kind kind = hak_region_kind(block);
    if (kind != HAK_KIND_RUN && kind != HAK_KIND_MAPPING) {
        return;
    }
    struct freed_entry *entry = entry_of((uintptr_t)block >> HAK_GRANULE_SHIFT);
    uintptr_t before = hak_load_relaxed(&entry->block); /* a guess: the exchange decides */
    if (before == BEING_WRITTEN ||
        !hak_cas_acquire(&entry->block, &before, (uintptr_t)BEING_WRITTEN)) {
        return; /* of two with one hash at once, one is enough */
    }
    hak_store_relaxed(&entry->requested_bytes, requested_bytes);
    hak_store_relaxed(&entry->thread_id, thread_id);
    hak_store_relaxed(&entry->call, call);
    /* F2: release pairs with F1: who finds the block finds what was written of it. */
    hak_store_release(&entry->block, (uintptr_t)block);
}

/* The entry may be of another granule, or be given to another block meanwhile: then
 * there is nothing to forget. How the memory came to the caller ordered the note of
 * its last free before this. */
static void forget_one(struct freed_entry *entry, uintptr_t start, uintptr_t end) {
    uintptr_t block = hak_load_relaxed(&entry->block); /* the exchange decides */
    if (hak_unlikely(block >= start && block < end)) {
        hak_cas_acquire(&entry->block, &block, (uintptr_t)0);
    }
}

void hak_freed_forget(const void *start, size_t size_bytes) {
    uintptr_t first = (uintptr_t)start >> HAK_GRANULE_SHIFT;
    uintptr_t end = (uintptr_t)start + size_bytes;
    uintptr_t granule_count = ((end - 1) >> HAK_GRANULE_SHIFT) - first + 1;
    if (granule_count < HAK_FREED_COUNT) {
        for (uintptr_t i = 0; i < granule_count; i++) {
            forget_one(entry_of(first + i), (uintptr_t)start, end);
        }
        return;
    }
    for (uint32_t i = 0; i < HAK_FREED_COUNT; i++) {
        forget_one(&entries[i], (uintptr_t)start, end);
    }
}

void hak_freed_refuse(const void *block) {
    struct freed_entry *entry = entry_of((uintptr_t)block >> HAK_GRANULE_SHIFT);
    /* F1: acquire pairs with F2. */
    if (hak_load_acquire(&entry->block) != (uintptr_t)block || block == NULL) {
        return;
    }
    char names[128];
    struct hak_text text;
    hak_text_init(&text, names, sizeof names);
    hak_text_add(&text, "(uintptr_t)block, requested, freed_by_thread (in %s)",
                 hak_load_relaxed(&entry->call));
    const struct hak_check_site site = {HAK_INV_GUARD_LIVE, "the block is not free already", names,
                                        __FILE__, __LINE__};
    const uint64_t values[HAK_CHECK_VALUE_COUNT] = {(uintptr_t)block,
                                                    hak_load_relaxed(&entry->requested_bytes),
                                                    hak_load_relaxed(&entry->thread_id)};
    hak_invariant_failed(&site, values);
}
