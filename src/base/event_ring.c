/* SPDX-License-Identifier: MIT */
/* Event rings: see event_ring.h. Layer 0. Checked builds only.
 *
 * Rings are a fixed array, so that recording can start before the allocator
 * has any memory and goes on while it has none. More threads at once than
 * rings share them: events may then be lost, never the program. */
#include "base/event_ring.h"

#include <stdbool.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <dlfcn.h>
#include <unwind.h>

#include "base/atomic.h"
#include "base/format.h"

/* Every field: atomic, relaxed. A report may read a ring while its thread runs,
 * and a torn line in a report is better than a stop of the world. */
struct hak_event_entry {
    _Atomic uint64_t time_ns;    /* 0: never written */
    _Atomic(const char *) what;
    _Atomic uintptr_t address;
    _Atomic uint64_t number;
};

struct hak_event_ring {
    struct hak_event_entry entries[HAK_EVENT_RING_LENGTH]; /* atomic: each field */
    _Atomic uint32_t next;                                 /* atomic: the owner writes */
    _Atomic uint32_t taken;                                /* atomic: 1 while a thread has it */
    _Atomic int thread_id;                                 /* atomic: whose it is, or was last */
};

static struct hak_event_ring rings[HAK_EVENT_RING_COUNT];
static _Atomic uint32_t ring_cursor;

static __thread struct hak_event_ring *my_ring;
/* Every field: owner. */
static __thread struct {
    const char *call;
    const void *block;
    size_t size_bytes;
} my_operation;

static struct hak_event_ring *take_ring(void) {
    uint32_t start = hak_add_relaxed(&ring_cursor, 1u); /* spreads threads; publishes nothing */
    struct hak_event_ring *ring = &rings[start % HAK_EVENT_RING_COUNT];
    for (uint32_t i = 0; i < HAK_EVENT_RING_COUNT; i++) {
        struct hak_event_ring *candidate = &rings[(start + i) % HAK_EVENT_RING_COUNT];
        /* Relaxed: entries are atomics themselves. */
        if (hak_exchange_relaxed(&candidate->taken, 1u) == 0) {
            ring = candidate;
            break;
        }
    }
    hak_store_relaxed(&ring->thread_id, (int)syscall(SYS_gettid));
    return ring;
}

void hak_event_record(const char *what, const void *address, uint64_t number) {
    struct timespec now;
    if (my_ring == NULL) {
        my_ring = take_ring();
    }
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint32_t at = hak_load_relaxed(&my_ring->next);
    struct hak_event_entry *entry = &my_ring->entries[at % HAK_EVENT_RING_LENGTH];
    hak_store_relaxed(&entry->time_ns,
                      (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec);
    hak_store_relaxed(&entry->what, what);
    hak_store_relaxed(&entry->address, (uintptr_t)address);
    hak_store_relaxed(&entry->number, number);
    hak_store_relaxed(&my_ring->next, at + 1);
}

void hak_event_ring_release(void) {
    if (my_ring != NULL) {
        hak_store_relaxed(&my_ring->taken, 0u);
        my_ring = NULL;
    }
}

void hak_operation_enter(const char *call, const void *block, size_t size_bytes) {
    my_operation.call = call;
    my_operation.block = block;
    my_operation.size_bytes = size_bytes;
    hak_event_record(call, block, size_bytes);
}

/* --- The report ---------------------------------------------------------- */

enum { BACKTRACE_DEPTH_MAX = 32, EVENTS_SHOWN = 48 };

/* Every field: owner. */
struct frames {
    uintptr_t addresses[BACKTRACE_DEPTH_MAX];
    uint32_t count;
};

static _Unwind_Reason_Code collect_frame(struct _Unwind_Context *context, void *argument) {
    struct frames *frames = argument;
    uintptr_t address = _Unwind_GetIP(context);
    if (address == 0 || frames->count == BACKTRACE_DEPTH_MAX) {
        return _URC_END_OF_STACK;
    }
    frames->addresses[frames->count++] = address;
    return _URC_NO_REASON;
}

/* dladdr takes the loader's lock but does not allocate. */
static void write_backtrace(int fd) {
    struct frames frames = {.count = 0};
    _Unwind_Backtrace(collect_frame, &frames);
    hak_write_line(fd, "  backtrace (addr2line -e FILE OFFSET names the lines):");
    for (uint32_t i = 1; i < frames.count; i++) {
        Dl_info where;
        uintptr_t address = frames.addresses[i];
        if (dladdr((void *)address, &where) == 0 || where.dli_fname == NULL) {
            hak_write_line(fd, "    #%-2u %p", i - 1, (void *)address);
            continue;
        }
        hak_write_line(fd, "    #%-2u %s+0x%lx %s", i - 1, where.dli_fname,
                       address - (uintptr_t)where.dli_fbase,
                       where.dli_sname != NULL ? where.dli_sname : "");
    }
}

/* The newest entry older than `before_ns`; false when there is none. Repeated,
 * it walks all rings backwards without sorting or memory. */
static bool find_newest_before(uint64_t before_ns, const struct hak_event_ring *skip_ring,
                               uint32_t skip_at, struct hak_event_ring **ring_out,
                               uint32_t *at_out, uint64_t *time_out) {
    uint64_t best = 0;
    for (uint32_t r = 0; r < HAK_EVENT_RING_COUNT; r++) {
        for (uint32_t i = 0; i < HAK_EVENT_RING_LENGTH; i++) {
            uint64_t t = hak_load_relaxed(&rings[r].entries[i].time_ns);
            if (t > best && t < before_ns && !(&rings[r] == skip_ring && i == skip_at)) {
                best = t;
                *ring_out = &rings[r];
                *at_out = i;
            }
        }
    }
    *time_out = best;
    return best != 0;
}

static void write_events(int fd) {
    struct hak_event_ring *ring = NULL;
    uint32_t at = 0;
    uint64_t before = UINT64_MAX, time_ns = 0, newest = 0;
    hak_write_line(fd, "  last events of all threads, newest first (microseconds before the newest):");
    for (uint32_t shown = 0; shown < EVENTS_SHOWN; shown++) {
        if (!find_newest_before(before, ring, at, &ring, &at, &time_ns)) {
            break;
        }
        newest = newest == 0 ? time_ns : newest;
        struct hak_event_entry *entry = &ring->entries[at];
        hak_write_line(fd, "    -%-9lu thread %-7d %-22s %p %lu", (newest - time_ns) / 1000,
                       hak_load_relaxed(&ring->thread_id), hak_load_relaxed(&entry->what),
                       (void *)hak_load_relaxed(&entry->address),
                       hak_load_relaxed(&entry->number));
        before = time_ns;
    }
}

void hak_report_context_checked(int fd) {
    hak_write_line(fd, "  thread %ld, operation %s(block %p, size %zu)", syscall(SYS_gettid),
                   my_operation.call != NULL ? my_operation.call : "none", my_operation.block,
                   my_operation.size_bytes);
    write_backtrace(fd);
    write_events(fd);
}
