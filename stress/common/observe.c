/* SPDX-License-Identifier: MIT */
/**
 * @file observe.c
 * The observing thread. It allocates nothing, so it has no heap of its own in
 * the picture.
 */
#include "observe.h"

#include "check/slab_map.h"
#include "hakmem.h"
#include "run.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Present when hakmem is the malloc under test; the map in checked builds. */
__attribute__((weak)) void hak_stats_read(struct hak_stats *stats);
__attribute__((weak)) size_t hak_slab_map_visit(const struct hak_slab_map_visitor *visitor);

_Static_assert((int)STRESS_PLACE_COUNT == (int)HAK_BLOCK_PLACE_COUNT, "one column a place");

enum { FIRST_INTERVAL_NS = 2000000, FULLER_PERCENT = 2, FULLER_BYTES = 64 * 1024 };

/** Anonymous memory that is resident; /proc/self/statm is in OS pages: size,
 *  resident, shared, ... */
static uint64_t resident_bytes(void) {
    char text[128];
    int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t length = file >= 0 ? read(file, text, sizeof(text) - 1) : -1;
    close(file);
    if (length <= 0) {
        return 0;
    }
    text[length] = '\0';
    char *rest = NULL;
    strtoull(text, &rest, 10);
    uint64_t resident = strtoull(rest, &rest, 10);
    uint64_t shared = strtoull(rest, NULL, 10);
    return (resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE);
}

/** Every other sample goes when there is no room, so that any length fits. */
static void thin_out(struct stress_observation *observation) {
    uint32_t kept = STRESS_SAMPLES_MAX / 2;
    for (uint32_t i = 0; i < kept; i++) {
        observation->samples[i] = observation->samples[2 * i];
    }
    /* Release: who sees the lower count sees the samples moved. */
    __atomic_store_n(&observation->sample_count, kept, __ATOMIC_RELEASE);
    observation->interval_ns *= 2;
}

static void add_sample(struct stress_observer *observer, const struct hak_stats *stats) {
    struct stress_observation *observation = observer->observation;
    if (observation->sample_count == STRESS_SAMPLES_MAX) {
        thin_out(observation);
    }
    observation->samples[observation->sample_count] = (struct stress_sample){
        .at_ns = stress_now_ns() - observer->start_ns,
        .mapped_bytes = stats->mapped_bytes,
        .live_bytes = stats->live_bytes,
        .resident_bytes = resident_bytes(),
    };
    /* Release: the count is read by another process, after the sample. */
    __atomic_store_n(&observation->sample_count, observation->sample_count + 1, __ATOMIC_RELEASE);
}

static void draw_superslab(const struct hak_superslab_view *view, void *context) {
    struct stress_map *map = context;
    if (map->superslabs_left_out > 0 || map->superslab_count == STRESS_MAP_SUPERSLABS_MAX ||
        map->places_bytes + 32 * HAK_SLAB_MAP_BLOCKS_MAX > STRESS_MAP_PLACES_BYTES) {
        map->superslabs_left_out++;
        return;
    }
    map->superslabs[map->superslab_count++] = (struct stress_map_superslab){
        .heap_id = view->heap_id, .bitmap = view->bitmap, .dirty = view->dirty};
}

static void draw_slab(const struct hak_slab_view *view, void *context) {
    struct stress_map *map = context;
    map->held_bytes += (uint64_t)view->counts[HAK_BLOCK_HELD] * view->stride_bytes;
    if (map->superslabs_left_out > 0) {
        return;
    }
    struct stress_map_slab *slab = &map->slabs[map->slab_count++];
    slab->granule_first = view->granule_first;
    slab->granule_count = view->granule_count;
    slab->stride_bytes = view->stride_bytes;
    slab->block_count = view->block_count;
    memcpy(slab->counts, view->counts, sizeof(slab->counts));
    slab->places_at = map->places_bytes;
    memcpy(&map->places[map->places_bytes], view->places, view->block_count);
    map->places_bytes += view->block_count;
    map->superslabs[map->superslab_count - 1].slab_count++;
}

/** Draws the map anew whenever clearly more is in use than at the last one. */
static void draw_if_fuller(struct stress_observer *observer, const struct hak_stats *stats) {
    struct stress_observation *observation = observer->observation;
    uint64_t large = stats->l25_live_bytes + stats->big_live_bytes;
    uint64_t small = stats->live_bytes > large ? stats->live_bytes - large : 0;
    uint64_t step = observer->best_bytes * FULLER_PERCENT / 100 + FULLER_BYTES;
    if (hak_slab_map_visit == NULL || small < observer->best_bytes + step) {
        return;
    }
    observer->best_bytes = small;
    uint32_t other = observation->fullest == 1 ? 1 : 0;
    struct stress_map *map = &observation->maps[other];
    memset(map, 0, offsetof(struct stress_map, superslabs));
    map->at_ns = stress_now_ns() - observer->start_ns;
    const struct hak_slab_map_visitor visitor = {draw_superslab, draw_slab, map};
    hak_slab_map_visit(&visitor);
    /* Release: the map is read by another process, after its number. */
    __atomic_store_n(&observation->fullest, other + 1, __ATOMIC_RELEASE);
}

static void look(struct stress_observer *observer) {
    struct hak_stats stats = {0};
    if (hak_stats_read != NULL) {
        hak_stats_read(&stats);
        observer->observation->has_statistics = true;
        draw_if_fuller(observer, &stats);
    }
    add_sample(observer, &stats);
}

/** True when it is time to look again, false when the run is over. */
static bool wait_interval(struct stress_observer *observer) {
    uint64_t at_ns = stress_now_ns() + observer->observation->interval_ns;
    const struct timespec at = {(time_t)(at_ns / 1000000000U), (long)(at_ns % 1000000000U)};
    int error = 0;
    pthread_mutex_lock(&observer->mutex);
    while (!observer->is_over && error == 0) {
        error = pthread_cond_timedwait(&observer->wake, &observer->mutex, &at);
    }
    bool is_over = observer->is_over;
    pthread_mutex_unlock(&observer->mutex);
    return !is_over;
}

static void *observer_main(void *argument) {
    struct stress_observer *observer = argument;
    while (wait_interval(observer)) {
        look(observer);
    }
    look(observer);
    return NULL;
}

int stress_observer_start(struct stress_observer *observer,
                          struct stress_observation *observation) {
    *observer = (struct stress_observer){.observation = observation, .start_ns = stress_now_ns()};
    if (observation == NULL) {
        return 0;
    }
    observation->interval_ns = FIRST_INTERVAL_NS;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&observer->mutex, NULL);
    pthread_cond_init(&observer->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    look(observer); /* here: its thread may come late, and this is before all else */
    return pthread_create(&observer->thread, NULL, observer_main, observer);
}

void stress_observer_stop(struct stress_observer *observer) {
    if (observer->observation == NULL) {
        return;
    }
    pthread_mutex_lock(&observer->mutex);
    observer->is_over = true;
    pthread_cond_signal(&observer->wake);
    pthread_mutex_unlock(&observer->mutex);
    pthread_join(observer->thread, NULL);
    pthread_cond_destroy(&observer->wake);
    pthread_mutex_destroy(&observer->mutex);
}
