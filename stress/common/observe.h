/* SPDX-License-Identifier: MIT */
/**
 * @file observe.h
 * What a run looked like from inside: memory over time, and the SuperSlab map
 * when most was in use. A thread of the worker takes the samples and writes
 * them to memory that hakmem-stress shares and that outlives a crash.
 *
 * Not for verdicts: looking takes each heap's lock in turn, nothing else, and
 * a run that is not observed has no such thread.
 */
#ifndef STRESS_OBSERVE_H
#define STRESS_OBSERVE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    STRESS_SAMPLES_MAX = 1024,
    STRESS_MAP_SUPERSLABS_MAX = 96,
    STRESS_MAP_SLABS_MAX = 32 * STRESS_MAP_SUPERSLABS_MAX,
    STRESS_MAP_PLACES_BYTES = 8 << 20,
    STRESS_PLACE_COUNT = 4, /* free, cached, held, remote: enum hak_block_place */
};

/** Of hakmem, mapped and live are hak_stats'; of any other malloc they are
 *  unknown and 0. Resident is what the OS gave the process of its own (not its
 *  files), the scenario's tables and the threads' stacks included. */
struct stress_sample {
    uint64_t at_ns; /* since the first */
    uint64_t mapped_bytes;
    uint64_t live_bytes;
    uint64_t resident_bytes;
};

struct stress_map_superslab {
    uint32_t heap_id;
    uint32_t bitmap;
    uint32_t dirty;
    uint32_t slab_count; /* the next so many of the map's slabs are its */
};

struct stress_map_slab {
    uint32_t granule_first, granule_count;
    uint32_t stride_bytes, block_count;
    uint32_t counts[STRESS_PLACE_COUNT];
    uint32_t places_at; /* the first of its block_count bytes in `places` */
};

struct stress_map {
    uint64_t at_ns;
    uint64_t held_bytes;          /* by the program, in slabs */
    uint32_t superslab_count;     /* in `superslabs` */
    uint32_t superslabs_left_out; /* did not fit */
    uint32_t slab_count;
    uint32_t places_bytes;
    struct stress_map_superslab superslabs[STRESS_MAP_SUPERSLABS_MAX];
    struct stress_map_slab slabs[STRESS_MAP_SLABS_MAX];
    uint8_t places[STRESS_MAP_PLACES_BYTES];
};

/** Shared. Zeroes are an empty one. */
struct stress_observation {
    uint64_t interval_ns;     /* observer: between samples, at the end */
    bool has_statistics;      /* observer: mapped and live are known */
    uint32_t sample_count;    /* atomic: observer; samples below it are whole */
    uint32_t fullest;         /* atomic: observer; 1 + the index of the map that is whole, or 0 */
    struct stress_sample samples[STRESS_SAMPLES_MAX];
    struct stress_map maps[2]; /* observer: one is shown while the other is drawn */
};

struct stress_observer {
    struct stress_observation *observation; /* const; NULL: nobody looks */
    pthread_t thread;                       /* const */
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool is_over;        /* lock(mutex) */
    uint64_t start_ns;   /* const */
    uint64_t best_bytes; /* observer: in slabs, at the fullest map so far */
};

/** Starts looking; `observation` NULL does nothing. Returns 0 or an error number. */
int stress_observer_start(struct stress_observer *observer, struct stress_observation *observation);

/** Takes a last sample and ends. */
void stress_observer_stop(struct stress_observer *observer);

#endif
