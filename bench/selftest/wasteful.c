/* SPDX-License-Identifier: MIT */
/*
 * An allocator that is worse on purpose, to show that the gate fails when it
 * should: glibc's, with every request four times as large, its pages touched,
 * and a hundred more instructions a call. Preloaded by bench's tests only.
 */
#include <stddef.h>

void *__libc_malloc(size_t size_bytes);
void *malloc(size_t size_bytes);

#define FACTOR 4u
#define EXTRA_STEPS 100u
#define OS_PAGE_BYTES 4096u

void *malloc(size_t size_bytes) {
    volatile unsigned steps = 0;
    while (steps < EXTRA_STEPS)
        steps = steps + 1;
    char *block = __libc_malloc(size_bytes * FACTOR);
    for (size_t at = 0; block != NULL && at < size_bytes * FACTOR; at += OS_PAGE_BYTES)
        ((volatile char *)block)[at] = 0;
    return block;
}
