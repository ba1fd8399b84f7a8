/* SPDX-License-Identifier: MIT */
/* The region map: see region_map.h. Layer 2. */
#include "region/region_map.h"

#include "base/check.h"
#include "base/lock.h"
#include "os/os_memory.h"

struct hak_region_map hak_region_map;

enum {
    LEAF_SHIFT = 30, /* a leaf covers 1 GiB */
    LEAF_GRANULES = 1 << (LEAF_SHIFT - HAK_GRANULE_SHIFT),
    LEAF_OWNERS = 1 << (LEAF_SHIFT - HAK_SUPERSLAB_SHIFT),
    LIMIT_PARTS_MIN = 32, /* flat tables may take one of these of what the process may have */
};

#define ROOT_LENGTH ((size_t)1 << (HAK_ADDRESS_BITS - LEAF_SHIFT))
#define FLAT_GRANULES ((uintptr_t)1 << (HAK_ADDRESS_BITS - HAK_GRANULE_SHIFT))
#define FLAT_OWNERS ((uintptr_t)1 << (HAK_ADDRESS_BITS - HAK_SUPERSLAB_SHIFT))

/* Two-level mode: what one pointer of the root leads to. Never released. */
struct hak_region_leaf {
    _Atomic uint8_t kinds[LEAF_GRANULES]; /* atomic */
    _Atomic(void *) owners[LEAF_OWNERS];  /* atomic */
};

static _Atomic(struct hak_region_leaf *) *root;
static struct hak_lock leaf_lock = HAK_LOCK_INIT(HAK_LOCK_RANK_REGION);

/* Flat tables count against a limit on address space as if they were used. */
static bool has_room_for(size_t tables_size_bytes) {
    return tables_size_bytes <= hak_os_space_limit_bytes() / LIMIT_PARTS_MIN;
}

bool hak_region_init(bool allow_flat) {
    size_t kinds_size = FLAT_GRANULES, owners_size = FLAT_OWNERS * sizeof(void *);
    bool flat = allow_flat && has_room_for(kinds_size + owners_size);
    char *tables = flat ? hak_os_reserve_sparse(kinds_size + owners_size) : NULL;
    if (tables != NULL) {
        hak_region_map.kinds = (_Atomic uint8_t *)tables;
        hak_region_map.owners = (_Atomic(void *) *)(void *)(tables + kinds_size);
        hak_region_map.flat_limit = FLAT_GRANULES;
        return true;
    }
    root = hak_os_reserve_sparse(ROOT_LENGTH * sizeof *root);
    hak_region_map.flat_limit = 0;
    return root != NULL;
}

/* The leaf that covers an address, or NULL: not ours, or no user address. */
static struct hak_region_leaf *leaf_of(uintptr_t address) {
    size_t index = address >> LEAF_SHIFT;
    if (root == NULL || index >= ROOT_LENGTH) {
        return NULL;
    }
    /* R1: acquire pairs with R2 and shows the leaf's zeroes. */
    return hak_load_acquire(&root[index]);
}

static _Atomic uint8_t *kind_cell(uintptr_t address) {
    uintptr_t granule = address >> HAK_GRANULE_SHIFT;
    if (granule < hak_region_map.flat_limit) {
        return &hak_region_map.kinds[granule];
    }
    struct hak_region_leaf *leaf = leaf_of(address);
    return leaf == NULL ? NULL : &leaf->kinds[granule % LEAF_GRANULES];
}

static _Atomic(void *) *owner_cell(uintptr_t address) {
    if (address >> HAK_GRANULE_SHIFT < hak_region_map.flat_limit) {
        return &hak_region_map.owners[address >> HAK_SUPERSLAB_SHIFT];
    }
    struct hak_region_leaf *leaf = leaf_of(address);
    return leaf == NULL ? NULL : &leaf->owners[(address >> HAK_SUPERSLAB_SHIFT) % LEAF_OWNERS];
}

enum hak_kind hak_region_kind_slow(const void *address) {
    _Atomic uint8_t *cell = kind_cell((uintptr_t)address);
    return cell == NULL ? HAK_KIND_NONE : (enum hak_kind)hak_load_relaxed(cell);
}

void *hak_region_owner_slow(const void *address) {
    _Atomic(void *) *cell = owner_cell((uintptr_t)address);
    return cell == NULL ? NULL : hak_load_relaxed(cell);
}

static bool make_leaf_locked(size_t index) {
    if (hak_load_relaxed(&root[index]) != NULL) { /* the lock orders it */
        return true;
    }
    struct hak_region_leaf *leaf =
        hak_os_reserve_sparse(sizeof(struct hak_region_leaf));
    if (leaf == NULL) {
        return false;
    }
    /* R2: release pairs with R1. */
    hak_store_release(&root[index], leaf);
    return true;
}

static bool make_leaves(uintptr_t address, size_t size_bytes) {
    bool made = true;
    hak_lock_acquire(&leaf_lock);
    for (size_t i = address >> LEAF_SHIFT; made && i <= (address + size_bytes - 1) >> LEAF_SHIFT; i++) {
        made = make_leaf_locked(i);
    }
    hak_lock_release(&leaf_lock);
    return made;
}

bool hak_region_register(const void *address, size_t size_bytes, void *owner) {
    if (hak_region_map.flat_limit == 0 && !make_leaves((uintptr_t)address, size_bytes)) {
        return false;
    }
    hak_store_relaxed(owner_cell((uintptr_t)address), owner);
    return true;
}

void hak_region_unregister(const void *address) {
    hak_store_relaxed(owner_cell((uintptr_t)address), NULL);
}

void hak_region_set_kind(const void *address, size_t count, enum hak_kind kind) {
    for (size_t i = 0; i < count; i++) {
        _Atomic uint8_t *cell = kind_cell((uintptr_t)address + (i << HAK_GRANULE_SHIFT));
        hak_assert(kind == HAK_KIND_NONE || hak_load_relaxed(cell) == HAK_KIND_NONE,
                   REGION_UNCLAIMED, (uintptr_t)address, i, kind);
        hak_store_relaxed(cell, (uint8_t)kind);
    }
}

bool hak_region_take_kind(const void *address, enum hak_kind kind) {
    uint8_t expected = (uint8_t)kind;
    /* Only who wins matters; acquire because the macro set has no weaker one. */
    return hak_cas_acquire(kind_cell((uintptr_t)address), &expected, (uint8_t)HAK_KIND_NONE);
}

void hak_region_lock(void) {
    hak_lock_acquire(&leaf_lock);
}

void hak_region_unlock(void) {
    hak_lock_release(&leaf_lock);
}

void hak_region_reset_in_child(void) {
    hak_lock_reset_in_child(&leaf_lock);
}
