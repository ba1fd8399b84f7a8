/* SPDX-License-Identifier: MIT */
/* Event rings: what a report shows of what the threads did. */
#include "base/event_ring.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "support/child.h"
#include "support/threads.h"

static struct test_child child;

enum { SHOWN = 48 };

/* Two events of one nanosecond would be one line. */
static void pause_a_little(void) {
    const struct timespec a_little = {0, 1000};
    nanosleep(&a_little, NULL);
}

static uint32_t lines_with(const char *word) {
    uint32_t count = 0;
    for (const char *s = child.text; (s = strstr(s, word)) != NULL; s++) {
        count++;
    }
    return count;
}

static void record_three(void *unused) {
    (void)unused;
    hak_event_record("first thing", (void *)0x1000, 11);
    pause_a_little();
    hak_event_record("second thing", (void *)0x2000, 22);
    pause_a_little();
    hak_operation_enter("realloc", (void *)0x3000, 33);
    hak_report_context_checked(STDERR_FILENO);
}

Test(event_ring, report_has_operation_backtrace_and_events_newest_first) {
    test_child_run(&child, record_three, NULL);
    cr_assert_eq(child.exit_code, 0);
    cr_assert_not_null(strstr(child.text, "operation realloc(block 0x3000, size 33)"), "%s",
                       child.text);
    cr_assert_not_null(strstr(child.text, "#0 "), "no backtrace: %s", child.text);
    char *second = strstr(child.text, "second thing           0x2000 22");
    char *first = strstr(child.text, "first thing            0x1000 11");
    cr_assert(first != NULL && second != NULL && second < first, "%s", child.text);
}

static void record_many(void *unused) {
    (void)unused;
    for (uint64_t i = 0; i < 10 * HAK_EVENT_RING_LENGTH; i++) {
        hak_event_record("many", NULL, i);
        pause_a_little();
    }
    hak_report_context_checked(STDERR_FILENO);
}

Test(event_ring, a_full_ring_keeps_the_newest) {
    test_child_run(&child, record_many, NULL);
    cr_assert_eq(lines_with(" many "), SHOWN, "%s", child.text);
    cr_assert_not_null(strstr(child.text, "0x0 639\n"), "%s", child.text);
    cr_assert_null(strstr(child.text, "0x0 575\n"), "an overwritten one: %s", child.text);
}

static void record_in_thread(void *unused, uint32_t index) {
    (void)unused;
    for (uint32_t i = 0; i < 4; i++) {
        hak_event_record("of a thread", NULL, index);
        pause_a_little();
    }
    hak_event_ring_release();
}

static void record_in_threads(void *unused) {
    test_threads_run(4, record_in_thread, unused);
    hak_report_context_checked(STDERR_FILENO);
}

Test(event_ring, rings_of_all_threads_are_merged_even_of_those_that_ended) {
    test_child_run(&child, record_in_threads, NULL);
    cr_assert_eq(child.exit_code, 0);
    cr_assert_geq(lines_with("of a thread"), 15, "%s", child.text); /* equal times merge */
    for (uint32_t i = 0; i < 4; i++) {
        char number[32];
        snprintf(number, sizeof number, "0x0 %u\n", i);
        cr_assert_not_null(strstr(child.text, number), "thread %u: %s", i, child.text);
    }
}

/* Ages on the lines never fall: newest first, over all rings. */
Test(event_ring, merged_lines_are_in_order_of_time) {
    test_child_run(&child, record_in_threads, NULL);
    unsigned long last = 0;
    for (const char *s = child.text; (s = strstr(s, "\n    -")) != NULL; s++) {
        unsigned long age = strtoul(s + strlen("\n    -"), NULL, 10);
        cr_assert_geq(age, last, "%s", child.text);
        last = age;
    }
    cr_assert_gt(last, 0);
}

static void share_rings(void *unused, uint32_t index) {
    (void)unused;
    for (uint32_t i = 0; i < 2000; i++) {
        hak_event_record("shared", NULL, index);
        hak_event_ring_release();
    }
}

static void take_and_release_rings(void *unused) {
    for (int i = 0; i < 4; i++) {
        test_threads_run(16, share_rings, unused);
    }
    hak_report_context_checked(STDERR_FILENO);
}

Test(event_ring, rings_are_given_on_to_new_threads, .timeout = 60) {
    test_child_run(&child, take_and_release_rings, NULL);
    cr_assert_eq(child.exit_code, 0, "signal %d", child.signal);
    cr_assert_gt(lines_with(" shared "), 0);
}

static void hold_ring(void *p, uint32_t index) {
    (void)p;
    hak_event_record("held", NULL, index); /* never released */
}

static void use_up_rings(void *unused) {
    for (int i = 0; i < HAK_EVENT_RING_COUNT / 16 + 2; i++) {
        test_threads_run(16, hold_ring, unused);
    }
    pause_a_little();
    hak_event_record("after all are taken", NULL, 1);
    hak_report_context_checked(STDERR_FILENO);
}

Test(event_ring, more_threads_than_rings_lose_no_more_than_events, .timeout = 60) {
    test_child_run(&child, use_up_rings, NULL);
    cr_assert_eq(child.exit_code, 0, "signal %d", child.signal);
    cr_assert_not_null(strstr(child.text, "after all are taken"), "%s", child.text);
}
