/* SPDX-License-Identifier: MIT */
/* The engine by what it finds and by what it must not find, and by how many schedules it counts. */
#include "support.h"

#include <string.h>

struct expectation {
    const char *name, *says;
    uint8_t failure; /* HUNT_OK: every schedule passes */
};

static const struct expectation expectations[] = {
    {"fresh-state", "", HUNT_OK},
    {"key-destructors", "destructors counted 1 of 2", HUNT_CHECK},
    {"start-join", "", HUNT_OK},
    {"start-no-join", "is not ordered with", HUNT_RACE},
    {"first-use", "", HUNT_OK},
    {"livelock", "no end after", HUNT_LIVELOCK},
    {"spin-ends", "", HUNT_OK},
    {"timed-wait", "", HUNT_OK},
    {"timed-wait-alone", "", HUNT_OK},
    {"race-own-bytes", "", HUNT_OK},
    {"race-two-readers", "", HUNT_OK},
    {"race-apart", "", HUNT_OK},
    {"race-read-write", "is not ordered with", HUNT_RACE},
    {"race-write-write", "T2's write is not ordered with T1's write", HUNT_RACE},
    {"race-byte-word", "is not ordered with", HUNT_RACE},
    {"race-atomic-plain", "atomic write", HUNT_RACE},
    {"race-volatile-plain", "is not ordered with", HUNT_RACE},
    {"race-large", "is not ordered with", HUNT_RACE},
    {"race-touch-large", "is not ordered with", HUNT_RACE},
    {"race-mutex", "", HUNT_OK},
    {"race-own-lock", "", HUNT_OK},
    {"race-rwlock", "", HUNT_OK},
    {"race-other-lock", "is not ordered with", HUNT_RACE},
    {"race-read-lock", "is not ordered with", HUNT_RACE},
    {"race-low-half", "", HUNT_OK},
    {"race-high-half", "is not ordered with", HUNT_RACE},
    {"race-after-release", "T2's read is not ordered with T1's write", HUNT_RACE},
    {"race-after-fence", "T2's read is not ordered with T1's write", HUNT_RACE},
    {"race-after-unlock", "T2's read is not ordered with T1's write", HUNT_RACE},
    {"heap-own-blocks", "", HUNT_OK},
    {"heap-box", "", HUNT_OK},
    {"heap-free-race", "is not ordered with", HUNT_RACE},
    {"heap-use-after-free", "has freed", HUNT_MISUSE},
    {"heap-double-free", "for the second time", HUNT_MISUSE},
    {"atomic-wide-half", "", HUNT_OK},
    {"lock-unheld", "releases a lock that it does not hold", HUNT_MISUSE},
    {"lock-twice", "1 thread waits", HUNT_DEADLOCK},
    {"futex-lock", "", HUNT_OK},
    {"futex-lock-unmarked", "nobody is left", HUNT_DEADLOCK},
    {"use-after-unmap", "Segmentation fault", HUNT_CRASH},
    {"mmap-fails", "errno 12", HUNT_CHECK},
    {"mmap-may-fail", "", HUNT_OK},
    {"early-mapping", "", HUNT_OK},
    {"clock-and-memory", "", HUNT_OK},
    {"crash", "Segmentation fault at address 0x10", HUNT_CRASH},
    {"abort", "abort: INVARIANT-7: count 3 > capacity 2", HUNT_CRASH},
};

static void check(const struct expectation *expected) {
    struct hunt_result result;
    test_exhaust(expected->name, 2, 1, &result);
    if (result.found)
        test_expect(result.failing.finding.failure == expected->failure &&
                        strstr(result.failing.finding.text, expected->says) != NULL,
                    "%s: found '%s'", expected->name, result.failing.finding.text);
    else
        test_expect(expected->failure == HUNT_OK, "%s: nothing found in %llu schedules",
                    expected->name, (unsigned long long)result.schedules);
    if (result.found)
        hunt_failing_free(&result.failing);
}

/* Two threads of a and b steps: interleavings by their number of preemptions, counted without the
 * engine. A switch after a thread's last step is none, and the first step of a thread goes with its
 * start: preempting right before it is the same as not having started it. */
static unsigned long interleavings(const unsigned left[3], const bool begun[3], int running,
                                   unsigned budget) {
    unsigned long count = 0;
    bool any = false;
    for (int next = 0; next < 3; next++) {
        if (left[next] == 0)
            continue;
        any = true;
        bool preempts = running >= 0 && running != next && left[running] != 0;
        if (preempts && budget == 0)
            continue;
        unsigned rest[3] = {left[0], left[1], left[2]};
        bool started[3] = {begun[0], begun[1], begun[2]};
        rest[next]--;
        started[next] = true;
        count += interleavings(rest, started, next, budget - (preempts ? 1 : 0));
    }
    return any ? count : 1;
}

static void count(const char *name, unsigned a, unsigned b, unsigned c) {
    for (unsigned preemptions = 0; preemptions <= 5; preemptions++) {
        struct hunt_result result;
        unsigned long wanted =
            interleavings((unsigned[3]){a, b, c}, (bool[3]){false, false, false}, -1, preemptions);
        test_exhaust(name, preemptions, 0, &result);
        test_expect(result.schedules == wanted,
                    "%s: %llu schedules with at most %u preemptions, not %lu", name,
                    (unsigned long long)result.schedules, preemptions, wanted);
    }
}

/* The minimiser leaves the operations and threads that the failure needs. */
static void minimise_operations(void) {
    struct hunt_result result;
    const char *name = "needs-three-ops";
    test_hunt(name, 1, &result);
    test_expect(result.found, "%s: not found", name);
    if (!result.found)
        return;
    hunt_minimise(test_scenario(name), &result.failing, 20);
    const struct hunt_choices *choices = &result.failing.choices;
    test_expect(choices->thread_mask == 3, "%s: threads 0x%x", name, choices->thread_mask);
    test_expect(choices->op_count[0] == 2 && choices->op_count[1] == 1, "%s: %u and %u operations",
                name, choices->op_count[0], choices->op_count[1]);
    test_expect(result.failing.switches == 2, "%s: %u switches", name, result.failing.switches);
    hunt_failing_free(&result.failing);
}

/* Fewest switches first, then operations; of as few switches the fewest steps. */
static void minimise_in_order(void) {
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct hunt_result result;
        test_hunt("switches-or-ops", seed, &result);
        test_expect(result.found, "switches-or-ops: not found");
        test_expect(hunt_minimise(test_scenario("switches-or-ops"), &result.failing, 10),
                    "switches-or-ops: not proven");
        test_expect(result.failing.switches == 1 && result.failing.choices.op_count[0] == 2,
                    "switches-or-ops: %u switches, %u operations", result.failing.switches,
                    result.failing.choices.op_count[0]);
        hunt_failing_free(&result.failing);
        test_hunt("long-or-short", seed, &result);
        hunt_minimise(test_scenario("long-or-short"), &result.failing, 10);
        test_expect(result.found && result.failing.switches == 1 && result.failing.steps == 7,
                    "long-or-short: %u switches, %u steps", result.failing.switches,
                    result.failing.steps);
        hunt_failing_free(&result.failing);
    }
}

int main(int argc, char **argv) {
    test_open(argc, argv);
    for (size_t i = 0; i < sizeof expectations / sizeof expectations[0]; i++)
        check(&expectations[i]);
    /* Real threads would need an alternate signal stack each. */
    if (hunt.executor == &hunt_executor_coroutine)
        check(&(struct expectation){"stack-overflow", "Segmentation fault", HUNT_CRASH});
    test_every_order = true;
    count("count-3-4", 3, 4, 0);
    count("count-3-3-3", 3, 3, 3);
    test_every_order = false;
    minimise_operations();
    minimise_in_order();
    return test_close();
}
