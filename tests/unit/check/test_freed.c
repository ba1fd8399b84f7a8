/* SPDX-License-Identifier: MIT */
/* src/check/freed.c: who frees a run or mapping twice is told who freed it first, and
 * nobody is told so of an address that was handed out since (tests/misuse/ has the
 * plain cases). */
#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/constants.h"
#include "check/freed.h"
#include "check/guard.h"
#include "hakmem.h"
#include "misuse/misuse.h"
#include "misuse/outcome.h"

static const struct test_child *aborted(void (*body)(void *), void *argument, const char *text) {
    const struct test_child *child = outcome_of(body, argument);
    cr_assert_eq(child->signal, SIGABRT, OUTCOME_FORMAT, OUTCOME_VALUES(child));
    cr_assert(outcome_said(child, text), "no '%s': " OUTCOME_FORMAT, text, OUTCOME_VALUES(child));
    return child;
}

/* --- What the report says --------------------------------------------------- */

static void *free_elsewhere(void *block) {
    fprintf(stderr, "freed by %ld\n", syscall(SYS_gettid));
    hak_free(block);
    return NULL;
}

static void free_what_another_freed(void *size) {
    pthread_t thread;
    void *block = hak_malloc(*(size_t *)size);
    pthread_create(&thread, NULL, free_elsewhere, block);
    pthread_join(thread, NULL);
    hak_free(block);
}

Test(freed, report_names_who_freed_it_and_what_was_asked_for) {
    static size_t sizes[] = {100000, SIZE_OF_RUN, SIZE_OF_MAPPING, (size_t)3 << 30};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        long thread;
        char text[128];
        const struct test_child *child =
            aborted(free_what_another_freed, &sizes[i], BROKEN(GUARD_LIVE));
        cr_assert_eq(sscanf(strstr(child->text, "freed by "), "freed by %ld", &thread), 1);
        snprintf(text, sizeof text, "value: freed_by_thread (in free) = %ld (", thread & 0x3FFFFF);
        cr_expect(outcome_said(child, text), "no '%s' in\n%s", text, child->text);
        snprintf(text, sizeof text, "value: requested = %zu (", sizes[i]);
        cr_expect(outcome_said(child, text), "no '%s' in\n%s", text, child->text);
    }
}

static void free_what_realloc_moved(void *sizes) {
    const size_t *size = sizes;
    void *old = hak_malloc(size[0]);
    hak_malloc(size[0]); /* in its way, should it grow where it is */
    void *moved = hak_realloc(old, size[1]);
    if (moved == old) {
        fprintf(stderr, "not moved\n");
        return;
    }
    hak_free(old);
}

/* By a copy; and by mremap, whose old address is nobody's at once. */
Test(freed, report_names_the_realloc_that_moved_it) {
    static size_t sizes[][2] = {
        {SIZE_OF_RUN, 100},
        {SIZE_OF_RUN, SIZE_OF_MAPPING},
        {SIZE_OF_MAPPING, SIZE_OF_RUN},
        {SIZE_OF_MAPPING, (size_t)1 << 30},
    };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        aborted(free_what_realloc_moved, sizes[i], "value: freed_by_thread (in realloc) = ");
    }
}

/* --- What is not a double free ---------------------------------------------- */

/* Handed out again, it may be freed again; the next free is one too many. */
static void free_reused_twice(void *size) {
    void *first = hak_malloc(*(size_t *)size);
    hak_free(first);
    void *second = hak_malloc(*(size_t *)size);
    fprintf(stderr, first == second ? "the same\n" : "another\n");
    hak_free(second);
    fprintf(stderr, "once\n");
    hak_free(second);
}

Test(freed, address_may_be_freed_again_after_reuse) {
    static size_t sizes[] = {SIZE_OF_RUN, SIZE_OF_MAPPING};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        const struct test_child *child = aborted(free_reused_twice, &sizes[i], BROKEN(GUARD_LIVE));
        cr_assert(outcome_said(child, "the same\nonce\n"), "%s", child->text);
    }
}

/* Two neighbours become one: the second's address is inside of it. */
static void free_inside_of_a_run(void *unused) {
    size_t size = 2 * HAK_GRANULE_SIZE_BYTES - HAK_GUARD_SIZE_BYTES;
    (void)unused;
    char *first = hak_malloc(size), *second = hak_malloc(size);
    char *low = first < second ? first : second, *high = first < second ? second : first;
    hak_free(first);
    hak_free(second);
    char *both = hak_malloc(4 * HAK_GRANULE_SIZE_BYTES - HAK_GUARD_SIZE_BYTES);
    fprintf(stderr, high - low == 2 * (ptrdiff_t)HAK_GRANULE_SIZE_BYTES && both == low ? "inside\n"
                                                                                       : "apart\n");
    hak_free(high);
}

Test(freed, address_inside_of_a_run_is_an_interior_pointer) {
    const struct test_child *child = aborted(free_inside_of_a_run, NULL, INTERIOR);
    cr_assert(outcome_said(child, "inside\n"), "%s", child->text);
}

/* --- The table ---------------------------------------------------------------- */

/* Where memory is handed out, from a live mapping's start, and whether the note of
 * that mapping has to go. */
struct handed_out {
    ptrdiff_t from_bytes;
    size_t size_bytes;
    bool reaches_it;
};

static void ask_after_note(void *argument) {
    const struct handed_out *part = argument;
    char *block = hak_malloc(SIZE_OF_MAPPING);
    hak_freed_note(block, SIZE_OF_MAPPING, 1, "test");
    hak_freed_forget(block + part->from_bytes, part->size_bytes);
    hak_freed_refuse(block);
}

Test(freed, note_goes_with_any_range_over_its_address_and_no_other) {
    const ptrdiff_t granule = HAK_GRANULE_SIZE_BYTES, gib = (ptrdiff_t)1 << 30;
    struct handed_out parts[] = {
        {0, 1, true},
        {0, HAK_GRANULE_SIZE_BYTES, true},
        {-granule, HAK_GRANULE_SIZE_BYTES + 1, true},
        {-5 * granule, 9 * HAK_GRANULE_SIZE_BYTES, true},
        {-gib, (size_t)4 << 30, true}, /* more granules than entries */
        {-granule, HAK_GRANULE_SIZE_BYTES, false},
        {16, 16, false},
        {granule, 8 * HAK_GRANULE_SIZE_BYTES, false},
        {-2 * gib, (size_t)2 << 30, false},
        {granule, (size_t)2 << 30, false},
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        const struct test_child *child = outcome_of(ask_after_note, &parts[i]);
        cr_assert_eq(child->signal, parts[i].reaches_it ? 0 : SIGABRT, "range %zu: " OUTCOME_FORMAT,
                     i, OUTCOME_VALUES(child));
    }
}

static void free_the_last_of_many_again(void *count_and_size) {
    static void *blocks[3000];
    const size_t *count = count_and_size, *size = count + 1;
    for (size_t i = 0; i < *count; i++) {
        blocks[i] = hak_malloc(*size);
    }
    for (size_t i = 0; i < *count; i++) {
        hak_free(blocks[i]);
    }
    hak_free(blocks[*count - 1]);
}

Test(freed, the_last_is_known_whatever_was_freed_before_it) {
    static size_t counts_and_sizes[][2] = {
        {3000, 40000}, {500, SIZE_OF_RUN}, {100, SIZE_OF_MAPPING}, {40, (size_t)64 << 20}};
    for (size_t i = 0; i < sizeof counts_and_sizes / sizeof counts_and_sizes[0]; i++) {
        aborted(free_the_last_of_many_again, counts_and_sizes[i], BROKEN(GUARD_LIVE));
    }
}

/* A class's blocks have records that stay: noting them would push out what has none. */
static void ask_about_a_small_block(void *unused) {
    (void)unused;
    void *block = hak_malloc(SIZE_OF_CLASS);
    hak_freed_note(block, SIZE_OF_CLASS, 1, "test");
    hak_freed_refuse(block);
    hak_freed_refuse(NULL);
}

Test(freed, blocks_of_classes_are_not_noted) {
    const struct test_child *child = outcome_of(ask_about_a_small_block, NULL);
    cr_assert_eq(child->signal, 0, OUTCOME_FORMAT, OUTCOME_VALUES(child));
}
