/* SPDX-License-Identifier: MIT */
/* The memory of the map's tables; see tables.h. hak_os_reserve_sparse() asks for
 * three things in this program, told apart by their sizes. Pages stay resident from
 * one start to the next: to give them back and fault them in anew took seven tenths
 * of an execution. */
#include "tables.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "harness/pattern.h"
#include "harness/target.h"

enum { SMALL_BYTES = 64 * 1024, LEAF_MAX = 1024, PAGE_BYTES = 4096 };
enum {
    /* Resets, while fuzzing: to look at all of the tables costs more than an input. */
    LEAF_AUDIT_EVERY = 16,
    ROOT_AUDIT_EVERY = 256,
    DROP_EVERY = 4096, /* what any addresses touch in the flat tables shall not pile up */
    ROOT_PAGES_MAX = 1024,
    ROOT_ENTRY_BYTES = 8,
};
static const size_t FLAT_BYTES_MIN = (size_t)1 << 30;
static const size_t SMALL_AREA_BYTES = (size_t)SMALL_BYTES * LEAF_MAX;

static char *flat; /* one for the process */
static size_t flat_bytes;
static char *root; /* one for the process, cleared for each start */
static size_t root_bytes;
static char *small_area; /* leaves, one after the other */
static size_t small_count, leaf_bytes;

static void *map(size_t size_bytes) {
    void *p = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) {
        hak_fuzz_fail("tables: the system has no address space for %zu bytes", size_bytes);
    }
    return p;
}

void *region_reserve_sparse(size_t size_bytes) {
    if (size_bytes >= FLAT_BYTES_MIN) {
        flat = flat == NULL ? map(size_bytes) : flat;
        flat_bytes = size_bytes;
        return flat;
    }
    if (size_bytes > SMALL_BYTES) {
        root = root == NULL ? map(size_bytes) : root;
        root_bytes = size_bytes;
        return root;
    }
    small_area = small_area == NULL ? map(SMALL_AREA_BYTES) : small_area;
    leaf_bytes = size_bytes;
    if (small_count == LEAF_MAX) {
        hak_fuzz_fail("tables: more than %d leaves", LEAF_MAX);
    }
    return small_area + small_count++ * SMALL_BYTES;
}

/* --- Clearing ------------------------------------------------------------------- */

static uint64_t root_pages[ROOT_PAGES_MAX / 64]; /* those that may hold a leaf's address */

void region_tables_rooted(uint64_t first_leaf, uint64_t last_leaf) {
    uint64_t last_page = last_leaf * ROOT_ENTRY_BYTES / PAGE_BYTES;
    for (uint64_t page = first_leaf * ROOT_ENTRY_BYTES / PAGE_BYTES;
         page <= last_page && page < ROOT_PAGES_MAX; page++) {
        root_pages[page / 64] |= UINT64_C(1) << page % 64;
    }
}

static void clear_root(void) {
    for (size_t page = 0; page < ROOT_PAGES_MAX; page++) {
        if (root_pages[page / 64] == 0) {
            page |= 63; /* the next word */
        } else if ((root_pages[page / 64] >> page % 64 & 1) != 0) {
            memset(root + page * PAGE_BYTES, 0, PAGE_BYTES);
        }
    }
    memset(root_pages, 0, sizeof root_pages);
}

static void demand_zero(const char *memory, size_t size_bytes, const char *what) {
    size_t at = hak_pattern_nonzero(memory, size_bytes);
    if (at != SIZE_MAX) {
        hak_fuzz_fail("tables: byte %zu of %s is not 0, though nothing is registered", at, what);
    }
}

static void audit(void) {
    static unsigned resets;
    resets++;
    if (!hak_fuzz_is_fuzzing() || resets % LEAF_AUDIT_EVERY == 0) {
        for (size_t i = 0; i < small_count; i++) {
            demand_zero(small_area + i * SMALL_BYTES, leaf_bytes, "a leaf");
        }
    }
    if (root != NULL && (!hak_fuzz_is_fuzzing() || resets % ROOT_AUDIT_EVERY == 0)) {
        demand_zero(root, root_bytes, "the root");
    }
    if (flat != NULL && resets % DROP_EVERY == 0) {
        madvise(flat, flat_bytes, MADV_DONTNEED);
    }
}

void region_tables_reset(void) {
    if (root != NULL) {
        clear_root();
    }
    audit();
    small_count = 0;
}
