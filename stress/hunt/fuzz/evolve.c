/* SPDX-License-Identifier: MIT */
/* The loop: take a plan that did something new, change it, run it, keep it if it does (evolve.h). */
#include "evolve.h"
#include "mutate.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define KEPT_MAX 4096u

static struct plan *kept;
static uint8_t seen[EXCHANGE_COUNTERS]; /* a bit for each range of counts, as libFuzzer's */

static uint8_t bit_of_count(uint8_t count) {
    static const uint8_t first[8] = {1, 2, 3, 4, 8, 16, 32, 128};
    unsigned bit = 0;
    while (bit < 7 && count >= first[bit + 1])
        bit++;
    return (uint8_t)(1u << bit);
}

static bool is_new(const uint8_t *counters) {
    bool found = false;
    for (size_t i = 0; i < EXCHANGE_COUNTERS; i++) {
        if (counters[i] == 0 || (seen[i] & bit_of_count(counters[i])) != 0)
            continue;
        seen[i] |= bit_of_count(counters[i]);
        found = true;
    }
    return found;
}

static void write_input(const struct evolution *evolution, const struct plan *plan,
                        const char *what) {
    uint8_t bytes[PLAN_BYTES_MAX];
    size_t size_bytes = plan_encode(plan, bytes, sizeof bytes);
    char path[4096];
    if (evolution->write_folder == NULL)
        return;
    snprintf(path, sizeof path, "%s/%s-%" PRIu64 "-%u", evolution->write_folder, what,
             evolution->seed, evolution->kept);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(bytes, 1, size_bytes, file) != size_bytes || fclose(file) != 0) {
        fprintf(stderr, "replay_hunt: cannot write %s: %s\n", path, strerror(errno));
        exit(2);
    }
}

static uint64_t mix(uint64_t seed, uint64_t number) {
    return (seed * 0x9e3779b97f4a7c15u) ^ (number * 0xd6e8feb86659fd93u);
}

/* The newest are the most promising: half of the turns are theirs. */
static void choose(struct plan *plan, const struct evolution *evolution) {
    uint64_t random = mix(evolution->seed, evolution->turns) >> 16;
    if (evolution->kept == 0) {
        mutate_new(plan, random);
        return;
    }
    unsigned span = (random & 1) != 0 && evolution->kept > 8 ? 8 : evolution->kept;
    unsigned at = evolution->kept - 1 - (unsigned)((random >> 1) % span);
    *plan = kept[at];
    if ((random >> 33) % 8 == 0)
        mutate_cross(plan, &kept[(random >> 36) % evolution->kept], random);
    mutate_plan(plan, random, NULL);
}

const struct hunt_exchange *evolve(struct evolution *evolution) {
    kept = calloc(KEPT_MAX, sizeof *kept);
    if (kept == NULL)
        abort();
    for (; client_schedules() < evolution->schedules_max; evolution->turns++) {
        struct plan plan;
        choose(&plan, evolution);
        const struct hunt_exchange *answer = client_run(&plan);
        if (answer == NULL) {
            fputs("replay_hunt: the hunter has died\n", stderr);
            exit(2);
        }
        if (answer->is_found) {
            write_input(evolution, &plan, "found");
            return answer;
        }
        if (!is_new(answer->counters) || evolution->kept == KEPT_MAX)
            continue;
        write_input(evolution, &plan, "seed");
        kept[evolution->kept++] = plan;
    }
    return NULL;
}
