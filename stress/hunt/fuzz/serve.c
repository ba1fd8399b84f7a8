/* SPDX-License-Identifier: MIT */
/* hakmem-hunt --serve: runs the schedules that a fuzzer asks for (protocol.h). */
#include "../engine/registry.h"
#include "../report/search.h"
#include "../report/token.h"
#include "protocol.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

_Static_assert(EXCHANGE_COUNTERS == HUNT_FEEDBACK_BYTES, "one counter each");
_Static_assert(PLAN_OPS_MAX <= HUNT_OPS_MAX && PLAN_BODIES == HUNT_BODIES_MAX, "plans fit");

static void list_scenarios(struct hunt_exchange *exchange) {
    uint32_t count = 0;
    for (size_t i = 0; i < hunt_scenario_count() && count < EXCHANGE_SCENARIOS; i++) {
        const struct hunt_scenario *scenario = hunt_scenario_at(i);
        struct exchange_scenario *entry = &exchange->scenarios[count++];
        snprintf(entry->name, sizeof entry->name, "%s", scenario->name);
        entry->body_count = (uint8_t)hunt_scenario_bodies(scenario);
        entry->op_count_max = (uint8_t)(scenario->op_count_max < PLAN_OPS_MAX
                                            ? scenario->op_count_max
                                            : PLAN_OPS_MAX);
        entry->is_planted = (scenario->flags & HUNT_PLANTED) != 0;
    }
    exchange->scenario_count = count;
}

static const struct hunt_scenario *scenario_of(const struct plan *plan) {
    for (size_t i = 0; i < hunt_scenario_count(); i++)
        if (plan_hash(hunt_scenario_at(i)->name) == plan->scenario)
            return hunt_scenario_at(i);
    return hunt_scenario_at(plan->scenario % hunt_scenario_count());
}

/* Operations of the plan; none: those that the seed gives. */
static void take_programs(const struct plan *plan, const struct hunt_scenario *scenario,
                          struct hunt_choices *choices) {
    unsigned total = 0;
    for (unsigned body = 0; body < hunt_scenario_bodies(scenario); body++)
        total += plan->op_count[body];
    if (scenario->op_count_max == 0 || total == 0)
        return;
    choices->explicit_ops = true;
    for (unsigned body = 0; body < HUNT_BODIES_MAX; body++) {
        unsigned count = plan->op_count[body];
        choices->op_count[body] =
            (uint8_t)(count < scenario->op_count_max ? count : scenario->op_count_max);
        memcpy(choices->ops[body], plan->ops[body], choices->op_count[body] * sizeof(uint32_t));
    }
}

static const struct hunt_strategy *strategy_of(uint8_t rest) {
    switch (rest) {
    case PLAN_RANDOM:
        return &hunt_strategy_random;
    case PLAN_POS:
        return &hunt_strategy_pos;
    default:
        return NULL;
    }
}

static void answer_path(struct hunt_exchange *exchange) {
    const struct hunt_choices *choices = &hunt.choices;
    uint32_t count = choices->deviation_count;
    exchange->deviation_count = (uint16_t)(count < PLAN_DECISIONS_MAX ? count : PLAN_DECISIONS_MAX);
    for (uint32_t i = 0; i < exchange->deviation_count; i++) {
        const struct hunt_deviation *d = &choices->deviations[i];
        exchange->deviations[i] = (struct plan_decision){(uint16_t)d->index, d->value, d->kind};
    }
    exchange->decision_total = hunt.decision_count;
    for (unsigned body = 0; body < PLAN_BODIES; body++) {
        uint8_t ops = choices->op_count[body];
        exchange->op_count[body] = ops < PLAN_OPS_MAX ? ops : PLAN_OPS_MAX;
        memcpy(exchange->ops[body], choices->ops[body],
               exchange->op_count[body] * sizeof(uint32_t));
    }
}

static void answer_finding(struct hunt_exchange *exchange, const struct hunt_scenario *scenario,
                           struct hunt_failing *failing) {
    char *token = hunt_token_make(scenario, &failing->choices);
    snprintf(exchange->text, sizeof exchange->text, "%s: %.480s",
             hunt_failure_name(failing->finding.failure), failing->finding.text);
    snprintf(exchange->token, sizeof exchange->token, "%s", token);
    free(token);
    hunt_failing_free(failing);
}

static void answer(struct hunt_exchange *exchange) {
    struct hunt_deviation decisions[PLAN_DECISIONS_MAX];
    struct hunt_search search;
    struct hunt_failing failing;
    struct plan plan = exchange->plan;
    const struct hunt_scenario *scenario = scenario_of(&plan);
    hunt_search_init(&search, scenario);
    search.start.seed = plan.seed;
    take_programs(&plan, scenario, &search.start);
    plan.decision_count %= PLAN_DECISIONS_MAX + 1;
    for (unsigned i = 0; i < plan.decision_count; i++)
        decisions[i] = (struct hunt_deviation){plan.decisions[i].index, 0, plan.decisions[i].value};
    hunt_guided_set(
        &(struct hunt_guide){decisions, plan.decision_count, strategy_of(plan.rest)});
    memset(exchange->counters, 0, sizeof exchange->counters);
    exchange->is_found = hunt_run_one(scenario, &hunt_strategy_guided, &search.start, &failing);
    answer_path(exchange);
    if (exchange->is_found)
        answer_finding(exchange, scenario, &failing);
}

int hunt_serve(int socket, int memory) {
    char byte = 0;
    struct hunt_exchange *exchange =
        mmap(NULL, sizeof *exchange, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
    if (exchange == MAP_FAILED || hunt_scenario_count() == 0)
        return 2;
    list_scenarios(exchange);
    hunt_strategy_random.open();
    hunt_strategy_pos.open();
    hunt.feedback = exchange->counters;
    while (write(socket, &byte, 1) == 1 && read(socket, &byte, 1) == 1)
        answer(exchange);
    return 0;
}
