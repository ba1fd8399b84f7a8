/* SPDX-License-Identifier: MIT */
/* The memory of the map's tables; see tables.h. hak_os_reserve_sparse() asks for
 * three things in this program, told apart by their sizes. */
#include "tables.h"

#include <sys/mman.h>

#include "harness/target.h"

enum { SMALL_BYTES = 64 * 1024, LEAF_MAX = 1024 };
static const size_t FLAT_BYTES_MIN = (size_t)1 << 30;
static const size_t SMALL_AREA_BYTES = (size_t)SMALL_BYTES * LEAF_MAX;

static char *flat; /* one for the process */
static char *root; /* one for the process, cleared for each start */
static size_t root_bytes;
static char *small_area; /* leaves, one after the other */
static size_t small_count;

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
        return flat;
    }
    if (size_bytes > SMALL_BYTES) {
        root = root == NULL ? map(size_bytes) : root;
        root_bytes = size_bytes;
        return root;
    }
    small_area = small_area == NULL ? map(SMALL_AREA_BYTES) : small_area;
    if (small_count == LEAF_MAX) {
        hak_fuzz_fail("tables: more than %d leaves", LEAF_MAX);
    }
    return small_area + small_count++ * SMALL_BYTES;
}

/* Pages that were touched are few; one call drops them all. */
void region_tables_reset(void) {
    if (root != NULL) {
        madvise(root, root_bytes, MADV_DONTNEED);
    }
    if (small_count > 0) {
        madvise(small_area, small_count * SMALL_BYTES, MADV_DONTNEED);
    }
    small_count = 0;
}
