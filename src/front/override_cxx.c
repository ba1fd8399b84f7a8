/* SPDX-License-Identifier: MIT */
/* C++'s operator new and delete in all forms, in C. Layer 7.
 *
 * Written in C so that a C program preloaded with hakmem does not load
 * libstdc++. What they need of it when memory has run out is found by
 * override_cxx_runtime.c. The names are the Itanium C++ ABI's manglings for LP64. */
#include <stddef.h>
#include <stdint.h>

#include "front/fast.h"
#include "front/override_cxx.h"
#include "hakmem.h"

static HAK_NOINLINE void *new_slow(size_t size, size_t alignment) {
    void *block = hak_cxx_new_or_null(size, alignment);
    if (block == NULL) {
        hak_cxx_fail();
    }
    return block;
}

static inline void *new_plain(size_t size) {
    void *block = hak_fast_malloc(size);
    return hak_likely(block != NULL) ? block : new_slow(size, 0);
}

/* name: the mangled symbol; NEW(size), NEW(size, nothrow), ... */
#define NEW(id, mangled)                                                                           \
    HAK_API void *hak_cxx_##id(size_t size) __asm__(mangled);                                      \
    HAK_API void *hak_cxx_##id(size_t size) {                                                      \
        return new_plain(size);                                                                    \
    }
#define NEW_NOTHROW(id, mangled)                                                                   \
    HAK_API void *hak_cxx_##id(size_t size, const void *nothrow) __asm__(mangled);                 \
    HAK_API void *hak_cxx_##id(size_t size, const void *nothrow) {                                 \
        (void)nothrow;                                                                             \
        void *block = hak_fast_malloc(size);                                                       \
        return hak_likely(block != NULL) ? block : hak_cxx_nothrow_new(size, 0);                    \
    }
#define NEW_ALIGNED(id, mangled)                                                                   \
    HAK_API void *hak_cxx_##id(size_t size, size_t alignment) __asm__(mangled);                    \
    HAK_API void *hak_cxx_##id(size_t size, size_t alignment) {                                    \
        return new_slow(size, alignment);                                                          \
    }
#define NEW_ALIGNED_NOTHROW(id, mangled)                                                           \
    HAK_API void *hak_cxx_##id(size_t size, size_t alignment, const void *nothrow)                 \
        __asm__(mangled);                                                                          \
    HAK_API void *hak_cxx_##id(size_t size, size_t alignment, const void *nothrow) {               \
        (void)nothrow;                                                                             \
        return hak_cxx_nothrow_new(size, alignment);                                                \
    }

NEW(new, "_Znwm")
NEW(new_array, "_Znam")
NEW_NOTHROW(new_nothrow, "_ZnwmRKSt9nothrow_t")
NEW_NOTHROW(new_array_nothrow, "_ZnamRKSt9nothrow_t")
NEW_ALIGNED(new_aligned, "_ZnwmSt11align_val_t")
NEW_ALIGNED(new_array_aligned, "_ZnamSt11align_val_t")
NEW_ALIGNED_NOTHROW(new_aligned_nothrow, "_ZnwmSt11align_val_tRKSt9nothrow_t")
NEW_ALIGNED_NOTHROW(new_array_aligned_nothrow, "_ZnamSt11align_val_tRKSt9nothrow_t")

#define DELETE(id, mangled)                                                                        \
    HAK_API void hak_cxx_##id(void *block) __asm__(mangled);                                       \
    HAK_API void hak_cxx_##id(void *block) {                                                       \
        hak_fast_free(block);                                                                      \
    }
/* One more argument that says nothing new: nothrow, or an alignment. */
#define DELETE_1(id, mangled)                                                                      \
    HAK_API void hak_cxx_##id(void *block, uintptr_t unused) __asm__(mangled);                     \
    HAK_API void hak_cxx_##id(void *block, uintptr_t unused) {                                     \
        (void)unused;                                                                              \
        hak_fast_free(block);                                                                      \
    }
#define DELETE_2(id, mangled)                                                                      \
    HAK_API void hak_cxx_##id(void *block, uintptr_t unused, const void *nothrow)                  \
        __asm__(mangled);                                                                          \
    HAK_API void hak_cxx_##id(void *block, uintptr_t unused, const void *nothrow) {                \
        (void)unused;                                                                              \
        (void)nothrow;                                                                             \
        hak_fast_free(block);                                                                      \
    }
#define DELETE_SIZED(id, mangled)                                                                  \
    HAK_API void hak_cxx_##id(void *block, size_t size) __asm__(mangled);                          \
    HAK_API void hak_cxx_##id(void *block, size_t size) {                                          \
        hak_free_sized(block, size);                                                               \
    }
#define DELETE_SIZED_ALIGNED(id, mangled)                                                          \
    HAK_API void hak_cxx_##id(void *block, size_t size, size_t alignment) __asm__(mangled);        \
    HAK_API void hak_cxx_##id(void *block, size_t size, size_t alignment) {                        \
        hak_free_aligned_sized(block, alignment, size);                                            \
    }

DELETE(delete, "_ZdlPv")
DELETE(delete_array, "_ZdaPv")
DELETE_1(delete_nothrow, "_ZdlPvRKSt9nothrow_t")
DELETE_1(delete_array_nothrow, "_ZdaPvRKSt9nothrow_t")
DELETE_1(delete_aligned, "_ZdlPvSt11align_val_t")
DELETE_1(delete_array_aligned, "_ZdaPvSt11align_val_t")
DELETE_2(delete_aligned_nothrow, "_ZdlPvSt11align_val_tRKSt9nothrow_t")
DELETE_2(delete_array_aligned_nothrow, "_ZdaPvSt11align_val_tRKSt9nothrow_t")
DELETE_SIZED(delete_sized, "_ZdlPvm")
DELETE_SIZED(delete_array_sized, "_ZdaPvm")
DELETE_SIZED_ALIGNED(delete_sized_aligned, "_ZdlPvmSt11align_val_t")
DELETE_SIZED_ALIGNED(delete_array_sized_aligned, "_ZdaPvmSt11align_val_t")
