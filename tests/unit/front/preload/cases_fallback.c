/* SPDX-License-Identifier: MIT */
/* No other malloc stands behind hakmem: the C library's own says that it holds
 * nothing, and the program break has not moved. */
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "preload.h"

/* glibc's allocator, past the interposed names. */
static struct {
    struct mallinfo2 (*info)(void);
    void *(*alloc)(size_t);
    void (*release)(void *);
} libc;

static void *libc_symbol(const char *name) {
    void *library = dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD);
    DEMAND(library != NULL);
    void *symbol = dlsym(library, name);
    DEMAND(symbol != NULL);
    return symbol;
}

static void find_libc(void) {
    libc.info = (struct mallinfo2(*)(void))(uintptr_t)libc_symbol("mallinfo2");
    libc.alloc = (void *(*)(size_t))(uintptr_t)libc_symbol("__libc_malloc");
    libc.release = (void (*)(void *))(uintptr_t)libc_symbol("__libc_free");
    DEMAND(libc.info != mallinfo2); /* ours is the interposed one */
}

static bool libc_was_used(void) {
    struct mallinfo2 info = libc.info();
    return info.arena != 0 || info.hblks != 0 || info.uordblks != 0 || info.hblkhd != 0;
}

static bool has_brk_heap(void) {
    char line[512];
    bool found = false;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (fgets(line, sizeof line, maps) != NULL) {
        found |= strstr(line, "[heap]") != NULL;
    }
    fclose(maps);
    return found;
}

/* The control: one block of glibc's own, and each of the signs shows it. */
static void demand_that_the_signs_work(void) {
    void *volatile block = libc.alloc(100);
    DEMAND(block != NULL);
    DEMAND(libc_was_used());
    DEMAND(has_brk_heap());
    libc.release(block);
}

static void use_a_lot(unsigned index) {
    for (unsigned i = 0; i < 50; i++) {
        preload_use_family(index + i);
    }
    for (size_t size = 0; size < 200000; size += 501) {
        free(preload_use(size));
    }
}

void case_no_fallback(const char *plugin) {
    (void)plugin;
    find_libc();
    const void *before = sbrk(0);
    use_a_lot(0);
    preload_in_threads(use_a_lot);
    case_libc(NULL);
    DEMAND(sbrk(0) == before);
    DEMAND(!has_brk_heap());
    DEMAND(!libc_was_used());
    demand_that_the_signs_work();
}

/* Takes blocks until there are none; returns how many there were. */
static size_t exhaust(size_t size_bytes, void **last) {
    size_t count = 0;
    for (void **block; (block = malloc(size_bytes)) != NULL; count++) {
        *block = *last;
        *last = block;
    }
    return count;
}

static void release_all(void *last) {
    while (last != NULL) {
        void *next = *(void **)last;
        free(last);
        last = next;
    }
}

/* Address space in use, and 200 MB more. */
static rlim_t a_little_more(void) {
    unsigned long pages = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    DEMAND(statm != NULL && fscanf(statm, "%lu", &pages) == 1);
    fclose(statm);
    return (rlim_t)pages * 4096 + ((rlim_t)200 << 20);
}

/* Out of address space, in every tier: NULL and ENOMEM, not somebody else's
 * memory; and all comes back for the next tier. */
void case_no_fallback_without_memory(const char *plugin) {
    static const size_t sizes[] = {4 << 20, 300000, 20000, 500, 16};
    struct rlimit limit, tight;
    (void)plugin;
    find_libc();
    const void *before = sbrk(0);
    DEMAND(getrlimit(RLIMIT_AS, &limit) == 0);
    tight = limit;
    tight.rlim_cur = a_little_more();
    DEMAND(setrlimit(RLIMIT_AS, &tight) == 0);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        void *last = NULL;
        size_t count = exhaust(sizes[i], &last);
        DEMAND(count * sizes[i] > (size_t)50 << 20); /* not one tier took it for good */
        errno = 0;
        DEMAND(malloc(sizes[i]) == NULL && errno == ENOMEM);
        errno = 0;
        DEMAND(calloc(1, sizes[i]) == NULL && errno == ENOMEM);
        release_all(last);
    }
    DEMAND(!libc_was_used() && sbrk(0) == before);
    DEMAND(setrlimit(RLIMIT_AS, &limit) == 0);
    preload_use_family(5);
    demand_that_the_signs_work();
}
