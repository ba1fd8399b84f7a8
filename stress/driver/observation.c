/* SPDX-License-Identifier: MIT */
/**
 * @file observation.c
 * Samples and the SuperSlab map as JSON. A slab's blocks are written as runs,
 * "h1200c64f101": a letter for where they are and how many there are (none: 1).
 */
#include "observation.h"

#include <stdio.h>
#include <stdlib.h>

static const char letters[STRESS_PLACE_COUNT + 1] = "fchr";

static json_t *bytes_json(uint64_t bytes, bool is_known) {
    return is_known ? json_integer((json_int_t)bytes) : json_null();
}

static json_t *samples_json(const struct stress_observation *observation) {
    json_t *array = json_array();
    bool is_known = observation->has_statistics;
    for (uint32_t i = 0; i < observation->sample_count; i++) {
        const struct stress_sample *sample = &observation->samples[i];
        json_array_append_new(array, json_pack("{s:f, s:o, s:o, s:I}", "at_s",
                                               (double)sample->at_ns / 1e9, "mapped_bytes",
                                               bytes_json(sample->mapped_bytes, is_known),
                                               "live_bytes",
                                               bytes_json(sample->live_bytes, is_known),
                                               "resident_bytes",
                                               (json_int_t)sample->resident_bytes));
    }
    return array;
}

/** A letter and a number for each run of blocks in one place. */
static json_t *places_json(const uint8_t *places, uint32_t count) {
    char *text = malloc(2 * (size_t)count + 16); /* a run of n takes at most 2n bytes */
    size_t length = 0;
    for (uint32_t i = 0; text != NULL && i < count;) {
        uint32_t end = i + 1;
        while (end < count && places[end] == places[i]) {
            end++;
        }
        text[length++] = letters[places[i] % STRESS_PLACE_COUNT];
        if (end - i > 1) {
            length += (size_t)snprintf(&text[length], 12, "%u", end - i);
        }
        i = end;
    }
    json_t *string = json_stringn(text != NULL ? text : "", length);
    free(text);
    return string;
}

static json_t *slab_json(const struct stress_map *map, const struct stress_map_slab *slab) {
    return json_pack("{s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:o}", "granule",
                     (int)slab->granule_first, "granules", (int)slab->granule_count,
                     "stride_bytes", (int)slab->stride_bytes, "blocks", (int)slab->block_count,
                     "free", (int)slab->counts[0], "cached", (int)slab->counts[1], "held",
                     (int)slab->counts[2], "remote", (int)slab->counts[3], "places",
                     places_json(&map->places[slab->places_at], slab->block_count));
}

static json_t *map_json(const struct stress_map *map) {
    json_t *superslabs = json_array();
    uint32_t next = 0;
    for (uint32_t i = 0; i < map->superslab_count; i++) {
        const struct stress_map_superslab *superslab = &map->superslabs[i];
        json_t *slabs = json_array();
        for (uint32_t end = next + superslab->slab_count; next < end; next++) {
            json_array_append_new(slabs, slab_json(map, &map->slabs[next]));
        }
        json_array_append_new(superslabs,
                              json_pack("{s:i, s:I, s:I, s:o}", "heap", (int)superslab->heap_id,
                                        "bitmap", (json_int_t)superslab->bitmap, "dirty",
                                        (json_int_t)superslab->dirty, "slabs", slabs));
    }
    return json_pack("{s:f, s:I, s:i, s:o}", "at_s", (double)map->at_ns / 1e9, "held_bytes",
                     (json_int_t)map->held_bytes, "superslabs_left_out",
                     (int)map->superslabs_left_out, "superslabs", superslabs);
}

json_t *observation_json(const struct stress_observation *observation) {
    uint32_t fullest = observation->fullest;
    return json_pack("{s:f, s:o, s:o}", "interval_s", (double)observation->interval_ns / 1e9,
                     "samples", samples_json(observation), "map",
                     fullest == 0 ? json_null() : map_json(&observation->maps[(fullest - 1) % 2]));
}
