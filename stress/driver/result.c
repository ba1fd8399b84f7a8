/* SPDX-License-Identifier: MIT */
/**
 * @file result.c
 * The result as JSON.
 */
#include "result.h"
#include "observation.h"

#include <string.h>

static const char *const point_names[] = {
#define HAK_PAUSE_POINT(id, meaning) #id,
#include "base/pause_points.def"
#undef HAK_PAUSE_POINT
};

/** {"signals": n, "points": {NAME: {"reached": n, "paused": n}}} */
static json_t *pauses_json(const struct supervisor_result *result) {
    json_t *points = json_object();
    for (unsigned i = 0; i < HAK_PAUSE_POINT_COUNT; i++) {
        json_object_set_new(points, point_names[i],
                            json_pack("{s:I, s:I}", "reached",
                                      (json_int_t)result->points[i].reached_count, "paused",
                                      (json_int_t)result->points[i].paused_count));
    }
    return json_pack("{s:I, s:o}", "signals", (json_int_t)result->signal_pause_count, "points",
                     points);
}

static const char *verdict_of(const struct supervisor_result *result) {
    if (result->interrupted_by != 0) {
        return "interrupted";
    }
    return result->exit_status == STRESS_EXIT_OK ? "pass" : "fail";
}

json_t *result_json(const struct supervisor_request *request,
                    const struct supervisor_result *result, const char *command) {
    json_t *json = json_pack("{s:s, s:s, s:I, s:I, s:I, s:s, s:s, s:b, s:f, s:I, s:I, s:I, s:I, s:I, s:s}",
                     "program", "hakmem-stress", "scenario", request->scenario, "threads",
                     (json_int_t)request->thread_count, "seed", (json_int_t)request->seed,
                     "operations_per_thread", (json_int_t)request->operation_count, "library",
                     request->library ? request->library : "hakmem", "verdict",
                     verdict_of(result), "interrupted", result->interrupted_by != 0,
                     "elapsed_seconds",
                     result->elapsed_seconds, "operations", (json_int_t)result->operation_count,
                     "structures_checked", (json_int_t)result->heap_check_count, "grow_count",
                     (json_int_t)result->grow_count, "shrink_count",
                     (json_int_t)result->shrink_count, "resident_max_kib",
                     (json_int_t)result->resident_max_kib, "command", command);
    if (result->exit_status == STRESS_EXIT_FOUND) {
        json_object_set_new(json, "message", json_string(result->message));
    }
    if (strcmp(request->scenario, "pause") == 0) {
        json_object_set_new(json, "pauses", pauses_json(result));
    }
    return json;
}

json_t *result_observation_json(const struct supervisor_request *request,
                                const struct supervisor_result *result, const char *command) {
    json_t *json = result_json(request, result, command);
    json_object_set_new(json, "observation", observation_json(result->observation));
    return json;
}
