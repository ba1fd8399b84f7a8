/* SPDX-License-Identifier: MIT */
/* What --emit-test writes, run: it fails where the bug is, and passes where it is mended. The
 * choices are the ones hakmem-hunt printed for treiber-aba. */
#include "support.h"

int main(void) {
    struct hunt_regression regression = {.scenario = "treiber-aba",
                                         .choices = "CAMBAQgCwUE",
                                         .preemptions = 1,
                                         .stale_loads = 0,
                                         .found = "check failed: was == 0"};
    test_expect(hunt_regression_run(&regression) == 1, "it does not fail on the bug");
    regression.scenario = "treiber-counted";
    test_expect(hunt_regression_run(&regression) == 0, "it fails on the mended twin");
    regression.choices = "CAMBAQgCwUF";
    test_expect(hunt_regression_run(&regression) == 2, "damaged choices are taken");
    regression.scenario = "no-such-scenario";
    test_expect(hunt_regression_run(&regression) == 2, "an unknown scenario is taken");
    return test_close();
}
