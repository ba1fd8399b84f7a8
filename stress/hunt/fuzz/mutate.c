/* SPDX-License-Identifier: MIT */
/*
 * A schedule that did something new is worth its neighbours: a decision more, one less, one moved;
 * the same beginning with another end. For that its path must be known, so a plan that went on at
 * random is run once more and the decisions it came to are written into it.
 */
#include "mutate.h"
#include "client.h"

#include <string.h>

struct rng {
    uint64_t state;
};

static uint64_t next(struct rng *rng) {
    uint64_t x = rng->state += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static unsigned below(struct rng *rng, unsigned count) {
    return count != 0 ? (unsigned)(((next(rng) >> 32) * count) >> 32) : 0;
}

/* ---- the path of a plan ---- */

#define PATHS 1024u /* remembered: libFuzzer takes the same inputs again and again */

struct path {
    struct plan asked;
    uint32_t decision_total;
    uint16_t deviation_count;
    struct plan_decision deviations[PLAN_DECISIONS_MAX];
    uint8_t op_count[PLAN_BODIES];
    uint32_t ops[PLAN_BODIES][PLAN_OPS_MAX];
};

static struct path paths[PATHS];

static const struct path *path_of(const struct plan *plan) {
    uint64_t hash = 0;
    const uint8_t *bytes = (const uint8_t *)plan;
    for (size_t i = 0; i < sizeof *plan; i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3u;
    struct path *path = &paths[(hash >> 32) % PATHS];
    if (memcmp(&path->asked, plan, sizeof *plan) == 0)
        return path;
    const struct hunt_exchange *answer = client_run(plan);
    if (answer == NULL)
        return NULL;
    path->asked = *plan;
    path->decision_total = answer->decision_total;
    path->deviation_count = answer->deviation_count;
    memcpy(path->deviations, answer->deviations, sizeof path->deviations);
    memcpy(path->op_count, answer->op_count, sizeof path->op_count);
    memcpy(path->ops, answer->ops, sizeof path->ops);
    return path;
}

/* The same schedule by decisions alone. */
static void write_out(struct plan *plan, const struct path *path) {
    plan->decision_count = path->deviation_count;
    memcpy(plan->decisions, path->deviations, path->deviation_count * sizeof *plan->decisions);
    plan->rest = PLAN_USUAL;
    memcpy(plan->op_count, path->op_count, sizeof plan->op_count);
    memcpy(plan->ops, path->ops, sizeof plan->ops);
}

/* ---- decisions ---- */

static void remove_at(struct plan *plan, unsigned at) {
    plan->decision_count--;
    memmove(&plan->decisions[at], &plan->decisions[at + 1],
            (plan->decision_count - at) * sizeof *plan->decisions);
}

static void insert(struct plan *plan, struct rng *rng, unsigned total, unsigned bodies) {
    if (plan->decision_count == PLAN_DECISIONS_MAX)
        remove_at(plan, below(rng, plan->decision_count));
    plan->decisions[plan->decision_count++] = (struct plan_decision){
        .index = (uint16_t)below(rng, total + 1), .value = (uint8_t)(1 + below(rng, bodies))};
    plan_normalise(plan);
}

static void cut(struct plan *plan, struct rng *rng) {
    plan->decision_count = (uint16_t)below(rng, plan->decision_count + 1u);
    plan->rest = (uint8_t)(PLAN_RANDOM + below(rng, PLAN_REST_COUNT - PLAN_RANDOM));
    plan->seed = (uint32_t)next(rng);
}

static void shift(struct plan *plan, struct rng *rng, unsigned total) {
    struct plan_decision *moved = &plan->decisions[below(rng, plan->decision_count)];
    unsigned by = 1 + below(rng, 1 + below(rng, 8)), at = moved->index;
    at = below(rng, 2) == 0 ? at + by : at - (at < by ? at : by);
    moved->index = (uint16_t)(at < total ? at : total);
    plan_normalise(plan);
}

static void change_schedule(struct plan *plan, struct rng *rng, unsigned total, unsigned bodies) {
    unsigned count = plan->decision_count;
    switch (below(rng, count != 0 ? 8 : 3)) {
    case 0:
    case 1:
        insert(plan, rng, total, bodies);
        break;
    case 2:
    case 3:
        cut(plan, rng);
        break;
    case 4:
        remove_at(plan, below(rng, count));
        break;
    case 5:
        plan->decisions[below(rng, count)].value = (uint8_t)(1 + below(rng, bodies));
        break;
    default:
        shift(plan, rng, total);
    }
}

/* ---- operations ---- */

static void change_ops(struct plan *plan, struct rng *rng, const struct exchange_scenario *scenario,
                       mutate_bytes bytes) {
    unsigned body = below(rng, scenario->body_count), count = plan->op_count[body];
    uint32_t *ops = plan->ops[body];
    unsigned at = below(rng, count);
    switch (below(rng, count != 0 ? 5 : 1)) {
    case 0: /* one more */
        if (count == scenario->op_count_max)
            break;
        memmove(&ops[at + 1], &ops[at], (count - at) * sizeof *ops);
        ops[at] = (uint32_t)next(rng);
        plan->op_count[body]++;
        return;
    case 1: /* one less */
        memmove(&ops[at], &ops[at + 1], (count - at - 1) * sizeof *ops);
        plan->op_count[body]--;
        return;
    case 2: { /* two change places */
        unsigned other = below(rng, count);
        uint32_t swapped = ops[at];
        ops[at] = ops[other];
        ops[other] = swapped;
        return;
    }
    case 3: /* from another thread */
        body = below(rng, scenario->body_count);
        if (plan->op_count[body] != 0)
            ops[at] = plan->ops[body][below(rng, plan->op_count[body])];
        return;
    default:
        break;
    }
    if (count == 0)
        return;
    ops[at] = (uint32_t)next(rng);
    if (bytes != NULL && below(rng, 2) == 0)
        bytes((uint8_t *)ops, count * sizeof *ops, count * sizeof *ops);
}

/* ---- the whole ---- */

/* Wide first: many bugs need no more than some other schedule. */
#define WIDE_SCHEDULES 32u

void mutate_new(struct plan *plan, uint64_t seed) {
    struct rng rng = {seed};
    memset(plan, 0, sizeof *plan);
    plan->scenario = plan_hash(client_scenario_at(below(&rng, client_scenario_count()))->name);
    plan->rest = (uint8_t)(PLAN_RANDOM + below(&rng, PLAN_REST_COUNT - PLAN_RANDOM));
    plan->seed = (uint32_t)next(&rng);
}

static void mutate_once(struct plan *plan, struct rng *rng, mutate_bytes bytes) {
    const struct path *path = path_of(plan);
    const struct exchange_scenario *scenario = client_scenario_of(plan);
    if (path == NULL || scenario == NULL)
        return;
    write_out(plan, path);
    if (scenario->op_count_max != 0 && below(rng, 3) == 0) {
        change_ops(plan, rng, scenario, bytes);
        return;
    }
    for (unsigned times = 1 + below(rng, 1 + below(rng, 3)); times > 0; times--)
        change_schedule(plan, rng, path->decision_total, scenario->body_count);
}

void mutate_plan(struct plan *plan, uint64_t seed, mutate_bytes bytes) {
    struct rng rng = {seed ^ 0x6d757461u};
    client_fit(plan);
    if (client_schedules() < WIDE_SCHEDULES || below(&rng, 4) == 0)
        mutate_new(plan, next(&rng));
    else
        mutate_once(plan, &rng, bytes);
    client_fit(plan);
}

/* The beginning of one schedule, the end of the other; each thread's operations from either. */
void mutate_cross(struct plan *plan, const struct plan *other, uint64_t seed) {
    struct rng rng = {seed ^ 0x63726f73u};
    client_fit(plan);
    if (client_schedules() < WIDE_SCHEDULES || memcmp(plan, other, sizeof *plan) == 0) {
        mutate_plan(plan, seed, NULL);
        return;
    }
    const struct path *path = path_of(plan);
    if (path == NULL)
        return;
    write_out(plan, path);
    unsigned at = below(&rng, path->decision_total + 1);
    struct plan second = *other;
    client_fit(&second);
    path = path_of(&second);
    if (path == NULL || second.scenario != plan->scenario)
        return;
    write_out(&second, path);
    unsigned kept = 0;
    while (kept < plan->decision_count && plan->decisions[kept].index < at)
        kept++;
    plan->decision_count = (uint16_t)kept;
    for (unsigned i = 0; i < second.decision_count; i++)
        if (second.decisions[i].index >= at && plan->decision_count < PLAN_DECISIONS_MAX)
            plan->decisions[plan->decision_count++] = second.decisions[i];
    for (unsigned body = 0; body < PLAN_BODIES; body++)
        if (below(&rng, 2) == 0) {
            plan->op_count[body] = second.op_count[body];
            memcpy(plan->ops[body], second.ops[body], sizeof plan->ops[body]);
        }
}
