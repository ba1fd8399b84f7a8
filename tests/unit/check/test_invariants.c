/* SPDX-License-Identifier: MIT */
/* Every invariant of the catalogue can be broken, and is then reported under
 * its ID with its equation. The tests come from the catalogue itself. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>

#include "base/check.h"
#include "hakmem.h"
#include "misuse/outcome.h"
#include "unit/check/breakers.h"

static void stay_healthy(void *argument) {
    (void)argument;
    healthy_heap();
    healthy_slab();
    hak_heap_check();
}

/* The control: what every breaker starts from breaks nothing. */
Test(invariants, healthy_state_passes) {
    const struct test_child *child = outcome_of(stay_healthy, NULL);
    cr_assert(child->exit_code == 0, OUTCOME_FORMAT, OUTCOME_VALUES(child));
    cr_assert_not(outcome_said(child, "invariant"), "%s", child->text);
}

static void run_breaker(void *argument) {
    void (*const *breaker)(void) = argument;
    (*breaker)();
}

static void expect_report(enum hak_invariant id, void (*breaker)(void)) {
    const struct hak_invariant_row *row = &hak_invariant_rows[id];
    const struct test_child *child = outcome_of(run_breaker, &breaker);
    char headline[128];
    snprintf(headline, sizeof headline, "hakmem: invariant %s broken (%s)", row->id, row->module);
    cr_assert(child->signal == SIGABRT, "%s: " OUTCOME_FORMAT, row->id, OUTCOME_VALUES(child));
    cr_assert(outcome_said(child, headline), "no '%s' in:\n%s", headline, child->text);
    cr_assert(outcome_said(child, row->equation), "no '%s' in:\n%s", row->equation, child->text);
    cr_assert(outcome_said(child, row->meaning), "no '%s' in:\n%s", row->meaning, child->text);
    cr_assert(outcome_count(child, "hakmem: ") == 1, "one report, not:\n%s", child->text);
}

#define HAK_INVARIANT(id, module, when, equation, meaning)                                         \
    Test(invariants, id) {                                                                         \
        expect_report(HAK_INV_##id, break_##id);                                                   \
    }
#include "base/invariants.def"
#undef HAK_INVARIANT

#define MORE_TEST(name, id)                                                                        \
    Test(invariants, name) {                                                                       \
        expect_report(HAK_INV_##id, break_##name);                                                 \
    }
MORE_BREAKERS(MORE_TEST)
