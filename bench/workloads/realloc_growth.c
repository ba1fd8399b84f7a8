/* SPDX-License-Identifier: MIT */
/*
 * Growth by realloc: strings that grow by a few bytes at a time, and vectors
 * that grow by half, several at once so that none can simply stay at the top of
 * the heap; every 64th vector grows to 8 MiB. The contents must survive.
 */
#include "harness/block.h"
#include "workloads/workloads.h"
#include "harness/random.h"

#define OBJECTS 16u
#define STRING_MAX_BYTES 256u
#define VECTOR_MAX_BYTES (256u * 1024u)
#define HUGE_VECTOR_BYTES (8u * 1024u * 1024u)
#define HUGE_EVERY 64u
#define TABLE_BYTES (OBJECTS * sizeof(struct growing))

struct growing {
    char *bytes;
    size_t size_bytes;
    size_t max_bytes;
};

static void growth_setup(struct bench_worker *worker) {
    worker->state = bench_table_create(TABLE_BYTES);
}

static void growth_teardown(struct bench_worker *worker) {
    struct growing *objects = worker->state;
    for (size_t i = 0; i < OBJECTS; i++)
        free(objects[i].bytes);
    bench_table_release(objects, TABLE_BYTES);
}

/* What byte `at` of any object holds; the same wherever the block moves. */
static char byte_at(size_t at) {
    return (char)(at * 31 + 7);
}

/* Resizes to `size_bytes`; the old first and last byte must have come along. */
static void grow_to(struct growing *object, size_t size_bytes) {
    char *bytes = realloc(object->bytes, size_bytes);
    if (bytes == NULL)
        bench_fail_null("realloc", size_bytes);
    size_t old_last = object->size_bytes - 1;
    if (object->size_bytes != 0 && (bytes[0] != byte_at(0) || bytes[old_last] != byte_at(old_last)))
        bench_fail("realloc from %zu to %zu bytes lost the contents", object->size_bytes,
                   size_bytes);
    bytes[0] = byte_at(0);
    bytes[size_bytes - 1] = byte_at(size_bytes - 1);
    bench_escape(bytes);
    object->bytes = bytes;
    object->size_bytes = size_bytes;
}

static void release(struct growing *object) {
    free(object->bytes);
    *object = (struct growing){0};
}

static void grow_strings(struct bench_worker *worker) {
    struct growing *objects = worker->state;
    for (uint64_t n; (n = bench_more(worker, 256)) != 0;) {
        for (uint64_t i = 0; i < n; i++) {
            struct growing *object = &objects[bench_random_below(&worker->random, OBJECTS)];
            if (object->size_bytes >= STRING_MAX_BYTES)
                release(object);
            grow_to(object, object->size_bytes + bench_random_between(&worker->random, 1, 24));
        }
    }
}

static void grow_vectors(struct bench_worker *worker) {
    struct growing *objects = worker->state;
    for (uint64_t n; (n = bench_more(worker, 64)) != 0;) {
        for (uint64_t i = 0; i < n; i++) {
            struct growing *object = &objects[bench_random_below(&worker->random, OBJECTS)];
            if (object->size_bytes != 0 && object->size_bytes >= object->max_bytes)
                release(object);
            if (object->size_bytes == 0)
                object->max_bytes = bench_random_below(&worker->random, HUGE_EVERY) == 0
                                        ? HUGE_VECTOR_BYTES
                                        : VECTOR_MAX_BYTES;
            grow_to(object, object->size_bytes == 0 ? 16 : object->size_bytes * 3 / 2);
        }
    }
}

const struct bench_workload workload_realloc_strings = {
    .name = "realloc-strings",
    .summary = "16 strings to 256 bytes, growing by 1 to 24 bytes",
    .operation = "realloc",
    .kind = BENCH_SPEED,
    .min_threads = 1,
    .thread_multiple = 1,
    .setup = growth_setup,
    .body = grow_strings,
    .teardown = growth_teardown,
};

const struct bench_workload workload_realloc_vectors = {
    .name = "realloc-vectors",
    .summary = "16 vectors to 256 KiB, one in 64 to 8 MiB, growing by half",
    .operation = "realloc",
    .kind = BENCH_SPEED,
    .min_threads = 1,
    .thread_multiple = 1,
    .setup = growth_setup,
    .body = grow_vectors,
    .teardown = growth_teardown,
};
