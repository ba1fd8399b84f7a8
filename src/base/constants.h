/* SPDX-License-Identifier: MIT */
/* The sizes that everything else is built on (docs/ARCHITECTURE.md). Layer 0. */
#ifndef HAK_BASE_CONSTANTS_H
#define HAK_BASE_CONSTANTS_H

#include <stddef.h>
#include <stdint.h>

#define HAK_KIB ((size_t)1024)
#define HAK_MIB (1024 * HAK_KIB)

enum {
    HAK_OS_PAGE_SIZE_BYTES = 4096, /* the smallest; the kernel's may be larger */
    HAK_OS_PAGE_SHIFT = 12,
    HAK_GRANULE_SHIFT = 16,
    HAK_SUPERSLAB_SHIFT = 21,
    HAK_GRANULES_PER_SUPERSLAB = 32,
    HAK_CACHE_LINE_BYTES = 64,

    /* Size classes: 8; 16 to 128 by 16; then four per doubling to 32 KiB. */
    HAK_CLASS_LINEAR_COUNT = 9,
    HAK_CLASS_DOUBLING_COUNT = 8,
    HAK_CLASS_COUNT = HAK_CLASS_LINEAR_COUNT + 4 * HAK_CLASS_DOUBLING_COUNT,
};

#define HAK_GRANULE_SIZE_BYTES ((size_t)1 << HAK_GRANULE_SHIFT)
#define HAK_SUPERSLAB_SIZE_BYTES ((size_t)1 << HAK_SUPERSLAB_SHIFT)
#define HAK_CLASS_SIZE_MAX_BYTES ((size_t)128 << HAK_CLASS_DOUBLING_COUNT)
#define HAK_RUN_SIZE_MAX_BYTES HAK_MIB
#define HAK_SIZE_MAX_BYTES ((size_t)PTRDIFF_MAX)

_Static_assert(HAK_SUPERSLAB_SIZE_BYTES == HAK_GRANULE_SIZE_BYTES * HAK_GRANULES_PER_SUPERSLAB,
               "a SuperSlab is 32 granules: one uint32_t names them all");
_Static_assert(HAK_CLASS_COUNT < 62, "kinds must leave room for runs and mappings below 64");
_Static_assert(sizeof(void *) == 8, "hakmem is for 64-bit Linux");

/* What a granule holds, as the region map says in one byte. Kinds also index
 * the TLS cache's bins, so that free() needs one lookup for both. */
enum hak_kind {
    HAK_KIND_NONE = 0,                                  /* not ours */
    HAK_KIND_CLASS_FIRST = 1,                           /* size class c is kind c + 1 */
    HAK_KIND_CLASS_LAST = HAK_CLASS_COUNT,
    HAK_KIND_RUN = 62,                                  /* the first granule of a run */
    HAK_KIND_MAPPING = 63,                              /* the first granule of a mapping */
    HAK_KIND_INTERIOR = 61,                             /* a later granule of a run or mapping */
    HAK_KIND_COUNT = 64,
};

/* User-space addresses: what the region map must cover. */
#if defined(__x86_64__)
enum { HAK_ADDRESS_BITS = 47 };
#else
enum { HAK_ADDRESS_BITS = 48 };
#endif

#endif
