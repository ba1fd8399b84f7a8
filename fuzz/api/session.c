/* SPDX-License-Identifier: MIT */
/* The operations of fuzz_api that concern more than one block: bursts,
 * threads, fork, trim, statistics, faults; and an input's begin and end. */
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "hakmem.h"
#include "harness/arena.h"
#include "harness/child.h"
#include "harness/fault.h"
#include "harness/pattern.h"
#include "harness/run.h"
#include "harness/target.h"
#include "model.h"

enum {
    MARK = 0x5A5A,
    BURST_WHOLE_BYTES = 1024,
    BURST_END_BYTES = 32,
    THREAD_STACK_BYTES = 1024 * 1024,
    THREAD_DEPTH_MAX = 16,
    GUARD_BYTES = 64 * 1024,
    BURST_BUDGET_BYTES = 256 * 1024, /* of an input, while fuzzing, */
    BURST_BUDGET_COUNT = 192,
    THREAD_BUDGET = 1,      /* of a whole input (run.h); none of the others */
    UNLIMITED_EVERY = 16,   /* except one in so many */
    FORK_EVERY = 2048,      /* inputs, while fuzzing: a fork costs as much as many of them */
    CHILD_DEADLINE_S = 300, /* the clock's: no load makes what a child does so slow */
};

/* --- Bursts ----------------------------------------------------------------- */

struct burst_block {
    unsigned char *start;
    size_t size_bytes;
    uint64_t seed;
    unsigned thread;
};

static struct burst_block burst[API_BURST_MAX];
static size_t burst_count;
static uint64_t burst_seed;
static size_t burst_bytes_left, burst_count_left, threads_left;
static unsigned inputs_since_fork;

static void burst_fill(const struct burst_block *block) {
    if (block->size_bytes <= BURST_WHOLE_BYTES) {
        hak_pattern_fill(block->start, 0, block->size_bytes, block->seed);
        return;
    }
    hak_pattern_fill(block->start, 0, BURST_END_BYTES, block->seed);
    hak_pattern_fill(block->start, block->size_bytes - BURST_END_BYTES, BURST_END_BYTES,
                     block->seed);
    hak_fuzz_arena_wrote(block->start + block->size_bytes - BURST_END_BYTES, BURST_END_BYTES);
}

static void burst_verify(const struct burst_block *block, const char *when) {
    size_t at;
    if (block->size_bytes <= BURST_WHOLE_BYTES) {
        at = hak_pattern_mismatch(block->start, 0, block->size_bytes, block->seed);
    } else {
        at = hak_pattern_mismatch(block->start, 0, BURST_END_BYTES, block->seed);
        if (at == SIZE_MAX) {
            at = hak_pattern_mismatch(block->start, block->size_bytes - BURST_END_BYTES,
                                      BURST_END_BYTES, block->seed);
        }
    }
    if (at != SIZE_MAX) {
        hak_fuzz_fail("contents: byte %zu of a burst's block of %zu bytes at %p changed (%s)", at,
                      block->size_bytes, (void *)block->start, when);
    }
}

/* A long burst costs as much as many inputs, and so does a thread under ASan. */
static void set_budgets(void) {
    static unsigned inputs;
    bool is_limited = hak_fuzz_is_fuzzing() && inputs++ % UNLIMITED_EVERY != 0;
    threads_left = !is_limited ? SIZE_MAX : hak_fuzz_is_whole() ? THREAD_BUDGET : 0;
    burst_bytes_left = is_limited ? BURST_BUDGET_BYTES : SIZE_MAX;
    burst_count_left = is_limited ? BURST_BUDGET_COUNT : SIZE_MAX;
}

void api_burst(size_t count, size_t size) {
    for (size_t i = 0; i < count && burst_count < API_BURST_MAX; i++) {
        if (burst_count_left == 0 || burst_bytes_left < size) {
            return;
        }
        burst_count_left--;
        burst_bytes_left -= size;
        errno = MARK;
        unsigned char *start = hak_malloc(size);
        int error = errno;
        if (!model_accepts("malloc in a burst", start, model_expect(size, 1), error)) {
            return;
        }
        if ((uintptr_t)start % (size <= 8 ? 8 : 16) != 0) {
            hak_fuzz_fail("alignment: malloc in a burst gave %p for %zu bytes", (void *)start,
                          size);
        }
        burst[burst_count] = (struct burst_block){start, size, ~burst_seed++ << 24, model_thread()};
        model_note_written(start, size, 1);
        burst_fill(&burst[burst_count++]);
    }
}

static void burst_free_at(size_t index) {
    struct burst_block block = burst[index];
    burst_verify(&block, "before free");
    errno = MARK;
    hak_free(block.start);
    if (errno != MARK) {
        hak_fuzz_fail("free: set errno to %d", errno);
    }
    burst[index] = burst[--burst_count];
    hak_fuzz_tally(block.thread == model_thread() ? OUTCOME_burst_freed : OUTCOME_burst_remote);
}

void api_burst_free(size_t count, size_t order) {
    for (size_t i = 0; i < count && burst_count > 0; i++) {
        size_t scattered = (i * 7919 + order) % burst_count;
        burst_free_at(order == 0 ? 0 : order == 1 ? burst_count - 1 : scattered);
    }
}

/* --- An input's begin and end ------------------------------------------------ */

void api_begin(void) {
    model_reset();
    burst_count = 0;
    burst_seed = 1;
    set_budgets();
    inputs_since_fork++;
}

void api_verify_all(void) {
    model_verify_slots("among all");
    for (size_t i = 0; i < burst_count; i++) {
        burst_verify(&burst[i], "among all");
    }
}

static void check_heap(void) {
    hak_fuzz_mode.walks_all = hak_fuzz_is_whole();
    hak_heap_check();
    hak_fuzz_mode.walks_all = false;
}

void api_end(void) {
    api_fault(0, 0);
    for (size_t slot = 0; slot < API_SLOT_COUNT; slot++) {
        if (model_blocks[slot].start != NULL) {
            api_free(slot);
        }
    }
    api_burst_free(API_BURST_MAX, 1);
    check_heap();
}

/* --- Threads ---------------------------------------------------------------- */

struct work {
    size_t count;
    void (*operations)(void);
    bool is_nested;
};

static void *run_operations(void *argument) {
    const struct work *work = argument;
    model_enter_thread();
    if (work->operations != NULL) {
        work->operations();
    }
    for (size_t i = 0; i < work->count && hak_fuzz_step(); i++) {
    }
    hak_fuzz_tally(work->is_nested ? OUTCOME_thread_nested : OUTCOME_thread_ran);
    return NULL;
}

/* A stack for each depth of nesting, made once: mapping one costs as much as the rest of
 * a thread. Around it lies memory that nobody may touch. */
static void *stack_at(size_t depth) {
    static char *stacks[THREAD_DEPTH_MAX];
    if (stacks[depth] == NULL) {
        char *start = mmap(NULL, THREAD_STACK_BYTES + 2 * GUARD_BYTES, PROT_NONE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (start == MAP_FAILED ||
            mprotect(start + GUARD_BYTES, THREAD_STACK_BYTES, PROT_READ | PROT_WRITE) != 0) {
            hak_fuzz_fail("thread: no stack; is the machine out of memory?");
        }
        stacks[depth] = start + GUARD_BYTES;
    }
    return stacks[depth];
}

static void run_on_thread(struct work work) {
    static size_t depth; /* threads run in sequence */
    pthread_attr_t attributes;
    pthread_t thread;
    work.is_nested = model_thread() != 0;
    if (depth == THREAD_DEPTH_MAX) {
        return; /* the operations run on this one */
    }
    void *stack = stack_at(depth++);
    bool ran = pthread_attr_init(&attributes) == 0 &&
               pthread_attr_setstack(&attributes, stack, THREAD_STACK_BYTES) == 0 &&
               pthread_create(&thread, &attributes, run_operations, &work) == 0 &&
               pthread_join(thread, NULL) == 0;
    pthread_attr_destroy(&attributes);
    depth--;
    if (!ran) {
        hak_fuzz_fail("thread: could not be run; is the machine out of threads?");
    }
}

void api_thread(size_t count) {
    if (threads_left == 0) {
        return; /* the operations run on this one */
    }
    threads_left--;
    run_on_thread((struct work){.count = count});
}

void api_thread_running(void (*operations)(void)) {
    run_on_thread((struct work){.operations = operations});
}

/* --- Fork -------------------------------------------------------------------- */

static void live_in_child(void) {
    alarm(CHILD_DEADLINE_S); /* a lock that nobody will release ends in SIGALRM */
    api_verify_all();
    for (size_t slot = 0; slot < API_SLOT_COUNT; slot += 2) {
        api_malloc(slot, 24 * (slot + 1));
        api_realloc(slot + 1, 3000);
    }
    api_burst(100, 64);
    api_burst_free(API_BURST_MAX, 2);
    api_verify_all();
    check_heap();
    _exit(0);
}

void api_fork(void) {
    if (hak_fuzz_is_fuzzing() && inputs_since_fork < FORK_EVERY) {
        return;
    }
    inputs_since_fork = 0;
    pid_t child = fork();
    if (child == 0) {
        live_in_child();
    }
    if (child < 0) {
        return; /* the machine is out of processes, which is nobody's fault here */
    }
    int status = hak_fuzz_wait(child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        hak_fuzz_fail("fork: the child ended with status 0x%x", (unsigned)status);
    }
    hak_fuzz_tally(OUTCOME_forked);
}

/* --- The allocator as a whole ------------------------------------------------- */

void api_trim(size_t keep) {
    int result = hak_malloc_trim(keep);
    if (result != 0 && result != 1) {
        hak_fuzz_fail("malloc_trim: returned %d", result);
    }
    if (result == 1) {
        hak_fuzz_tally(OUTCOME_trimmed);
    }
}

void api_mallinfo2(void) {
    size_t live_bytes = model_live_bytes();
    for (size_t i = 0; i < burst_count; i++) {
        live_bytes += burst[i].size_bytes;
    }
    struct mallinfo2 info = hak_mallinfo2();
    if (info.uordblks + info.hblkhd < live_bytes) {
        hak_fuzz_fail("mallinfo2: uordblks %zu and hblkhd %zu with %zu bytes live", info.uordblks,
                      info.hblkhd, live_bytes);
    }
}

void api_heap_check(void) {
    check_heap();
}

void api_fault(size_t nth, size_t count) {
    static uint64_t hits_seen;
    hak_fuzz_fault_mmap_after(nth, count);
    model_set_fault(nth != 0 && hak_fuzz_fault_is_possible());
    for (; hits_seen < hak_fuzz_fault_hits(); hits_seen++) {
        hak_fuzz_tally(OUTCOME_fault_hit);
    }
}

void api_clock(size_t ns) {
    hak_fuzz_clock_advance(ns);
}
