/* SPDX-License-Identifier: MIT */
/* What a report of a checked build says: values, thread, operation, backtrace,
 * and the events of all threads merged by time. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/check.h"
#include "big/big_cache.h"
#include "hakmem.h"
#include "heap/heap.h"
#include "l25/l25.h"
#include "meta/meta.h"
#include "misuse/outcome.h"
#include "region/region_map.h"
#include "superslab/pool.h"

static void *free_it(void *block) {
    fprintf(stderr, "freed %p in %ld\n", block, syscall(SYS_gettid));
    hak_free(block);
    return NULL;
}

static void free_here_and_there(void *argument) {
    pthread_t thread;
    void *block = hak_malloc(100);
    (void)argument;
    pthread_create(&thread, NULL, free_it, block);
    pthread_join(thread, NULL);
    fprintf(stderr, "again in %ld\n", syscall(SYS_gettid));
    hak_free(block);
}

/* What the misbehaving child said about itself before the report. */
struct facts {
    void *block;
    long first_thread, second_thread;
};

static struct facts read_facts(const struct test_child *child) {
    struct facts facts = {0};
    const char *freed = strstr(child->text, "freed "), *again = strstr(child->text, "again in ");
    cr_assert(freed != NULL && again != NULL, "%s", child->text);
    cr_assert_eq(sscanf(freed, "freed %p in %ld", &facts.block, &facts.first_thread), 2);
    cr_assert_eq(sscanf(again, "again in %ld", &facts.second_thread), 1);
    return facts;
}

static void expect_line(const struct test_child *child, const char *format, ...) {
    char line[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    cr_expect(outcome_said(child, line), "no '%s' in:\n%s", line, child->text);
}

Test(report, names_block_class_threads_and_call) {
    const struct test_child *child = outcome_of(free_here_and_there, NULL);
    struct facts facts = read_facts(child);
    cr_assert(child->signal == SIGABRT);
    expect_line(child, "value: (uintptr_t)block = %lu (%p)\n", (unsigned long)facts.block,
                facts.block);
    expect_line(child, "value: class_stride = 128 (0x80)\n"); /* 100 and the guard */
    expect_line(child, "value: last_changed_by_thread = %ld ", facts.first_thread & 0x3FFFFF);
    expect_line(child, "  thread %ld, operation free(block %p, size 0)\n", facts.second_thread,
                facts.block);
}

/* Both frees of the block, newest first, each under its thread. */
Test(report, merges_the_events_of_all_threads) {
    char first[128], second[128];
    const struct test_child *child = outcome_of(free_here_and_there, NULL);
    struct facts facts = read_facts(child);
    const char *events = strstr(child->text, "last events of all threads, newest first");
    cr_assert_not_null(events, "%s", child->text);
    snprintf(second, sizeof second, "thread %-7ld %-22s %p 0\n", facts.second_thread, "free",
             facts.block);
    snprintf(first, sizeof first, "thread %-7ld %-22s %p 0\n", facts.first_thread, "free",
             facts.block);
    const char *newer = strstr(events, second), *older = strstr(events, first);
    cr_assert(newer != NULL && older != NULL && newer < older, "'%s' and '%s' are not in:\n%s",
              second, first, child->text);
}

/* Each frame has a file and an offset in it, as addr2line takes them; one is the
 * function that misbehaved. Of the program itself the loader knows only what it
 * was started as. */
Test(report, has_a_backtrace) {
    const struct test_child *child = outcome_of(free_here_and_there, NULL);
    const char *frame = strstr(child->text, "  backtrace (addr2line -e FILE OFFSET");
    unsigned frames = 0;
    cr_assert_not_null(frame, "%s", child->text);
    for (frame = strstr(frame, "\n    #"); frame != NULL; frame = strstr(frame + 1, "\n    #")) {
        unsigned number;
        char file[512];
        unsigned long offset;
        cr_expect_eq(sscanf(frame, "\n    #%u %511[^+\n]+0x%lx ", &number, file, &offset), 3);
        cr_expect(number == frames && offset > 0, "frame %u of '%s' at %#lx", number, file, offset);
        frames++;
    }
    cr_assert(frames >= 4, "%u frames in:\n%s", frames, child->text);
}

static pthread_barrier_t barrier;

static void *double_free(void *unused) {
    void *block = hak_malloc(100);
    hak_free(block);
    pthread_barrier_wait(&barrier);
    hak_free(block);
    return unused;
}

static void fail_four_times_at_once(void *argument) {
    pthread_t threads[4];
    (void)argument;
    pthread_barrier_init(&barrier, NULL, 4);
    for (int i = 0; i < 4; i++) {
        pthread_create(&threads[i], NULL, double_free, NULL);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
}

Test(report, is_one_when_four_threads_fail_at_once) {
    for (int run = 0; run < 20; run++) {
        const struct test_child *child = outcome_of(fail_four_times_at_once, NULL);
        cr_assert(child->signal == SIGABRT, OUTCOME_FORMAT, OUTCOME_VALUES(child));
        cr_assert_eq(outcome_count(child, "invariant GUARD_LIVE broken"), 1, "%s", child->text);
        cr_assert_eq(outcome_count(child, "  backtrace"), 1, "%s", child->text);
    }
}

/* A failure inside of the allocator finds locks taken; the report waits for
 * none of them. */
static void fail_with_every_lock_taken(void *argument) {
    void *block = hak_malloc(100);
    (void)argument;
    hak_free(block);
    hak_heap_fork_prepare();
    hak_l25_lock();
    hak_big_cache_lock();
    hak_pool_lock();
    hak_meta_lock();
    hak_region_lock();
    hak_free(block);
}

Test(report, waits_for_no_lock) {
    const struct test_child *child = outcome_of(fail_with_every_lock_taken, NULL);
    cr_assert(child->signal == SIGABRT, OUTCOME_FORMAT, OUTCOME_VALUES(child));
    cr_assert(outcome_said(child, "invariant GUARD_LIVE broken"), "%s", child->text);
    cr_assert(outcome_said(child, "last events of all threads"), "%s", child->text);
}
