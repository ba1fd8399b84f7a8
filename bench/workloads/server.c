/* SPDX-License-Identifier: MIT */
/*
 * A long-lived server: requests with many short-lived blocks, sessions that
 * stay for a while, a cache all threads share (so its blocks are mostly freed
 * by another thread than allocated them), a response that grows by realloc and
 * now and then a large buffer. The mix of lifetimes is the point.
 */
#include "harness/block.h"
#include "workloads/workloads.h"
#include "harness/random.h"

#include <string.h>

#define CACHE_SHARDS 64u
#define SHARD_ENTRIES 256u
#define SESSIONS 512u
#define SESSION_BLOCKS 6u
#define MAX_TEMPORARIES 40u
#define CHUNK 32u
#define SESSION_EVERY 8u
#define LARGE_EVERY 64u
#define KIB ((size_t)1024)
#define SESSIONS_TABLE_BYTES (SESSIONS * sizeof(struct session))

struct cache_shard {
    pthread_mutex_t mutex;
    struct bench_slot entries[SHARD_ENTRIES]; /* lock(mutex) */
};

struct session {
    struct bench_slot blocks[SESSION_BLOCKS];
};

static void cache_prepare(struct bench_run *run) {
    struct cache_shard *shards = bench_table_create(CACHE_SHARDS * sizeof *shards);
    for (size_t i = 0; i < CACHE_SHARDS; i++)
        pthread_mutex_init(&shards[i].mutex, NULL);
    run->shared = shards;
}

static void cache_finish(struct bench_run *run) {
    struct cache_shard *shards = run->shared;
    for (size_t i = 0; i < CACHE_SHARDS; i++) {
        for (size_t j = 0; j < SHARD_ENTRIES; j++)
            bench_slot_empty(&shards[i].entries[j]);
        pthread_mutex_destroy(&shards[i].mutex);
    }
    bench_table_release(shards, CACHE_SHARDS * sizeof *shards);
}

static void sessions_setup(struct bench_worker *worker) {
    worker->state = bench_table_create(SESSIONS_TABLE_BYTES);
}

static void session_close(struct session *session) {
    for (size_t i = 0; i < SESSION_BLOCKS; i++)
        bench_slot_empty(&session->blocks[i]);
}

static void sessions_teardown(struct bench_worker *worker) {
    struct session *sessions = worker->state;
    for (size_t i = 0; i < SESSIONS; i++)
        session_close(&sessions[i]);
    bench_table_release(sessions, SESSIONS_TABLE_BYTES);
}

/* A session's blocks: headers, user data, one buffer of some KiB. */
static void session_renew(struct bench_worker *worker) {
    struct session *sessions = worker->state;
    struct session *session = &sessions[bench_random_below(&worker->random, SESSIONS)];
    session_close(session);
    for (size_t i = 0; i + 1 < SESSION_BLOCKS; i++)
        bench_slot_fill(&session->blocks[i], bench_random_between(&worker->random, 24, 320));
    bench_slot_fill(&session->blocks[SESSION_BLOCKS - 1],
                    bench_random_between(&worker->random, 4 * KIB, 16 * KIB));
}

/* Puts one entry into the shared cache; frees whichever thread's was there. */
static void cache_put(struct bench_worker *worker) {
    struct cache_shard *shards = worker->run->shared;
    struct cache_shard *shard = &shards[bench_random_below(&worker->random, CACHE_SHARDS)];
    size_t at = bench_random_below(&worker->random, SHARD_ENTRIES);
    struct bench_slot fresh;
    bench_slot_fill(&fresh, bench_random_skewed(&worker->random, 32, 8));
    pthread_mutex_lock(&shard->mutex);
    struct bench_slot old = shard->entries[at];
    shard->entries[at] = fresh;
    pthread_mutex_unlock(&shard->mutex);
    bench_slot_empty(&old);
}

/* The response: appended to, so it grows by doubling, and written. */
static void respond(struct bench_worker *worker) {
    size_t wanted = bench_random_skewed(&worker->random, 256, 6);
    char *response = NULL;
    size_t capacity = 128;
    for (size_t filled = 0; filled < wanted; filled = capacity, capacity *= 2) {
        response = realloc(response, capacity);
        if (response == NULL)
            bench_fail_null("realloc", capacity);
        memset(response + filled, (int)(wanted & 0x7F), capacity - filled);
    }
    bench_escape(response);
    if (response[0] != (char)(wanted & 0x7F))
        bench_fail("a response of %zu bytes lost its first byte", wanted);
    free(response);
}

static void request(struct bench_worker *worker) {
    struct bench_slot temporaries[MAX_TEMPORARIES];
    size_t count = bench_random_between(&worker->random, 8, MAX_TEMPORARIES);
    for (size_t i = 0; i < count; i++)
        bench_slot_fill(&temporaries[i], bench_random_skewed(&worker->random, 16, 6));
    cache_put(worker);
    if (bench_random_below(&worker->random, SESSION_EVERY) == 0)
        session_renew(worker);
    respond(worker);
    if (bench_random_below(&worker->random, LARGE_EVERY) == 0) {
        size_t size_bytes = bench_random_between(&worker->random, 64 * KIB, 512 * KIB);
        void *buffer = bench_block_create(size_bytes);
        bench_block_touch_pages(buffer, size_bytes);
        bench_block_release(buffer, size_bytes);
    }
    while (count-- > 0)
        bench_slot_empty(&temporaries[count]);
}

static void server(struct bench_worker *worker) {
    for (uint64_t n; (n = bench_more(worker, CHUNK)) != 0;) {
        for (uint64_t i = 0; i < n; i++)
            request(worker);
    }
}

const struct bench_workload workload_server = {
    .name = "server",
    .summary = "requests, sessions, a shared cache, growing responses, large buffers",
    .operation = "request",
    .kind = BENCH_SPEED,
    .min_threads = 1,
    .thread_multiple = 1,
    .prepare = cache_prepare,
    .setup = sessions_setup,
    .body = server,
    .teardown = sessions_teardown,
    .finish = cache_finish,
};
