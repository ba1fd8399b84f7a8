/* SPDX-License-Identifier: MIT */
/* The reports of misuse, and that only one thread gives one. */
#include "base/panic.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "support/child.h"
#include "support/threads.h"

static struct test_child child;

struct misuse {
    enum hak_misuse what;
    size_t stride_bytes;
};

static void commit(void *p) {
    const struct misuse *m = p;
    hak_misuse(m->what, (void *)0x123450, m->stride_bytes, "free");
}

static void expect_text(enum hak_misuse what, size_t stride, const char *first_lines) {
    struct misuse m = {what, stride};
    test_child_run(&child, commit, &m);
    cr_assert_eq(child.signal, SIGABRT);
    cr_assert_eq(strncmp(child.text, first_lines, strlen(first_lines)), 0, "it said: %s",
                 child.text);
}

Test(panic, foreign_pointer) {
    expect_text(HAK_MISUSE_FOREIGN_POINTER, 0,
                "hakmem: foreign pointer: hakmem did not give it out, or took it back\n  block 0x123450, found in "
                "free by thread ");
}

Test(panic, interior_pointer) {
    expect_text(HAK_MISUSE_INTERIOR_POINTER, 0,
                "hakmem: pointer is not the start of a block\n  block 0x123450, found in free by "
                "thread ");
}

Test(panic, double_free_names_the_class) {
    expect_text(HAK_MISUSE_DOUBLE_FREE, 192,
                "hakmem: double free: the block is free already\n  block 0x123450 of the class of "
                "192 bytes, found in free by thread ");
}

static void commit_in_thread(void *p, uint32_t index) {
    struct misuse *m = p;
    (void)index;
    commit(m);
}

static void commit_in_threads(void *p) {
    test_threads_run(8, commit_in_thread, p);
}

Test(panic, of_threads_that_fail_at_once_one_reports, .timeout = 60) {
    struct misuse m = {HAK_MISUSE_DOUBLE_FREE, 64};
    for (int round = 0; round < 10; round++) {
        test_child_run(&child, commit_in_threads, &m);
        cr_assert_eq(child.signal, SIGABRT);
        char *first = strstr(child.text, "hakmem: double free");
        cr_assert_not_null(first);
        cr_assert_null(strstr(first + 1, "hakmem: double free"), "two reports: %s", child.text);
    }
}

static void commit_while_reporting(void *p) {
    alarm(5);
    hak_panic_begin();
    commit(p);
}

Test(panic, in_its_own_report_ends_at_once) {
    struct misuse m = {HAK_MISUSE_DOUBLE_FREE, 64};
    test_child_run(&child, commit_while_reporting, &m);
    cr_assert_eq(child.signal, SIGABRT, "signal %d", child.signal);
    cr_assert_str_eq(child.text, "hakmem: failed again while it reported; this is all\n");
}

static void set_badly(void *unused) {
    (void)unused;
    hak_bad_setting("HAKMEM_X", "y", "a or b");
}

Test(panic, bad_setting_is_one_line_and_status_2) {
    test_child_run(&child, set_badly, NULL);
    cr_assert_eq(child.exit_code, 2);
    cr_assert_str_eq(child.text, "hakmem: HAKMEM_X is 'y'; it takes a or b\n");
}
