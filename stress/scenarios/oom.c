/* SPDX-License-Identifier: MIT */
/**
 * @file oom.c
 * The address space is limited; all threads allocate until there is none left,
 * each in another tier every round. Every refusal must be NULL with ENOMEM and
 * cost no block its contents; once all is freed, the heap must serve again, and
 * must reach a good part of what it reached the first time.
 */
#include "../common/block.h"
#include "../common/pattern.h"
#include "scenarios.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../common/allocator.h"

enum { BLOCKS_MAX = 1 << 18, TIER_COUNT = 4 };
static const size_t headroom_bytes = (size_t)96 * 1024 * 1024;
static const size_t recovery_bytes = (size_t)1024 * 1024;
static const size_t impossible_bytes = (size_t)1 << 33;

static const struct tier {
    size_t low_bytes, high_bytes;
} tiers[TIER_COUNT] = {{400, 2000}, {4096, 32768}, {65536, 1048576}, {1048577, 6000000}};

struct oom {
    struct stress_meeting meeting;
    struct rlimit before;
    size_t reached_bytes; /* atomic: in this round, by all threads */
    size_t first_bytes;   /* thread 0: what the first round reached */
    struct stress_block *tables[STRESS_THREADS_MAX];
    size_t counts[STRESS_THREADS_MAX];
};

static size_t address_space_bytes(const struct stress_run *run) {
    char text[128] = {0};
    int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t length = file < 0 ? -1 : read(file, text, sizeof(text) - 1);
    if (length <= 0) {
        stress_fail(run, "/proc/self/statm: %s", strerror(errno));
    }
    close(file);
    return strtoul(text, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE);
}

static void limit_address_space(const struct stress_run *run, struct oom *oom) {
    struct rlimit limit = oom->before;
    limit.rlim_cur = address_space_bytes(run) + headroom_bytes;
    if (setrlimit(RLIMIT_AS, &limit) != 0) {
        stress_fail(run, "setrlimit(RLIMIT_AS): %s", strerror(errno));
    }
}

/** Requests that cannot be met: refused, and nothing else happens. */
static void check_refusals(struct stress_worker *worker, struct stress_block *block) {
    struct stress_block none = {0};
    if (stress_block_try_malloc(worker, &none, impossible_bytes)) {
        stress_fail(worker->run, "malloc of %zu bytes passed the address space limit",
                    impossible_bytes);
    }
    errno = 0;
    void *moved = realloc(block->memory, impossible_bytes);
    if (moved != NULL || errno != ENOMEM) {
        stress_fail(worker->run, "realloc to %zu bytes gave %p with errno %d, not NULL and ENOMEM",
                    impossible_bytes, moved, errno);
    }
    stress_block_verify(worker->run, block);
}

/** Allocates until refused. Returns the bytes reached. */
static size_t exhaust(struct stress_worker *worker, struct oom *oom, const struct tier *tier) {
    struct stress_block *table = oom->tables[worker->index];
    size_t count = 0;
    size_t reached_bytes = 0;
    for (; count < BLOCKS_MAX; count++) {
        size_t size_bytes =
            stress_random_between(&worker->random, tier->low_bytes, tier->high_bytes);
        if (!stress_block_try_malloc(worker, &table[count], size_bytes)) {
            break;
        }
        reached_bytes += size_bytes;
        stress_worker_step(worker);
    }
    if (count == BLOCKS_MAX) {
        stress_fail(worker->run, "%zu bytes allocated, and the limit of %zu never met",
                    reached_bytes, headroom_bytes);
    }
    oom->counts[worker->index] = count;
    return reached_bytes;
}

static void check_recovery(struct stress_worker *worker, const struct tier *tier) {
    struct stress_block blocks[64] = {0};
    size_t held_bytes = 0;
    for (unsigned i = 0; i < 64 && held_bytes < recovery_bytes; i++) {
        if (!stress_block_try_malloc(worker, &blocks[i], tier->low_bytes)) {
            stress_fail(worker->run,
                        "all was freed, but malloc of %zu bytes still gives NULL (%zu held)",
                        tier->low_bytes, held_bytes);
        }
        held_bytes += tier->low_bytes;
    }
    stress_blocks_free(worker->run, blocks, 64);
}

static void check_reached(const struct stress_run *run, struct oom *oom) {
    if (oom->first_bytes == 0) {
        oom->first_bytes = oom->reached_bytes;
    }
    if (oom->reached_bytes < oom->first_bytes / 4) {
        stress_fail(run, "the heap reached %zu bytes, but %zu before: memory was lost",
                    oom->reached_bytes, oom->first_bytes);
    }
    oom->reached_bytes = 0;
}

static void play_round(struct stress_worker *worker, struct oom *oom, unsigned round) {
    const struct tier *tier = &tiers[(worker->index + round) % TIER_COUNT];
    struct stress_block *table = oom->tables[worker->index];
    size_t reached_bytes = exhaust(worker, oom, tier);
    __atomic_fetch_add(&oom->reached_bytes, reached_bytes, __ATOMIC_RELAXED);
    if (oom->counts[worker->index] > 0) {
        check_refusals(worker, &table[0]);
    }
    stress_meeting_heap_check(&oom->meeting, worker);
    stress_blocks_free(worker->run, table, oom->counts[worker->index]);
    stress_meeting_heap_check(&oom->meeting, worker);
    if (worker->index == 0) {
        check_reached(worker->run, oom);
    }
    check_recovery(worker, tier);
}

static void oom_body(struct stress_worker *worker, void *context) {
    struct oom *oom = context;
    const size_t table_bytes = BLOCKS_MAX * sizeof(struct stress_block);
    oom->tables[worker->index] = stress_pages_create(worker->run, table_bytes);
    stress_meeting_wait(&oom->meeting);
    if (worker->index == 0) {
        limit_address_space(worker->run, oom);
    }
    stress_meeting_wait(&oom->meeting);
    unsigned round = 0;
    do {
        play_round(worker, oom, round);
        round++;
    } while (!stress_meeting_is_over(&oom->meeting, worker));
    stress_pages_destroy(oom->tables[worker->index], table_bytes);
}

void stress_scenario_oom(struct stress_run *run) {
    struct oom *oom = stress_pages_create(run, sizeof(*oom));
    getrlimit(RLIMIT_AS, &oom->before);
    stress_meeting_init(&oom->meeting, run);
    stress_threads_run(run, oom_body, oom);
    stress_meeting_destroy(&oom->meeting);
    setrlimit(RLIMIT_AS, &oom->before);
    stress_pages_destroy(oom, sizeof(*oom));
}
