/* SPDX-License-Identifier: MIT */
/* The catalogue of invariants: complete, and each row distinct. */
#include <criterion/criterion.h>
#include <ctype.h>
#include <string.h>

#include "base/check.h"
#include "support/expect.h"

Test(catalogue, every_row_is_filled_in) {
    for (int i = 0; i < HAK_INV_COUNT; i++) {
        const struct hak_invariant_row *row = &hak_invariant_rows[i];
        expect(strlen(row->id) > 3 && strlen(row->module) > 1, "row %d", i);
        expect(strlen(row->equation) > 10 && strlen(row->meaning) > 10, "%s", row->id);
        expect(row->meaning[strlen(row->meaning) - 1] == '.', "%s: a sentence", row->id);
        expect(strcmp(row->when, "step") == 0 || strcmp(row->when, "call") == 0 ||
                   strcmp(row->when, "quiescent") == 0,
               "%s: when is '%s'", row->id, row->when);
    }
}

Test(catalogue, ids_are_distinct_and_upper_case) {
    for (int i = 0; i < HAK_INV_COUNT; i++) {
        for (const char *s = hak_invariant_rows[i].id; *s != '\0'; s++) {
            expect(isupper((unsigned char)*s) || isdigit((unsigned char)*s) || *s == '_', "%s",
                   hak_invariant_rows[i].id);
        }
        for (int k = 0; k < i; k++) {
            expect(strcmp(hak_invariant_rows[i].id, hak_invariant_rows[k].id) != 0, "%s twice",
                   hak_invariant_rows[i].id);
        }
    }
}

Test(catalogue, the_enum_and_the_rows_are_in_one_order) {
    cr_assert_str_eq(hak_invariant_rows[HAK_INV_LOCK_ORDER].id, "LOCK_ORDER");
    cr_assert_str_eq(hak_invariant_rows[HAK_INV_SLAB_ONE_PLACE].id, "SLAB_ONE_PLACE");
    cr_assert_str_eq(hak_invariant_rows[HAK_INV_COUNT - 1].id, "GUARD_SIZE");
}
