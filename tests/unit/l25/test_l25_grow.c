/* SPDX-License-Identifier: MIT */
/* When shards double: the pure policy. */
#include "l25/l25_grow.h"

#include <criterion/criterion.h>

#include "support/expect.h"
#include "support/random.h"

static const struct hak_l25_grow initial = HAK_L25_GROW_INIT;

Test(l25_grow, starts_with_one_shard) {
    struct hak_l25_grow grow = initial;
    cr_assert_eq(hak_l25_grow_shard_count(&grow), 1);
}

Test(l25_grow, uncontended_acquisitions_never_grow) {
    struct hak_l25_grow grow = initial;
    for (int i = 0; i < 100000; i++) {
        expect(!hak_l25_grow_note(&grow, false), "at %d", i);
    }
}

Test(l25_grow, failures_in_one_window_grow_at_the_threshold) {
    for (uint32_t gap = 0; (gap + 1) * HAK_L25_GROW_FAILURES <= HAK_L25_GROW_WINDOW; gap++) {
        struct hak_l25_grow grow = initial;
        for (uint32_t f = 1; f <= HAK_L25_GROW_FAILURES; f++) {
            for (uint32_t i = 0; i < gap; i++) {
                expect(!hak_l25_grow_note(&grow, false), "gap %u after %u failures", gap, f);
            }
            bool told = hak_l25_grow_note(&grow, true);
            expect(told == (f == HAK_L25_GROW_FAILURES), "gap %u, failure %u: %d", gap, f, told);
        }
    }
}

/* One failure fewer than needed in each window: never, however long. */
Test(l25_grow, failures_of_different_windows_do_not_add_up) {
    struct hak_l25_grow grow = initial;
    for (int window = 0; window < 1000; window++) {
        for (uint32_t i = 0; i < HAK_L25_GROW_WINDOW; i++) {
            expect(!hak_l25_grow_note(&grow, i < HAK_L25_GROW_FAILURES - 1), "window %d", window);
        }
    }
}

Test(l25_grow, doubles_to_the_bound_and_stays) {
    for (uint32_t bound = 1; bound <= 200; bound++) {
        struct hak_l25_grow grow = initial;
        uint32_t most = 1;
        while (most < bound && most < HAK_L25_SHARD_COUNT_MAX) {
            most *= 2;
        }
        for (uint32_t count = 1, i = 0; i < 12; i++) {
            hak_l25_grow_double(&grow, bound);
            count = 2 * count <= most ? 2 * count : count;
            expect(hak_l25_grow_shard_count(&grow) == count, "bound %u: %u, not %u", bound,
                   hak_l25_grow_shard_count(&grow), count);
        }
        expect(hak_l25_grow_shard_count(&grow) == most, "bound %u", bound);
    }
}

Test(l25_grow, doubling_starts_a_new_window) {
    struct hak_l25_grow grow = initial;
    while (!hak_l25_grow_note(&grow, true)) {
    }
    hak_l25_grow_double(&grow, 64);
    for (uint32_t f = 1; f < HAK_L25_GROW_FAILURES; f++) {
        expect(!hak_l25_grow_note(&grow, true), "failure %u", f);
    }
    cr_assert(hak_l25_grow_note(&grow, true));
}
