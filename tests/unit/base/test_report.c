/* SPDX-License-Identifier: MIT */
/* The report of a broken invariant: names, equation, values, place. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "support/child.h"

static struct test_child child;

static uint32_t twice(uint32_t a, uint32_t b) {
    return a + b;
}

static void break_with_values(void *p) {
    const uint32_t cells[2] = {7, 0xABC};
    uint32_t index = *(const uint32_t *)p;
    hak_assert(index == 0, SLAB_CONSERVATION, index, twice(index, 1), cells[1], (uintptr_t)65536);
}

Test(report, names_the_invariant_and_every_value) {
    uint32_t index = 3;
    test_child_run(&child, break_with_values, &index);
    cr_assert_eq(child.signal, SIGABRT);
    const char *const expected[] = {
        "hakmem: invariant SLAB_CONSERVATION broken (slab)\n",
        hak_invariant_rows[HAK_INV_SLAB_CONSERVATION].equation,
        hak_invariant_rows[HAK_INV_SLAB_CONSERVATION].meaning,
        "check: index == 0 at ",
        "test_report.c:",
        "value: index = 3 (0x3)\n",
        "value: twice(index, 1) = 4 (0x4)\n",
        "value: cells[1] = 2748 (0xabc)\n",
        "value: (uintptr_t)65536 = 65536 (0x10000)\n",
        "backtrace",
        "last events",
    };
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        cr_assert_not_null(strstr(child.text, expected[i]), "'%s' is not in: %s", expected[i],
                           child.text);
    }
}

Test(report, a_condition_that_holds_says_nothing) {
    uint32_t index = 0;
    test_child_run(&child, break_with_values, &index);
    cr_assert_eq(child.exit_code, 0);
    cr_assert_str_empty(child.text);
}

static void break_with_one_value(void *p) {
    hak_assert(p != NULL, LOCK_HELD, (uintptr_t)p, 0);
}

Test(report, padding_values_are_not_shown) {
    test_child_run(&child, break_with_one_value, NULL);
    cr_assert_eq(child.signal, SIGABRT);
    char *first = strstr(child.text, "  value: ");
    cr_assert_not_null(first);
    cr_assert_null(strstr(first + 1, "  value: "), "%s", child.text);
}
