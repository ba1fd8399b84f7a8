/* SPDX-License-Identifier: MIT */
/* A failing schedule as a regression test, and what that test runs. */
#include "../engine/registry.h"
#include "report.h"
#include "token.h"

#include <stdlib.h>
#include <string.h>

#define AROUND_SECONDS 20.0

/* For a C string literal. */
static void escape(FILE *out, const char *text) {
    for (; *text != '\0'; text++)
        if (*text == '"' || *text == '\\')
            fprintf(out, "\\%c", *text);
        else if ((unsigned char)*text >= 0x20)
            fputc(*text, out);
}

static void write_test(FILE *out, const struct hunt_scenario *scenario,
                       const struct hunt_failing *failing) {
    char *choices = hunt_choices_encode(&failing->choices);
    fprintf(out,
            "/* SPDX-License-Identifier: MIT */\n"
            "/* A schedule of the scenario '%s' that failed once and must not fail again.\n"
            " * Written by hakmem-hunt --emit-test; see docs/HUNTING.md. */\n"
            "#include \"hunt.h\"\n\nint main(void) {\n"
            "    static const struct hunt_regression regression = {\n"
            "        .scenario = \"%s\",\n        .choices = \"%s\",\n"
            "        .preemptions = %u,\n        .stale_loads = %u,\n        .found = \"",
            scenario->name, scenario->name, choices, failing->preemptions, failing->stale_loads);
    escape(out, hunt_failure_name(failing->finding.failure));
    fputs(": ", out);
    escape(out, failing->finding.text);
    fputs("\",\n    };\n    return hunt_regression_run(&regression);\n}\n", out);
    free(choices);
}

bool hunt_emit_test(struct command_output *output, const struct hunt_scenario *scenario,
                    const struct hunt_failing *failing) {
    FILE *out = command_output_open(output);
    if (out != NULL)
        write_test(out, scenario, failing);
    return command_output_close(output, out != NULL);
}

/* ---- the test's side ---- */

static int tell(const struct hunt_scenario *scenario, const struct hunt_choices *choices,
                const char *found) {
    struct hunt_failing failing;
    if (!hunt_replay_run(scenario, choices, true, &failing))
        return 2;
    fprintf(stderr, "%s: it fails again (it once showed: %s)\n", scenario->name, found);
    hunt_report_finding(stderr, &failing.finding);
    hunt_report_table(stderr, &failing);
    hunt_failing_free(&failing);
    return 1;
}

static int run(const struct hunt_scenario *scenario, const struct hunt_choices *choices,
               const struct hunt_regression *regression) {
    struct hunt_failing failing;
    struct hunt_result result;
    struct hunt_search search;
    if (hunt_replay_run(scenario, choices, false, &failing))
        return tell(scenario, &failing.choices, regression->found);
    hunt_search_init(&search, scenario);
    search.strategy = &hunt_strategy_exhaustive;
    search.bounds = (struct hunt_bounds){.preemptions = (uint8_t)regression->preemptions,
                                         .switches = 255,
                                         .stale_loads = (uint8_t)regression->stale_loads};
    search.start = *choices;
    search.seed = choices->seed;
    search.seconds_max = AROUND_SECONDS;
    hunt_search_run(&search, &result);
    if (result.found)
        return tell(scenario, &result.failing.choices, regression->found);
    printf("%s: the schedule passes, and so do %llu around it%s\n", scenario->name,
           (unsigned long long)result.schedules, result.complete ? " (all of them)" : "");
    return 0;
}

int hunt_regression_run(const struct hunt_regression *regression) {
    const char *why;
    struct hunt_choices choices;
    const struct hunt_scenario *scenario = hunt_scenario_find(regression->scenario);
    if (scenario == NULL) {
        fprintf(stderr, "the scenario '%s' is not linked into this test\n", regression->scenario);
        return 2;
    }
    if (!hunt_choices_decode(regression->choices, &choices)) {
        fprintf(stderr, "%s: the choices are damaged: emit the test again\n", scenario->name);
        return 2;
    }
    if (!hunt_engine_open(hunt_executor_by_name("auto", &why))) {
        fprintf(stderr, "%s: the engine cannot start: out of memory or threads\n", scenario->name);
        return 2;
    }
    hunt_crash_open();
    int status = run(scenario, &choices, regression);
    hunt_engine_close();
    free(choices.deviations);
    return status;
}
