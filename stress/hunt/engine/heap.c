/* SPDX-License-Identifier: MIT */
/*
 * malloc as code under test sees it (wrapped at link time): the same addresses in every run, and no
 * block handed out twice in a schedule. libc's own malloc would order threads in ways the engine
 * does not see, and its reuse of blocks would look like races. A touch of a freed block is a
 * finding.
 */
#include "engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct header {
    size_t size_bytes;
    uint64_t state;
};

#define LIVE 0x68756e74616c6976u
#define FREED 0x68756e7466726565u
#define FILL 0xa5 /* what malloc hands out is not zero */

void *__real_malloc(size_t size_bytes);
void *__real_calloc(size_t count, size_t size_bytes);
void *__real_realloc(void *block, size_t size_bytes);
void *__real_aligned_alloc(size_t alignment, size_t size_bytes);
void __real_free(void *block);
void *__real_memcpy(void *to, const void *from, size_t size_bytes);
void *__wrap_malloc(size_t size_bytes);
void *__wrap_calloc(size_t count, size_t size_bytes);
void *__wrap_realloc(void *block, size_t size_bytes);
void *__wrap_aligned_alloc(size_t alignment, size_t size_bytes);
void __wrap_free(void *block);

/* hunt_alloc's memory is aligned to 16; the slack before an aligned block is lost. */
static void *allocate(size_t alignment, size_t size_bytes) {
    if (size_bytes > SIZE_MAX / 2 || alignment > SIZE_MAX / 4) {
        errno = ENOMEM;
        return NULL;
    }
    hunt_signature_order();
    uintptr_t memory = (uintptr_t)hunt_alloc(size_bytes + sizeof(struct header) + alignment);
    if (memory == 0) {
        errno = ENOMEM;
        return NULL;
    }
    uintptr_t block =
        (memory + sizeof(struct header) + alignment - 1) & ~(uintptr_t)(alignment - 1);
    *((struct header *)block - 1) = (struct header){size_bytes, LIVE};
    return (void *)block;
}

void *__wrap_malloc(size_t size_bytes) {
    if (!hunt_is_on())
        return __real_malloc(size_bytes);
    void *block = allocate(16, size_bytes);
    return block != NULL ? __real_memset(block, FILL, size_bytes) : NULL;
}

void *__wrap_calloc(size_t count, size_t size_bytes) {
    size_t total;
    if (!hunt_is_on())
        return __real_calloc(count, size_bytes);
    if (__builtin_mul_overflow(count, size_bytes, &total)) {
        errno = ENOMEM;
        return NULL;
    }
    return allocate(16, total); /* the arena is zero */
}

void *__wrap_aligned_alloc(size_t alignment, size_t size_bytes) {
    if (!hunt_is_on())
        return __real_aligned_alloc(alignment, size_bytes);
    void *block = allocate(alignment < 16 ? 16 : alignment, size_bytes);
    return block != NULL ? __real_memset(block, FILL, size_bytes) : NULL;
}

void __wrap_free(void *block) {
    if (!hunt_is_on() || !hunt_alloc_owns(block)) {
        __real_free(block);
        return;
    }
    struct header *header = (struct header *)block - 1;
    if (header->state != LIVE)
        hunt_fail(HUNT_MISUSE, hunt_mix(HUNT_CALLER()), "T%u frees %s", hunt.current->id,
                  header->state == FREED ? "a block for the second time"
                                         : "what malloc did not return");
    hunt_plain_access((uintptr_t)block, header->size_bytes, true, HUNT_CALLER());
    hunt_shadow_free((uintptr_t)block, header->size_bytes);
    header->state = FREED;
}

void *__wrap_realloc(void *block, size_t size_bytes) {
    if (!hunt_is_on() || (block != NULL && !hunt_alloc_owns(block)))
        return __real_realloc(block, size_bytes);
    void *bigger = __wrap_malloc(size_bytes);
    if (bigger == NULL || block == NULL)
        return bigger;
    size_t old_bytes = ((struct header *)block - 1)->size_bytes;
    size_t kept_bytes = old_bytes < size_bytes ? old_bytes : size_bytes;
    hunt_plain_access((uintptr_t)block, kept_bytes, false, HUNT_CALLER());
    __real_memcpy(bigger, block, kept_bytes);
    __wrap_free(block);
    return bigger;
}
