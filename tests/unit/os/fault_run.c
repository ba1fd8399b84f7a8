/* SPDX-License-Identifier: MIT */
/* Scenarios with failing calls: see fault_run.h. */
#include "fault_run.h"

#include <criterion/criterion.h>
#include <criterion/logging.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/config.h"
#include "base/constants.h"
#include "hakmem.h"
#include "region/region_map.h"
#include "support/child.h"
#include "support/expect.h"
#include "support/os_fault.h"

enum { BLOCKS_MAX = 40000, CALLS_MAX = 2000, EXIT_WRONG = 1, EXIT_NO_SUCH_CALL = 3 };

void fault_wrong(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    _exit(EXIT_WRONG);
}

/* --- Blocks ---------------------------------------------------------------- */

static void stamp(const struct fault_block *b) {
    memset(b->start, (int)(b->size_bytes % 251), b->size_bytes < 32 ? b->size_bytes : 32);
    b->start[b->size_bytes - 1] = 0x5A;
}

/* The part below `limit_bytes`, which is all that a smaller size keeps. */
static void verify(const struct fault_block *b, size_t limit_bytes) {
    size_t head = b->size_bytes < 32 ? b->size_bytes - 1 : 32;
    head = head < limit_bytes ? head : limit_bytes;
    for (size_t i = 0; i < head; i++) {
        if (b->start[i] != (char)(b->size_bytes % 251)) {
            fault_wrong("block %p of %zu: byte %zu changed", (void *)b->start, b->size_bytes, i);
        }
    }
    if (limit_bytes >= b->size_bytes && b->start[b->size_bytes - 1] != 0x5A) {
        fault_wrong("block %p of %zu: its last byte changed", (void *)b->start, b->size_bytes);
    }
}

static bool refuse(struct fault_run *run, const char *call, size_t size_bytes) {
    if (errno != ENOMEM) {
        fault_wrong("%s(%zu) gave NULL with errno %d", call, size_bytes, errno);
    }
    if (test_os_failed_count() == 0) {
        fault_wrong("%s(%zu) gave NULL though nothing failed", call, size_bytes);
    }
    run->refused++;
    return false;
}

static bool keep(struct fault_run *run, const char *call, void *start, size_t size_bytes) {
    if (start == NULL) {
        return refuse(run, call, size_bytes);
    }
    if (run->count == BLOCKS_MAX) {
        fault_wrong("the scenario holds more than %d blocks", BLOCKS_MAX);
    }
    struct fault_block *b = &run->blocks[run->count++];
    *b = (struct fault_block){start, size_bytes};
    if (hak_malloc_usable_size(start) < size_bytes) {
        fault_wrong("%s(%zu): usable size %zu", call, size_bytes, hak_malloc_usable_size(start));
    }
    stamp(b);
    return true;
}

bool fault_malloc(struct fault_run *run, size_t size_bytes) {
    errno = 0;
    return keep(run, "malloc", hak_malloc(size_bytes), size_bytes);
}

bool fault_calloc(struct fault_run *run, size_t count, size_t size_bytes) {
    size_t total = count * size_bytes;
    errno = 0;
    char *block = hak_calloc(count, size_bytes);
    for (size_t i = 0; block != NULL && i < total; i += total < 4096 ? 1 : 61) {
        if (block[i] != 0) {
            fault_wrong("calloc(%zu): byte %zu is not zero", total, i);
        }
    }
    return keep(run, "calloc", block, total);
}

bool fault_aligned(struct fault_run *run, size_t alignment_bytes, size_t size_bytes) {
    errno = 0;
    char *block = hak_aligned_alloc(alignment_bytes, size_bytes);
    if ((uintptr_t)block % alignment_bytes != 0) {
        fault_wrong("aligned_alloc(%zu) gave %p", alignment_bytes, (void *)block);
    }
    return keep(run, "aligned_alloc", block, size_bytes);
}

bool fault_realloc(struct fault_run *run, uint32_t at, size_t size_bytes) {
    struct fault_block *b = &run->blocks[at];
    verify(b, b->size_bytes);
    errno = 0;
    char *now = hak_realloc(b->start, size_bytes);
    if (now == NULL) {
        verify(b, b->size_bytes); /* untouched */
        return refuse(run, "realloc", size_bytes);
    }
    b->start = now;
    verify(b, size_bytes < b->size_bytes ? size_bytes : b->size_bytes);
    b->size_bytes = size_bytes;
    stamp(b);
    return true;
}

void fault_free(struct fault_run *run, uint32_t at) {
    verify(&run->blocks[at], run->blocks[at].size_bytes);
    hak_free(run->blocks[at].start);
    run->blocks[at] = run->blocks[--run->count];
}

void fault_free_all(struct fault_run *run) {
    while (run->count > 0) {
        fault_free(run, run->count - 1);
    }
}

/* --- One run, in a child ---------------------------------------------------- */

struct attempt {
    const struct fault_scenario *scenario;
    uint64_t n;
    bool forever;
};

static void expect_nothing_live(const char *when) {
    struct hak_stats stats;
    hak_malloc_trim(0);
    hak_stats_read(&stats);
    if (stats.live_bytes != 0 || stats.l25_run_count != 0 || stats.big_live_count != 0) {
        fault_wrong("%s: %lu bytes are live, %u runs, %u mappings", when, stats.live_bytes,
                    stats.l25_run_count, stats.big_live_count);
    }
    if (hak_heap_check() == 0 && hak_check_level() > 0) {
        fault_wrong("%s: the heap check looked at nothing", when);
    }
}

static void run_attempt(void *p) {
    const struct attempt *attempt = p;
    struct fault_run run = {.blocks = malloc(BLOCKS_MAX * sizeof *run.blocks)};
    hak_config.adaptive_log = false; /* stderr is for what is wrong */
    if (attempt->scenario->two_levels && !hak_region_init(false)) {
        fault_wrong("no region map");
    }
    if (attempt->scenario->prepare != NULL) {
        attempt->scenario->prepare(&run);
    }
    test_os_fail_at(TEST_OS_ALL, attempt->n, attempt->forever);
    attempt->scenario->body(&run);
    bool failed = test_os_failed_count() > 0;
    if (hak_check_level() > 0) {
        hak_heap_check(); /* while the OS still fails, and blocks are live */
    }
    fault_free_all(&run);
    test_os_recover();
    expect_nothing_live("after the failure");

    uint32_t refused = run.refused;
    test_os_fail_at(0, 0, 0);
    run.refused = 0;
    attempt->scenario->body(&run);
    fault_free_all(&run);
    if (run.refused != 0) {
        fault_wrong("%u requests are refused with memory back", run.refused);
    }
    expect_nothing_live("after all");
    free(run.blocks);
    fprintf(stderr, "refused %u", refused);
    _exit(failed ? 0 : EXIT_NO_SUCH_CALL);
}

static uint64_t run_series(const struct fault_scenario *scenario, bool forever,
                           uint32_t *refusing) {
    static struct test_child child;
    for (uint64_t n = 1; n <= CALLS_MAX; n++) {
        struct attempt attempt = {scenario, n, forever};
        test_child_run(&child, run_attempt, &attempt);
        if (child.exit_code == EXIT_NO_SUCH_CALL) {
            return n - 1;
        }
        expect(child.exit_code == 0, "call %lu fails%s: exit %d, signal %d: %s", n,
               forever ? " and all after it" : "", child.exit_code, child.signal, child.text);
        *refusing += strcmp(child.text, "refused 0") != 0;
    }
    expect(false, "more than %d calls", CALLS_MAX);
}

void fault_run_all(const struct fault_scenario *scenario) {
    uint32_t refusing_once = 0, refusing_forever = 0;
    uint64_t once = run_series(scenario, false, &refusing_once);
    uint64_t forever = run_series(scenario, true, &refusing_forever);
    expect(once > 0 && forever > 0, "the scenario never asks the OS");
    expect(scenario->may_hide || refusing_forever > 0, "no failure ever showed");
    cr_log_info("%lu and %lu calls failed in turn; %u and %u runs had a request refused\n", once,
                forever, refusing_once, refusing_forever);
}
