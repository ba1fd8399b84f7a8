/* SPDX-License-Identifier: MIT */
/* Sleeping on a word: returns at once on another value, wakes, keeps errno. */
#include "base/futex.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <limits.h>

#include "support/threads.h"

Test(futex, another_value_does_not_sleep, .timeout = 20) {
    _Atomic uint32_t word = 1;
    errno = EXDEV;
    hak_futex_wait(&word, 0);
    cr_assert_eq(errno, EXDEV);
}

Test(futex, waking_nobody_keeps_errno) {
    _Atomic uint32_t word = 0;
    errno = EXDEV;
    hak_futex_wake(&word, 1);
    cr_assert_eq(errno, EXDEV);
}

struct gate {
    _Atomic uint32_t word;
    _Atomic uint32_t passed;
};

static void pass_gate(void *p, uint32_t index) {
    struct gate *gate = p;
    if (index == 0) {
        gate->word = 1;
        hak_futex_wake(&gate->word, INT_MAX);
        return;
    }
    while (gate->word == 0) {
        hak_futex_wait(&gate->word, 0);
    }
    gate->passed++;
}

Test(futex, sleepers_are_woken, .timeout = 60) {
    for (int round = 0; round < 200; round++) {
        struct gate gate = {0, 0};
        test_threads_run(4, pass_gate, &gate);
        cr_assert_eq(gate.passed, 3);
    }
}
