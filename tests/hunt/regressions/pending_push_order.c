/* SPDX-License-Identifier: MIT */
/* A schedule of the scenario 'first-pending' that failed once and must not fail again.
 * Written by hakmem-hunt --emit-test; see docs/HUNTING.md. */
#include "hunt.h"

int main(void) {
    static const struct hunt_regression regression = {
        .scenario = "first-pending",
        .choices = "Cgf4k5Hsi9bW6bEBAgACEAHheA",
        .preemptions = 1,
        .stale_loads = 0,
        .found = "data race: T1's read is not ordered with T2's write before it",
    };
    return hunt_regression_run(&regression);
}
