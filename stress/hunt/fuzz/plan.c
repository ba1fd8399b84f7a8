/* SPDX-License-Identifier: MIT */
/* Plans to bytes and back (plan.h). */
#include "plan.h"

#include <string.h>

uint32_t plan_hash(const char *scenario_name) {
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (; *scenario_name != '\0'; scenario_name++)
        hash = (hash ^ (uint8_t)*scenario_name) * 16777619u;
    return hash;
}

/* ---- reading: zeroes after the end ---- */

struct reader {
    const uint8_t *at, *end;
};

static uint8_t get8(struct reader *reader) {
    return reader->at < reader->end ? *reader->at++ : 0;
}

static uint32_t get32(struct reader *reader) {
    uint32_t value = 0;
    for (unsigned shift = 0; shift < 32; shift += 8)
        value |= (uint32_t)get8(reader) << shift;
    return value;
}

void plan_decode(struct plan *plan, const uint8_t *bytes, size_t size_bytes) {
    struct reader reader = {bytes, bytes + size_bytes};
    memset(plan, 0, sizeof *plan);
    plan->scenario = get32(&reader);
    plan->rest = get8(&reader) % PLAN_REST_COUNT;
    plan->seed = get32(&reader);
    for (unsigned body = 0; body < PLAN_BODIES; body++)
        plan->op_count[body] = get8(&reader) % (PLAN_OPS_MAX + 1);
    for (unsigned body = 0; body < PLAN_BODIES; body++)
        for (unsigned i = 0; i < plan->op_count[body]; i++)
            plan->ops[body][i] = get32(&reader);
    while (reader.end - reader.at >= 4 && plan->decision_count < PLAN_DECISIONS_MAX) {
        uint32_t word = get32(&reader);
        plan->decisions[plan->decision_count++] =
            (struct plan_decision){(uint16_t)word, (uint8_t)(word >> 16), (uint8_t)(word >> 24)};
    }
    plan_normalise(plan);
}

/* ---- writing ---- */

static size_t put32(uint8_t *bytes, uint32_t value) {
    for (unsigned i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
    return 4;
}

size_t plan_encode(const struct plan *plan, uint8_t *bytes, size_t max_bytes) {
    uint8_t whole[PLAN_BYTES_MAX];
    size_t size = put32(whole, plan->scenario);
    whole[size++] = plan->rest;
    size += put32(whole + size, plan->seed);
    memcpy(whole + size, plan->op_count, PLAN_BODIES);
    size += PLAN_BODIES;
    for (unsigned body = 0; body < PLAN_BODIES; body++)
        for (unsigned i = 0; i < plan->op_count[body]; i++)
            size += put32(whole + size, plan->ops[body][i]);
    for (unsigned i = 0; i < plan->decision_count && size + 4 <= max_bytes; i++) {
        const struct plan_decision *d = &plan->decisions[i];
        size += put32(whole + size,
                      d->index | (uint32_t)d->value << 16 | (uint32_t)d->kind << 24);
    }
    size = size < max_bytes ? size : max_bytes;
    memcpy(bytes, whole, size);
    return size;
}

/* Insertion sort: they are nearly in order, and few. */
void plan_normalise(struct plan *plan) {
    struct plan_decision *d = plan->decisions;
    unsigned kept = 0;
    for (unsigned i = 0; i < plan->decision_count; i++) {
        struct plan_decision moving = d[i];
        unsigned at = kept;
        while (at > 0 && d[at - 1].index > moving.index)
            at--;
        if (at > 0 && d[at - 1].index == moving.index)
            continue;
        memmove(&d[at + 1], &d[at], (kept - at) * sizeof *d);
        d[at] = moving;
        kept++;
    }
    plan->decision_count = (uint16_t)kept;
}

void plan_print(FILE *out, const struct plan *plan, const char *scenario_name) {
    static const char *const rests[PLAN_REST_COUNT] = {"the usual way", "random", "pos"};
    static const char *const kinds[] = {"thread", "stale load", "fault", "choice"};
    fprintf(out, "scenario %s, seed %u, then %s\n", scenario_name, plan->seed, rests[plan->rest]);
    for (unsigned body = 0; body < PLAN_BODIES; body++) {
        if (plan->op_count[body] == 0)
            continue;
        fprintf(out, "  T%u:", body + 1);
        for (unsigned i = 0; i < plan->op_count[body]; i++)
            fprintf(out, " %08x", plan->ops[body][i]);
        fputc('\n', out);
    }
    for (unsigned i = 0; i < plan->decision_count; i++)
        fprintf(out, "  decision %u: %s %u\n", plan->decisions[i].index,
                kinds[plan->decisions[i].kind % 4], plan->decisions[i].value);
}
