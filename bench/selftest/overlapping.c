/* SPDX-License-Identifier: MIT */
/*
 * An allocator that is broken on purpose, to show that hakmem-bench notices:
 * after a while it hands out one block twice. Preloaded by bench's tests only.
 * HAK_BENCH_BREAK chooses how: "overlap" (the default), "null" or "crash".
 */
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

void *__libc_malloc(size_t size_bytes);
void *malloc(size_t size_bytes);

#define BREAK_AT 5000u
#define WATCHED_BYTES 64u

static atomic_uint call_count;
static _Atomic(void *) previous;

static void *broken(void) {
    const char *how = getenv("HAK_BENCH_BREAK");
    if (how != NULL && strcmp(how, "null") == 0)
        return NULL;
    if (how != NULL && strcmp(how, "crash") == 0)
        raise(SIGSEGV);
    /* relaxed: any block handed out before will do. */
    return atomic_load_explicit(&previous, memory_order_relaxed);
}

void *malloc(size_t size_bytes) {
    if (size_bytes != WATCHED_BYTES)
        return __libc_malloc(size_bytes);
    /* relaxed: only a count. */
    if (atomic_fetch_add_explicit(&call_count, 1, memory_order_relaxed) == BREAK_AT)
        return broken();
    void *block = __libc_malloc(size_bytes);
    atomic_store_explicit(&previous, block, memory_order_relaxed);
    return block;
}
