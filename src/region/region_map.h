/* SPDX-License-Identifier: MIT */
/* The region map: from any address to what owns it. Layer 2.
 *
 *   kinds    one byte per 64 KiB granule: enum hak_kind, 0 where not ours
 *   owners   one pointer per 2 MiB: the SuperSlab, chunk or mapping there
 *
 * Flat mode: both are sparse arrays over the whole user address space (2 GiB
 * and 512 MiB of address space; resident only where the heap is). free() needs
 * a shift, a compare and a load. Two-level mode, where the flat tables would be
 * more than a 32nd of what the process may have at start (ulimit -v, -d), or
 * cannot be mapped: `flat_limit` is 0, so the fast path's compare fails and the
 * look-up goes through leaves of 1 GiB each.
 *
 * Reading is safe for every value of a pointer, from any thread. A granule is
 * written only by who owns it, before its first block is handed out or after
 * the last came back; readers hold a block of it or guess, so relaxed order is
 * enough: how the block reached the reader ordered the write before it. */
#ifndef HAK_REGION_MAP_H
#define HAK_REGION_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/atomic.h"
#include "base/compiler.h"
#include "base/constants.h"

struct hak_region_map {
    _Atomic uint8_t *kinds;          /* const after init; flat mode only */
    uintptr_t flat_limit;            /* const after init: granules covered, or 0 */
    _Atomic(void *) *owners;         /* const after init; flat mode only */
};

extern struct hak_region_map hak_region_map;

/* Reserves the tables; false when not even the two-level root fits. Call once,
 * before anything else here. `allow_flat` false forces two-level mode. */
bool hak_region_init(bool allow_flat);

/* The look-ups of two-level mode; also right, only slower, in flat mode. */
enum hak_kind hak_region_kind_slow(const void *address);
void *hak_region_owner_slow(const void *address);

HAK_INLINE enum hak_kind hak_region_kind(const void *address) {
    uintptr_t granule = (uintptr_t)address >> HAK_GRANULE_SHIFT;
    if (hak_unlikely(granule >= hak_region_map.flat_limit)) {
        return hak_region_kind_slow(address);
    }
    return (enum hak_kind)hak_load_relaxed(&hak_region_map.kinds[granule]);
}

/* What was registered for the 2 MiB around `address`; call it only after
 * hak_region_kind() said that the address is ours. */
HAK_INLINE void *hak_region_owner(const void *address) {
    uintptr_t granule = (uintptr_t)address >> HAK_GRANULE_SHIFT;
    if (hak_unlikely(granule >= hak_region_map.flat_limit)) {
        return hak_region_owner_slow(address);
    }
    return hak_load_relaxed(&hak_region_map.owners[(uintptr_t)address >> HAK_SUPERSLAB_SHIFT]);
}

/* Makes room in the tables for a range (aligned to 2 MiB at its start) and
 * records its owner at its first 2 MiB. False, with nothing changed, when
 * there is no memory for a leaf. */
bool hak_region_register(const void *address, size_t size_bytes, void *owner);

/* Forgets the owner. The kinds must be NONE again. */
void hak_region_unregister(const void *address);

/* Sets the kind of `count` granules from `address` on, in a registered range. */
void hak_region_set_kind(const void *address, size_t count, enum hak_kind kind);

/* Sets one granule from `kind` to NONE, in one step; false when it was another:
 * of two threads that free the same block one fails. */
bool hak_region_take_kind(const void *address, enum hak_kind kind);

/* For fork. */
void hak_region_lock(void);
void hak_region_unlock(void);
void hak_region_reset_in_child(void);

#endif
