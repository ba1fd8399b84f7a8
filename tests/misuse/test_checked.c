/* SPDX-License-Identifier: MIT */
/* What only checked builds can see: overflows, writes after free, wrong sizes,
 * questions about freed blocks, frees of one block at once. Not part of a
 * release build. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "check/guard.h"
#include "misuse/misuse.h"
#include "misuse/outcome.h"

/* Tiers at the edges of their sizes: a whole class, the next one, half-full
 * blocks; a whole number of granules; a whole step of mappings. */
static size_t sizes[] = {
    0,
    1,
    8,
    16,
    24,
    64,
    100,
    1008,
    1024,
    4000,
    32768 - HAK_GUARD_SIZE_BYTES,
    32768,
    2 * 65536 - HAK_GUARD_SIZE_BYTES,
    200 * 1024,
    1 << 20,
    (1 << 20) + 1,
    (2 << 20) - HAK_GUARD_SIZE_BYTES,
    3 << 20,
};
enum { SIZE_COUNT = sizeof sizes / sizeof sizes[0] };

/* Writes one byte that the program may not write; out of the compiler's sight. */
static void poke(void *block, size_t offset_bytes) {
    ((volatile unsigned char *)block)[offset_bytes] ^= 0xFF;
}

/* --- Overflows ----------------------------------------------------------- */

static void overflow_by_1(void *size) {
    void *block = hak_malloc(*(size_t *)size);
    poke(block, *(size_t *)size);
    misuse_announce(block, "free");
    hak_free(block);
}

static void overflow_at_16(void *size) {
    void *block = hak_malloc(*(size_t *)size);
    poke(block, *(size_t *)size + 15);
    misuse_announce(block, "free");
    hak_free(block);
}

static void *free_announced(void *block) {
    misuse_announce(block, "free");
    hak_free(block);
    return NULL;
}

static void overflow_freed_elsewhere(void *size) {
    pthread_t thread;
    void *block = hak_malloc(*(size_t *)size);
    poke(block, *(size_t *)size);
    pthread_create(&thread, NULL, free_announced, block);
    pthread_join(thread, NULL);
}

static void overflow_then_realloc(void *size) {
    void *block = hak_malloc(*(size_t *)size);
    poke(block, *(size_t *)size);
    misuse_announce(block, "realloc");
    hak_realloc(block, 2 * *(size_t *)size + 5);
}

static void overflow_of_calloc(void *size) {
    void *block = hak_calloc(1, *(size_t *)size);
    poke(block, *(size_t *)size);
    misuse_announce(block, "free");
    hak_free(block);
}

static void overflow_of_aligned(void *size) {
    void *block = hak_aligned_alloc(4096, *(size_t *)size);
    poke(block, *(size_t *)size);
    misuse_announce(block, "free_sized");
    hak_free_sized(block, *(size_t *)size);
}

static void expect_for_all_sizes(void (*body)(void *), const char *message) {
    for (size_t i = 0; i < SIZE_COUNT; i++) {
        misuse_expect(body, &sizes[i], message);
    }
}

Test(overflow, by_1) {
    expect_for_all_sizes(overflow_by_1, BROKEN(GUARD_CANARY));
}

Test(overflow, at_16) {
    expect_for_all_sizes(overflow_at_16, BROKEN(GUARD_CANARY));
}

Test(overflow, freed_by_another_thread) {
    expect_for_all_sizes(overflow_freed_elsewhere, BROKEN(GUARD_CANARY));
}

Test(overflow, found_by_realloc) {
    expect_for_all_sizes(overflow_then_realloc, BROKEN(GUARD_CANARY));
}

Test(overflow, of_calloc) {
    expect_for_all_sizes(overflow_of_calloc, BROKEN(GUARD_CANARY));
}

Test(overflow, of_an_aligned_block) {
    expect_for_all_sizes(overflow_of_aligned, BROKEN(GUARD_CANARY));
}

/* --- Writes after free --------------------------------------------------- */

/* A size, and where in the block is written. */
struct late_write {
    size_t size_bytes, offset_bytes;
};

static void write_after_free(void *argument) {
    const struct late_write *late = argument;
    void *block = hak_malloc(late->size_bytes);
    hak_free(block);
    poke(block, late->offset_bytes);
    misuse_announce(block, "malloc");
    hak_malloc(late->size_bytes);
}

Test(write_after_free, is_found_at_reuse) {
    static struct late_write writes[] = {
        {1, 0},           {100, 0},       {100, 50},      {100, 99},          {100, 127},
        {1008, 500},      {32752, 32767}, {200 << 10, 0}, {200 << 10, 65535}, {3 << 20, 0},
        {3 << 20, 65535},
    };
    for (size_t i = 0; i < sizeof writes / sizeof writes[0]; i++) {
        misuse_expect(write_after_free, &writes[i], BROKEN(GUARD_FILL));
    }
}

/* The thread that got the block has ended when the write past its end is found. */
static void *allocate_and_say_who(void *unused) {
    (void)unused;
    void *block = hak_malloc(100);
    misuse_announce(block, "nothing");
    poke(block, 100);
    return block;
}

static void free_what_another_overran(void *unused) {
    pthread_t thread;
    void *block;
    (void)unused;
    pthread_create(&thread, NULL, allocate_and_say_who, NULL);
    pthread_join(thread, &block);
    hak_free(block);
}

Test(write_past_the_end, report_names_who_got_the_block_and_the_file) {
    const struct test_child *child = outcome_of(free_what_another_overran, NULL);
    long thread;
    char text[128];
    const char *said = strstr(child->text, "about to misuse ");
    cr_assert_eq(sscanf(said, "about to misuse %*x in nothing by %ld", &thread), 1);
    cr_assert_eq(child->signal, SIGABRT, OUTCOME_FORMAT, OUTCOME_VALUES(child));
    cr_assert(outcome_said(child, BROKEN(GUARD_CANARY)), "%s", child->text);
    snprintf(text, sizeof text, "allocated_by_thread = %ld (0x%lx)\n", thread & 0x3FFFFF,
             thread & 0x3FFFFF);
    cr_expect(outcome_said(child, text), "no '%s' in\n%s", text, child->text);
    cr_expect(outcome_said(child, " at src/check/guard.c:"), "%s", child->text);
}

static void *free_and_say_who(void *block) {
    misuse_announce(block, "nothing");
    hak_free(block);
    return NULL;
}

/* The thread that freed the block has ended when its write is found. */
static void write_after_free_elsewhere(void *unused) {
    pthread_t thread;
    void *block = hak_malloc(SIZE_OF_RUN);
    (void)unused;
    pthread_create(&thread, NULL, free_and_say_who, block);
    pthread_join(thread, NULL);
    poke(block, 77);
    hak_malloc(SIZE_OF_RUN);
}

Test(write_after_free, report_names_block_size_offset_and_who_freed_it) {
    const struct test_child *child = outcome_of(write_after_free_elsewhere, NULL);
    unsigned long block;
    long thread;
    char text[128];
    const char *said = strstr(child->text, "about to misuse ");
    cr_assert_eq(sscanf(said, "about to misuse %lx in nothing by %ld", &block, &thread), 2);
    cr_assert_eq(child->signal, SIGABRT, OUTCOME_FORMAT, OUTCOME_VALUES(child));
    cr_assert(outcome_said(child, BROKEN(GUARD_FILL)), "%s", child->text);
    snprintf(text, sizeof text, "(uintptr_t)block = %lu (0x%lx)\n", block, block);
    cr_expect(outcome_said(child, text), "no '%s' in\n%s", text, child->text);
    cr_expect(outcome_said(child, "written_at_offset = 77 (0x4d)\n"), "%s", child->text);
    cr_expect(outcome_said(child, "block_size = 262144 (0x40000)\n"), "%s", child->text);
    snprintf(text, sizeof text, "freed_by_thread = %ld (", thread & 0x3FFFFF);
    cr_expect(outcome_said(child, text), "no '%s' in\n%s", text, child->text);
    cr_expect(outcome_said(child, "operation malloc("), "%s", child->text);
}

/* --- Freed blocks -------------------------------------------------------- */

static void *freed_block(size_t size_bytes, const char *call) {
    void *block = hak_malloc(size_bytes);
    hak_free(block);
    misuse_announce(block, call);
    return block;
}

MISUSE(freed, realloc, NULL, BROKEN(GUARD_LIVE)) {
    hak_realloc(freed_block(SIZE_OF_CLASS, "realloc"), 50);
}

MISUSE(freed, realloc_of_run, NULL, BROKEN(GUARD_LIVE)) {
    hak_realloc(freed_block(SIZE_OF_RUN, "realloc"), 50);
}

MISUSE(freed, realloc_of_mapping, NULL, BROKEN(GUARD_LIVE)) {
    hak_realloc(freed_block(SIZE_OF_MAPPING, "realloc"), 50);
}

MISUSE(freed, usable_size, NULL, BROKEN(GUARD_LIVE)) {
    hak_malloc_usable_size(freed_block(SIZE_OF_CLASS, "malloc_usable_size"));
}

MISUSE(freed, usable_size_of_run, NULL, BROKEN(GUARD_LIVE)) {
    hak_malloc_usable_size(freed_block(SIZE_OF_RUN, "malloc_usable_size"));
}

MISUSE(freed, free_sized, NULL, BROKEN(GUARD_LIVE)) {
    hak_free_sized(freed_block(SIZE_OF_CLASS, "free_sized"), SIZE_OF_CLASS);
}

/* Never handed out at all: the block after one that was. */
MISUSE(freed, block_that_was_never_allocated, NULL, BROKEN(GUARD_LIVE)) {
    char *block = hak_malloc(SIZE_OF_CLASS);
    misuse_announce(block + 128, "free");
    hak_free(block + 128);
}

/* --- Sizes --------------------------------------------------------------- */

static void free_with_size(size_t size_bytes, size_t said_bytes) {
    void *block = hak_malloc(size_bytes);
    misuse_announce(block, "free_sized");
    hak_free_sized(block, said_bytes);
}

MISUSE(wrong_size, one_less, NULL, BROKEN(GUARD_SIZE)) {
    free_with_size(SIZE_OF_CLASS, SIZE_OF_CLASS - 1);
}

MISUSE(wrong_size, one_more, NULL, BROKEN(GUARD_SIZE)) {
    free_with_size(SIZE_OF_CLASS, SIZE_OF_CLASS + 1);
}

MISUSE(wrong_size, nothing, NULL, BROKEN(GUARD_SIZE)) {
    free_with_size(SIZE_OF_RUN, 0);
}

MISUSE(wrong_size, everything, NULL, BROKEN(GUARD_SIZE)) {
    free_with_size(SIZE_OF_MAPPING, SIZE_MAX);
}

MISUSE(wrong_size, of_aligned, NULL, BROKEN(GUARD_SIZE)) {
    void *block = hak_aligned_alloc(64, SIZE_OF_CLASS);
    misuse_announce(block, "free_aligned_sized");
    hak_free_aligned_sized(block, 64, SIZE_OF_CLASS + 64);
}

MISUSE(wrong_size, alignment, NULL, BROKEN(GUARD_SIZE)) {
    char *block = hak_aligned_alloc(64, SIZE_OF_CLASS);
    size_t larger = (size_t)2 << __builtin_ctzll((uintptr_t)block);
    misuse_announce(block, "free_aligned_sized");
    hak_free_aligned_sized(block, larger, SIZE_OF_CLASS);
}

/* --- Several threads ----------------------------------------------------- */

/* The owner frees it, then another thread: in release this needs both flushed. */
static void owner_then_other(void *unused) {
    pthread_t thread;
    void *block = hak_malloc(SIZE_OF_CLASS);
    (void)unused;
    hak_free(block);
    pthread_create(&thread, NULL, free_announced, block);
    pthread_join(thread, NULL);
}

Test(double_free_checked, by_owner_then_by_another) {
    misuse_expect(owner_then_other, NULL, BROKEN(GUARD_LIVE));
}

enum { RACERS = 4 };
static pthread_barrier_t barrier;

static void *free_in_race(void *block) {
    pthread_barrier_wait(&barrier);
    hak_free(block);
    return NULL;
}

static void race_to_free(void *size) {
    pthread_t threads[RACERS];
    void *block = hak_malloc(*(size_t *)size);
    pthread_barrier_init(&barrier, NULL, RACERS);
    for (int i = 0; i < RACERS; i++) {
        pthread_create(&threads[i], NULL, free_in_race, block);
    }
    for (int i = 0; i < RACERS; i++) {
        pthread_join(threads[i], NULL);
    }
}

/* Exactly one of the frees succeeds, whatever the timing; one report. */
Test(double_free_checked, by_four_threads_at_once) {
    static size_t raced[] = {SIZE_OF_CLASS, SIZE_OF_RUN, SIZE_OF_MAPPING};
    for (int round = 0; round < 30; round++) {
        const struct test_child *child = outcome_of(race_to_free, &raced[round % 3]);
        cr_assert_eq(child->signal, SIGABRT, OUTCOME_FORMAT, OUTCOME_VALUES(child));
        cr_assert(outcome_said(child, BROKEN(GUARD_LIVE)), "%s", child->text);
        cr_assert_eq(outcome_count(child, "hakmem: "), 1, "%s", child->text);
    }
}
