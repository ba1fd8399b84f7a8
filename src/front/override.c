/* SPDX-License-Identifier: MIT */
/* The standard names of the malloc family, for the drop-in libraries. Layer 7.
 * Their contracts are POSIX's and glibc's; hakmem.h says the rest. */
#include <malloc.h>
#include <stddef.h>
#include <stdlib.h>

#include "front/fast.h"
#include "hakmem.h"

/* C23's, which glibc 2.36 does not declare yet. */
HAK_API void free_sized(void *block, size_t size);
HAK_API void free_aligned_sized(void *block, size_t alignment, size_t size);

HAK_API void *malloc(size_t size) {
    return hak_fast_malloc(size);
}

HAK_API void free(void *block) {
    hak_fast_free(block);
}

HAK_API void *calloc(size_t count, size_t size) {
    return hak_calloc(count, size);
}

HAK_API void *realloc(void *block, size_t size) {
    return hak_realloc(block, size);
}

HAK_API void *reallocarray(void *block, size_t count, size_t size) {
    return hak_reallocarray(block, count, size);
}

HAK_API void *aligned_alloc(size_t alignment, size_t size) {
    return hak_aligned_alloc(alignment, size);
}

HAK_API void *memalign(size_t alignment, size_t size) {
    return hak_memalign(alignment, size);
}

HAK_API int posix_memalign(void **block_out, size_t alignment, size_t size) {
    return hak_posix_memalign(block_out, alignment, size);
}

HAK_API void *valloc(size_t size) {
    return hak_valloc(size);
}

HAK_API void *pvalloc(size_t size) {
    return hak_pvalloc(size);
}

HAK_API size_t malloc_usable_size(void *block) {
    return hak_malloc_usable_size(block);
}

HAK_API int malloc_trim(size_t keep) {
    return hak_malloc_trim(keep);
}

HAK_API struct mallinfo2 mallinfo2(void) {
    return hak_mallinfo2();
}

HAK_API void free_sized(void *block, size_t size) {
    hak_free_sized(block, size);
}

HAK_API void free_aligned_sized(void *block, size_t alignment, size_t size) {
    hak_free_aligned_sized(block, alignment, size);
}
