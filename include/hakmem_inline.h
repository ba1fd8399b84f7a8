/* SPDX-License-Identifier: MIT */
/**
 * @file hakmem_inline.h
 * hak_malloc() and hak_free() with their fast paths inlined into the caller, for
 * programs that link the static release library (libhakmem.a, hakmem::static).
 *
 * A hit in the calling thread's cache costs no call: nine instructions for a malloc
 * of a constant size, fifteen for a free (x86-64, gcc 12). Everything else calls
 * hak_malloc() or hak_free(), so both kinds of calls may be mixed at will, and the
 * contracts of hakmem.h hold: errors, ownership, thread safety, what ends the program.
 *
 * The layouts below are the library's own, and checked against it when it is
 * built. A program that is linked with another library than the static release
 * library of the same layout does not link: `hak_inline_abi_1` is undefined. In
 * particular the checked library has none, because nothing inlined is checked.
 *
 * Needs GCC or Clang. Without optimisation it is right, and slower than a call.
 */
#ifndef HAKMEM_INLINE_H
#define HAKMEM_INLINE_H

#include "hakmem.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The library's variables, by the names and types that it has them under. What
 * they point at is read through types that may alias any other. */
struct hak_tcache;
struct hak_region_map;
#define HAK_INLINE_HIDDEN __attribute__((visibility("hidden")))
extern HAK_INLINE_HIDDEN __thread struct hak_tcache *hak_tls
    __attribute__((tls_model("initial-exec")));
extern HAK_INLINE_HIDDEN struct hak_region_map hak_region_map;
extern HAK_INLINE_HIDDEN const uint8_t hak_kind_by_eighth[];
extern HAK_INLINE_HIDDEN void *(*const hak_inline_abi_1)(size_t);

/* Keeps the reference to the library's layout in every object that includes this,
 * but for the library's own, which defines it in release builds only. */
#ifndef HAK_INLINE_LAYOUT_ONLY
__attribute__((used)) static const void *const hak_inline_abi = &hak_inline_abi_1;
#endif

/* A cache of blocks of one kind; a thread's are an array, by kind. `top[-1]` is
 * the block pushed last, or NULL; at `top == end` there is no room. */
struct __attribute__((may_alias)) hak_inline_bin {
    void **top, **end;
};

/* The region map: a byte for each 64 KiB of the address space below the limit. */
struct __attribute__((may_alias)) hak_inline_map {
    const uint8_t *kinds;
    uintptr_t granule_limit;
};

enum {
    HAK_INLINE_TABLE_MAX_BYTES = 1024,   /* above, the class is computed */
    HAK_INLINE_CLASS_MAX_BYTES = 32768,  /* above, there are no caches */
    HAK_INLINE_GRANULE_SHIFT = 16
};

/* The kind of a size up to HAK_INLINE_CLASS_MAX_BYTES, in arithmetic that compilers
 * fold when the size is a constant. */
static inline __attribute__((always_inline)) size_t hak_inline_kind(size_t size_bytes) {
    if (size_bytes <= 8)
        return 1;
    if (size_bytes <= 128)
        return 1 + (size_bytes + 15) / 16;
    unsigned top = 63u - (unsigned)__builtin_clzll(size_bytes - 1);
    return 10 + (size_t)(top - 7) * 4 + ((size_bytes - 1) >> (top - 2) & 3);
}

static inline __attribute__((always_inline)) struct hak_inline_bin *hak_inline_bins(void) {
    return (struct hak_inline_bin *)(void *)hak_tls;
}

/** hak_malloc(), inlined. */
static inline __attribute__((always_inline, malloc, warn_unused_result)) void *
hak_malloc_inline(size_t size_bytes) {
    size_t kind;
    if (__builtin_constant_p(size_bytes) && size_bytes <= HAK_INLINE_CLASS_MAX_BYTES)
        kind = hak_inline_kind(size_bytes);
    else if (__builtin_expect(size_bytes <= HAK_INLINE_TABLE_MAX_BYTES, 1))
        kind = hak_kind_by_eighth[(size_bytes + 7) >> 3];
    else
        return hak_malloc(size_bytes);
    struct hak_inline_bin *bin = &hak_inline_bins()[kind];
    void **top = __atomic_load_n(&bin->top, __ATOMIC_RELAXED);
    void *block = top[-1];
    if (__builtin_expect(block == NULL, 0))
        return hak_malloc(size_bytes);
    __atomic_store_n(&bin->top, top - 1, __ATOMIC_RELAXED);
    return block;
}

/** hak_free(), inlined. */
static inline __attribute__((always_inline)) void hak_free_inline(void *block) {
    const struct hak_inline_map *map = (const struct hak_inline_map *)(void *)&hak_region_map;
    uintptr_t granule = (uintptr_t)block >> HAK_INLINE_GRANULE_SHIFT;
    if (__builtin_expect(granule < map->granule_limit, 1)) {
        struct hak_inline_bin *bin =
            &hak_inline_bins()[__atomic_load_n(&map->kinds[granule], __ATOMIC_RELAXED)];
        void **top = __atomic_load_n(&bin->top, __ATOMIC_RELAXED);
        if (__builtin_expect(top != bin->end, 1)) {
            *top = block;
            /* After the block: a fork's child sees it in the cache, or not, and no other. */
            __atomic_store_n(&bin->top, top + 1, __ATOMIC_RELEASE);
            return;
        }
    }
    hak_free(block);
}

#ifdef __cplusplus
}
#endif
#endif /* HAKMEM_INLINE_H */
