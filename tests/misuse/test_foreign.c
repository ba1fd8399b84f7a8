/* SPDX-License-Identifier: MIT */
/* Pointers that hakmem never gave out: every build refuses them at the call,
 * whichever call it is. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "misuse/misuse.h"
#include "misuse/outcome.h"

static char in_data[64];
static const char in_read_only_data[] = "text";

static void *make_stack_pointer(void) {
    return __builtin_frame_address(0);
}

static void *make_errno_pointer(void) {
    return &errno;
}

static void *make_mmap_pointer(void) {
    return mmap(NULL, 4 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* Between two of our own blocks: address space that is ours, but not in use. */
static void *make_unused_granule_pointer(void) {
    char *block = hak_malloc(SIZE_OF_CLASS);
    uintptr_t superslab = (uintptr_t)block & ~(((uintptr_t)2 << 20) - 1);
    return (void *)(superslab + ((uintptr_t)31 << 16));
}

static void *make_mapping_interior(void) {
    return (char *)hak_malloc(SIZE_OF_MAPPING) + (1 << 20);
}

static void *make_glibc_pointer(void) {
    return malloc(100); /* the test program keeps the libc's malloc */
}

static void *make_function_pointer(void) {
    return (void *)(uintptr_t)&make_mmap_pointer;
}

/* A name and a pointer, or a function that makes one. */
static const struct foreign {
    const char *name;
    uintptr_t value;
    void *(*make)(void);
} foreigners[] = {
    {"stack", 0, make_stack_pointer},
    {"data", (uintptr_t)&in_data[16], NULL},
    {"read-only data", (uintptr_t)in_read_only_data, NULL},
    {"code", 0, make_function_pointer},
    {"errno", 0, make_errno_pointer},
    {"another mmap", 0, make_mmap_pointer},
    {"the libc's malloc", 0, make_glibc_pointer},
    {"a granule of ours that is not in use", 0, make_unused_granule_pointer},
    {"inside of a mapping", 0, make_mapping_interior},
    {"1", 1, NULL},
    {"NULL + 8", 8, NULL},
    {"the first granule", 0x10000, NULL},
    {"the last user address", 0x7FFFFFFFFFFF, NULL},
    {"the last aligned user address", 0x7FFFFFFFFFF0, NULL},
    {"the first that is not canonical", UINT64_C(1) << 47, NULL},
    {"not canonical", UINT64_C(0x123456789ABCDEF0), NULL},
    {"the kernel's", UINT64_C(0xFFFF800000000000), NULL},
    {"-16", (uintptr_t)-16, NULL},
    {"-1", UINTPTR_MAX, NULL},
};
enum { FOREIGNER_COUNT = sizeof foreigners / sizeof foreigners[0] };

static void *foreign_pointer(const struct foreign *foreign, const char *call) {
    void *pointer = foreign->make != NULL ? foreign->make() : (void *)foreign->value;
    misuse_announce(pointer, call);
    return pointer;
}

static void give_to_free(void *foreign) {
    hak_free(foreign_pointer(foreign, "free"));
}

static void give_to_realloc(void *foreign) {
    hak_realloc(foreign_pointer(foreign, "realloc"), 50);
}

static void give_to_reallocarray(void *foreign) {
    hak_reallocarray(foreign_pointer(foreign, "realloc"), 5, 50);
}

static void give_to_usable_size(void *foreign) {
    hak_malloc_usable_size(foreign_pointer(foreign, "malloc_usable_size"));
}

/* Release builds take sized frees for plain ones. */
static void give_to_free_sized(void *foreign) {
    hak_free_sized(foreign_pointer(foreign, HAK_CHECK_LEVEL >= 1 ? "free_sized" : "free"), 50);
}

static void give_to_free_aligned_sized(void *foreign) {
    const char *call = HAK_CHECK_LEVEL >= 1 ? "free_aligned_sized" : "free";
    hak_free_aligned_sized(foreign_pointer(foreign, call), 16, 50);
}

static void expect_all_refused(void (*give)(void *)) {
    for (size_t i = 0; i < FOREIGNER_COUNT; i++) {
        cr_log_info("%s", foreigners[i].name);
        misuse_expect(give, (void *)(uintptr_t)&foreigners[i], FOREIGN);
    }
}

Test(foreign, free) {
    expect_all_refused(give_to_free);
}

Test(foreign, realloc) {
    expect_all_refused(give_to_realloc);
}

Test(foreign, reallocarray) {
    expect_all_refused(give_to_reallocarray);
}

Test(foreign, usable_size) {
    expect_all_refused(give_to_usable_size);
}

Test(foreign, free_sized) {
    expect_all_refused(give_to_free_sized);
}

Test(foreign, free_aligned_sized) {
    expect_all_refused(give_to_free_aligned_sized);
}

static void *free_in_thread(void *pointer) {
    misuse_announce(pointer, "free");
    hak_free(pointer);
    return NULL;
}

/* The first that a thread does with hakmem; it has no heap yet. */
MISUSE(foreign, first_call_of_a_thread, FOREIGN, FOREIGN) {
    pthread_t thread;
    pthread_create(&thread, NULL, free_in_thread, in_data);
    pthread_join(thread, NULL);
}

static void free_nothing(void *unused) {
    hak_free(NULL);
    hak_free_sized(NULL, 10);
    hak_free_aligned_sized(NULL, 16, 10);
    cr_assert_eq(hak_malloc_usable_size(NULL), 0);
    hak_free(hak_realloc(unused, 10));
}

/* The control: NULL is no foreign pointer. */
Test(foreign, null_is_welcome) {
    const struct test_child *child = outcome_of(free_nothing, NULL);
    cr_assert_eq(child->exit_code, 0, OUTCOME_FORMAT, OUTCOME_VALUES(child));
}
