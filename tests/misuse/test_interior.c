/* SPDX-License-Identifier: MIT */
/* Pointers into blocks. A class's are seen at the call in checked builds and
 * when the cache is flushed in release, a run's and a mapping's at the call. */
#include "base/size_class.h"
#include "misuse/misuse.h"

static void free_at(void *block, size_t offset_bytes, const char *call) {
    char *pointer = (char *)block + offset_bytes;
    misuse_announce(pointer, call);
    hak_free(pointer);
}

static const char *flush_or_free(void) {
    return HAK_CHECK_LEVEL >= 1 ? "free" : "flush";
}

MISUSE(interior, class_by_1, INTERIOR, INTERIOR) {
    free_at(hak_malloc(SIZE_OF_CLASS), 1, flush_or_free());
    misuse_flush(SIZE_OF_CLASS);
}

MISUSE(interior, class_by_16, INTERIOR, INTERIOR) {
    free_at(hak_malloc(SIZE_OF_CLASS), 16, flush_or_free());
    misuse_flush(SIZE_OF_CLASS);
}

/* Past the last block: what a slab of 48 bytes has left at its end. */
MISUSE(interior, behind_the_last_block, INTERIOR, INTERIOR) {
    const struct hak_class_info *info = &hak_class_infos[hak_class_of(48)];
    char *block = hak_malloc(HAK_CHECK_LEVEL >= 1 ? 32 : 48);
    char *slab = (char *)((uintptr_t)block & ~(uintptr_t)0xFFFF);
    free_at(slab, (size_t)info->block_count * info->stride_bytes, flush_or_free());
    misuse_flush(HAK_CHECK_LEVEL >= 1 ? 32 : 48);
}

MISUSE(interior, run_by_16, INTERIOR, INTERIOR) {
    free_at(hak_malloc(SIZE_OF_RUN), 16, "free");
}

MISUSE(interior, run_by_a_granule, INTERIOR, INTERIOR) {
    free_at(hak_malloc(SIZE_OF_RUN), 1 << 16, "free");
}

MISUSE(interior, run_by_two_granules_and_a_bit, INTERIOR, INTERIOR) {
    free_at(hak_malloc(SIZE_OF_RUN), (2 << 16) + 24, "free");
}

MISUSE(interior, mapping_by_16, INTERIOR, INTERIOR) {
    free_at(hak_malloc(SIZE_OF_MAPPING), 16, "free");
}

MISUSE(interior, mapping_by_a_page, INTERIOR, INTERIOR) {
    free_at(hak_malloc(SIZE_OF_MAPPING), 4096, "free");
}

static void *interior_of_run(size_t offset_bytes, const char *call) {
    char *pointer = (char *)hak_malloc(SIZE_OF_RUN) + offset_bytes;
    misuse_announce(pointer, call);
    return pointer;
}

MISUSE(interior, realloc_of_run, INTERIOR, INTERIOR) {
    hak_realloc(interior_of_run(1 << 16, "realloc"), 300 * 1024);
}

MISUSE(interior, usable_size_of_run, INTERIOR, INTERIOR) {
    hak_malloc_usable_size(interior_of_run(1 << 16, "malloc_usable_size"));
}
