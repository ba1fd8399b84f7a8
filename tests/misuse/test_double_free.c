/* SPDX-License-Identifier: MIT */
/* Double frees. Checked builds name them at the call, whoever freed first;
 * release builds see a class's when both frees have been flushed, and refuse a
 * run's or mapping's at the call as foreign: nothing of theirs is left to name. */
#include <pthread.h>

#include "misuse/misuse.h"

static void free_again(void *block, const char *call) {
    misuse_announce(block, call);
    hak_free(block);
}

static const char *flush_or_free(void) {
    return HAK_CHECK_LEVEL >= 1 ? "free" : "flush";
}

/* --- The same thread ----------------------------------------------------- */

MISUSE(double_free, class_at_once, DOUBLE, BROKEN(GUARD_LIVE)) {
    void *block = hak_malloc(SIZE_OF_CLASS);
    hak_free(block);
    free_again(block, flush_or_free());
    hak_malloc_trim(0);
}

MISUSE(double_free, class_with_frees_between, DOUBLE, BROKEN(GUARD_LIVE)) {
    void *block = hak_malloc(SIZE_OF_CLASS), *others[20];
    for (int i = 0; i < 20; i++) {
        others[i] = hak_malloc(SIZE_OF_CLASS);
    }
    hak_free(block);
    for (int i = 0; i < 20; i++) {
        hak_free(others[i]);
    }
    free_again(block, flush_or_free());
    hak_malloc_trim(0);
}

/* Seen by the flush of a full cache, which comes without being asked for. */
MISUSE(double_free, class_until_flushed, DOUBLE, BROKEN(GUARD_LIVE)) {
    static void *others[4096];
    void *block = hak_malloc(SIZE_OF_CLASS);
    for (int i = 0; i < 4096; i++) {
        others[i] = hak_malloc(SIZE_OF_CLASS);
    }
    hak_free(block);
    free_again(block, flush_or_free());
    for (int i = 0; i < 4096; i++) {
        hak_free(others[i]);
    }
}

static void *free_twice(void *block) {
    hak_free(block);
    free_again(block, flush_or_free());
    return NULL;
}

/* Seen when the thread that did it ends. */
MISUSE(double_free, class_at_thread_exit, DOUBLE, BROKEN(GUARD_LIVE)) {
    pthread_t thread;
    pthread_create(&thread, NULL, free_twice, hak_malloc(SIZE_OF_CLASS));
    pthread_join(thread, NULL);
}

/* Once from the flushed slab's point of view: it is free there already. */
MISUSE(double_free, class_after_the_flush, DOUBLE, BROKEN(GUARD_LIVE)) {
    void *keeps_the_slab = hak_malloc(SIZE_OF_CLASS), *block = hak_malloc(SIZE_OF_CLASS);
    hak_free(block);
    hak_malloc_trim(0);
    free_again(block, flush_or_free());
    hak_malloc_trim(0);
    hak_free(keeps_the_slab);
}

/* Its slab went back whole meanwhile. */
MISUSE(double_free, class_after_its_slab_is_gone, FOREIGN, FOREIGN) {
    void *block = hak_malloc(SIZE_OF_CLASS);
    hak_free(block);
    hak_malloc_trim(0);
    free_again(block, "free");
}

MISUSE(double_free, largest_class, DOUBLE, BROKEN(GUARD_LIVE)) {
    void *block = hak_malloc(32000);
    hak_free(block);
    free_again(block, flush_or_free());
    hak_malloc_trim(0);
}

MISUSE(double_free, smallest_class, DOUBLE, BROKEN(GUARD_LIVE)) {
    void *block = hak_malloc(0);
    hak_free(block);
    free_again(block, flush_or_free());
    hak_malloc_trim(0);
}

MISUSE(double_free, run, FOREIGN, BROKEN(GUARD_LIVE)) {
    void *block = hak_malloc(SIZE_OF_RUN);
    hak_free(block);
    free_again(block, "free");
}

MISUSE(double_free, mapping, FOREIGN, BROKEN(GUARD_LIVE)) {
    void *block = hak_malloc(SIZE_OF_MAPPING);
    hak_free(block);
    free_again(block, "free");
}

MISUSE(double_free, mapping_after_it_is_unmapped, FOREIGN, BROKEN(GUARD_LIVE)) {
    void *block = hak_malloc(SIZE_OF_MAPPING);
    hak_free(block);
    hak_malloc_trim(0);
    free_again(block, "free");
}

MISUSE(double_free, by_realloc_to_nothing, DOUBLE, BROKEN(GUARD_LIVE)) {
    void *block = hak_malloc(SIZE_OF_CLASS);
    hak_realloc(block, 0);
    free_again(block, flush_or_free());
    hak_malloc_trim(0);
}

MISUSE(double_free, of_what_realloc_moved, DOUBLE, BROKEN(GUARD_LIVE)) {
    void *block = hak_malloc(SIZE_OF_CLASS);
    hak_realloc(block, 5000);
    free_again(block, flush_or_free());
    hak_malloc_trim(0);
}

/* The wrong free hits whoever got the block meanwhile: it is his that fails. */
MISUSE(double_free, class_after_reuse, DOUBLE, BROKEN(GUARD_LIVE)) {
    void *block = hak_malloc(SIZE_OF_CLASS);
    hak_free(block);
    void *others = hak_malloc(SIZE_OF_CLASS); /* the same block */
    hak_free(block);
    free_again(others, flush_or_free());
    hak_malloc_trim(0);
}

/* --- Other threads ------------------------------------------------------- */

static void *free_once(void *block) {
    hak_free(block);
    return NULL;
}

static void free_elsewhere(void *block) {
    pthread_t thread;
    pthread_create(&thread, NULL, free_once, block);
    pthread_join(thread, NULL);
}

static void *free_announced(void *block) {
    free_again(block, flush_or_free());
    return NULL;
}

/* Each free is a remote bit, flushed as its thread ends. */
MISUSE(double_free, class_by_two_other_threads, DOUBLE, BROKEN(GUARD_LIVE)) {
    pthread_t thread;
    void *keeps_the_slab = hak_malloc(SIZE_OF_CLASS), *block = hak_malloc(SIZE_OF_CLASS);
    free_elsewhere(block);
    pthread_create(&thread, NULL, free_announced, block);
    pthread_join(thread, NULL);
    hak_free(keeps_the_slab);
}

MISUSE(double_free, run_by_another_thread, FOREIGN, BROKEN(GUARD_LIVE)) {
    void *block = hak_malloc(SIZE_OF_RUN);
    free_elsewhere(block);
    free_again(block, "free");
}

MISUSE(double_free, mapping_by_another_thread, FOREIGN, BROKEN(GUARD_LIVE)) {
    void *block = hak_malloc(SIZE_OF_MAPPING);
    free_elsewhere(block);
    free_again(block, "free");
}
