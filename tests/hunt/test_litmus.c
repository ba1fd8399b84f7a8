/* SPDX-License-Identifier: MIT */
/* The memory model, by its outcomes: over all schedules and stale loads, an outcome that C11
 * forbids must not occur, and each that it allows must, except those the engine says it leaves out
 * (load buffering, stores that take effect out of order). */
#include "litmus.h"
#include "support.h"

#include <string.h>

#define ALL 255u

struct litmus {
    const char *name;
    unsigned forbidden[4]; /* 9999 ends the list */
    unsigned weak;         /* one that only a weak machine shows, and must occur here; 9999: none */
    unsigned total;        /* different outcomes */
};

#define NONE 9999u

static const struct litmus tests[] = {
    {"litmus-mp-relaxed", {NONE}, 1000, 4},
    {"litmus-mp-release", {1000, NONE}, NONE, 3},
    {"litmus-mp-release-only", {NONE}, 1000, 4},
    {"litmus-mp-acquire-only", {NONE}, 1000, 4},
    {"litmus-mp-fences", {1000, NONE}, NONE, 3},
    {"litmus-mp-fence-acquire", {1000, NONE}, NONE, 3},
    {"litmus-release-sequence", {2000, NONE}, 1000, 5},
    {"litmus-release-sequence-broken", {1000, NONE}, 2000, 5},
    {"litmus-sb-relaxed", {NONE}, 0, 4},
    {"litmus-sb-seq-cst", {0, NONE}, NONE, 3},
    {"litmus-sb-fences", {0, NONE}, NONE, 3},
    {"litmus-sb-one-fence", {NONE}, 0, 4},
    {"litmus-sb-exchange", {0, NONE}, NONE, 3},
    {"litmus-coherence", {1000, 2000, 2100, NONE}, NONE, 6},
    {"litmus-own-store", {0, NONE}, NONE, 2},
    {"litmus-iriw-acquire", {NONE}, 1010, 16},
    {"litmus-iriw-seq-cst", {1010, NONE}, NONE, 15},
    {"litmus-wrc", {1100, NONE}, NONE, 5},
    {"litmus-rmw", {0, 1100, NONE}, NONE, 2},
};

static bool occurred(unsigned outcome) {
    for (unsigned i = 0; i < litmus_outcome_count; i++)
        if (litmus_outcomes[i] == outcome)
            return true;
    return false;
}

static unsigned long long run(const struct litmus *litmus, bool every_order) {
    struct hunt_result result;
    test_every_order = every_order;
    litmus_outcome_count = 0;
    test_exhaust(litmus->name, ALL, ALL, &result);
    test_expect(!result.found, "%s: found '%s'", litmus->name, result.failing.finding.text);
    for (unsigned i = 0; litmus->forbidden[i] != NONE; i++)
        test_expect(!occurred(litmus->forbidden[i]), "%s: forbidden outcome %04u", litmus->name,
                    litmus->forbidden[i]);
    test_expect(litmus->weak == NONE || occurred(litmus->weak), "%s: outcome %04u does not occur",
                litmus->name, litmus->weak);
    test_expect(litmus_outcome_count == litmus->total, "%s: %u outcomes, not %u", litmus->name,
                litmus_outcome_count, litmus->total);
    printf("%-32s %7llu schedules, outcomes:", litmus->name, (unsigned long long)result.schedules);
    for (unsigned i = 0; i < litmus_outcome_count; i++)
        printf(" %04u", litmus_outcomes[i]);
    putchar('\n');
    return (unsigned long long)result.schedules;
}

int main(int argc, char **argv) {
    test_open(argc, argv);
    unsigned long long all = 0, some = 0;
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {
        all += run(&tests[i], true);
        some += run(&tests[i], false); /* leaves out schedules, but no outcome */
    }
    test_expect(some < all, "leaving out orders leaves out nothing: %llu of %llu", some, all);
    return test_close();
}
