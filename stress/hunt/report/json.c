/* SPDX-License-Identifier: MIT */
/* The result for scripts. */
#include "report.h"
#include "symbols.h"

#include <jansson.h>

static json_t *finding_json(const struct hunt_failing *failing) {
    const struct hunt_finding *finding = &failing->finding;
    json_t *object = json_pack(
        "{s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:s}", "failure", hunt_failure_name(finding->failure),
        "text", finding->text, "thread", finding->thread, "steps", (int)failing->steps,
        "context_switches", (int)failing->switches, "preemptions", (int)failing->preemptions,
        "stale_loads", (int)failing->stale_loads, "found_by", failing->strategy->name);
    if (object != NULL && finding->pc != 0)
        json_object_set_new(object, "at", json_string(hunt_symbols_line(finding->pc)));
    if (object != NULL && finding->other_pc != 0)
        json_object_set_new(object, "earlier_at",
                            json_string(hunt_symbols_line(finding->other_pc)));
    return object;
}

static json_t *summary_json(const struct hunt_summary *summary) {
    const struct hunt_result *result = summary->result;
    double rate = result->seconds > 0 ? (double)result->schedules / result->seconds : 0;
    json_t *object =
        json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:f, s:f, s:b, s:b, s:b}", "scenario",
                  summary->scenario->name, "strategy", summary->strategy, "executor",
                  summary->executor, "seed", (json_int_t)summary->seed, "schedules",
                  (json_int_t)result->schedules, "steps", (json_int_t)result->steps, "seconds",
                  result->seconds, "schedules_per_second", rate, "found", result->found, "complete",
                  result->complete, "interrupted", hunt_search_interrupted() != 0);
    if (object == NULL || !result->found)
        return object;
    json_object_set_new(object, "finding", finding_json(&result->failing));
    json_object_set_new(object, "token", json_string(summary->token));
    if (summary->minimised)
        json_object_set_new(object, "fewest_switches_proven", json_boolean(summary->proven));
    return object;
}

bool hunt_report_json(struct command_output *output, const struct hunt_summary *summary) {
    json_t *object = summary_json(summary);
    FILE *stream = command_output_open(output);
    bool complete =
        object != NULL && stream != NULL && json_dumpf(object, stream, JSON_INDENT(2)) == 0;
    json_decref(object);
    return command_output_close(output, complete);
}
