/* SPDX-License-Identifier: MIT */
/*
 * Data races by happens-before: for each 8-byte cell the last accesses, each with its bytes and its
 * thread's epoch. Two accesses of different threads that share a byte, one of them a write and one
 * of them plain, race unless the first happened before the second.
 */
#include "engine.h"

#define SLOTS 65536u /* a power of two */
#define CELLS_MAX 49152u
#define ACCESSES 6u /* kept per cell */
#define RANGES 64u  /* accesses of more than RANGE_BYTES are kept whole */
#define RANGE_BYTES 512u

struct access {
    uint8_t mask; /* which of the eight bytes */
    uint8_t thread;
    bool write, atomic, freed;
    int16_t epoch;
    uint16_t step;
    uintptr_t pc;
};

struct cell {
    uintptr_t key; /* address / 8 */
    uint8_t count;
    struct access accesses[ACCESSES];
};

/* Where a key's cell is. Cells stand in the order of first access, and 32 neighbouring words have
 * neighbouring slots: a schedule's working set is then a few pages. */
struct slot {
    uint32_t generation, cell;
};

struct range {
    uintptr_t start, end;
    struct access access; /* mask: all */
};

HUNT_STATE static struct cell *cells;
HUNT_STATE static struct slot *slots;
HUNT_STATE static uint32_t cell_count, generation;
HUNT_STATE static struct range ranges[RANGES];
HUNT_STATE static uint32_t range_count;
HUNT_STATE static uintptr_t ranges_start, ranges_end; /* all of them lie within */

bool hunt_shadow_open(void) {
    cells = hunt_os_reserve_state(CELLS_MAX * sizeof *cells);
    slots = hunt_os_reserve_state(SLOTS * sizeof *slots);
    return cells != NULL && slots != NULL;
}

void hunt_shadow_reset(void) {
    generation++;
    cell_count = 0;
    range_count = 0;
    ranges_start = UINTPTR_MAX;
    ranges_end = 0;
}

static struct cell *cell_at(uintptr_t key) {
    for (uint64_t i = hunt_mix(key / 32) * 32 + key % 32;; i++) {
        struct slot *slot = &slots[i & (SLOTS - 1)];
        if (slot->generation == generation && cells[slot->cell].key == key)
            return &cells[slot->cell];
        if (slot->generation == generation)
            continue;
        if (cell_count == CELLS_MAX)
            hunt_fail(HUNT_MISUSE, 0,
                      "more than %u words of memory in one schedule: make the scenario smaller",
                      CELLS_MAX);
        *slot = (struct slot){generation, cell_count};
        struct cell *cell = &cells[cell_count++];
        cell->key = key;
        cell->count = 0;
        return cell;
    }
}

static const char *kind_name(const struct access *access) {
    if (access->atomic)
        return access->write ? "atomic write" : "atomic read";
    return access->write ? "write" : "read";
}

__attribute__((noreturn)) static void report(uintptr_t addr, const struct access *now,
                                             const struct access *earlier) {
    uintptr_t low = now->pc < earlier->pc ? now->pc : earlier->pc;
    uintptr_t high = now->pc < earlier->pc ? earlier->pc : now->pc;
    hunt.finding.pc = now->pc;
    hunt.finding.other_pc = earlier->pc;
    hunt.finding.other_thread = earlier->thread;
    hunt.finding.other_step = earlier->step;
    hunt.finding.addr = addr;
    hunt_fail(HUNT_RACE, hunt_mix(low) ^ high, "T%u's %s is not ordered with T%u's %s before it",
              now->thread, kind_name(now), earlier->thread, kind_name(earlier));
}

__attribute__((noreturn)) static void report_freed(uintptr_t addr, const struct access *now,
                                                   const struct access *freed) {
    hunt.finding.pc = now->pc;
    hunt.finding.addr = addr;
    hunt_fail(HUNT_MISUSE, hunt_mix(now->pc), "T%u's %s touches a block that T%u has freed",
              now->thread, kind_name(now), freed->thread);
}

static bool happened_before(const struct access *earlier, const struct hunt_thread *self) {
    return earlier->epoch <= self->view.before.at[earlier->thread];
}

static bool conflict(const struct access *a, const struct access *b) {
    return (a->mask & b->mask) != 0 && a->thread != b->thread && (a->write || b->write) &&
           !(a->atomic && b->atomic);
}

/* An old access says nothing new if every access that races with it races with the new one too. */
static bool is_covered(const struct access *old, const struct access *now,
                       const struct hunt_thread *self) {
    return (old->mask & ~now->mask) == 0 && happened_before(old, self) &&
           (now->write || !old->write) && (!now->atomic || old->atomic);
}

static void check_ranges(uintptr_t addr, uintptr_t end, const struct access *now,
                         const struct hunt_thread *self) {
    if (end <= ranges_start || addr >= ranges_end)
        return;
    for (uint32_t i = 0; i < range_count && i < RANGES; i++) {
        const struct access *earlier = &ranges[i].access;
        if (ranges[i].start >= end || addr >= ranges[i].end)
            continue;
        if (earlier->freed)
            report_freed(addr, now, earlier);
        if (conflict(earlier, now) && !happened_before(earlier, self))
            report(addr, now, earlier);
    }
}

static void check_cell(struct cell *cell, const struct access *now,
                       const struct hunt_thread *self) {
    uintptr_t addr = cell->key * 8 + (uintptr_t)__builtin_ctz(now->mask);
    for (unsigned i = 0; i < cell->count; i++) {
        const struct access *earlier = &cell->accesses[i];
        if (earlier->freed && (earlier->mask & now->mask) != 0)
            report_freed(addr, now, earlier);
        if (conflict(earlier, now) && !happened_before(earlier, self))
            report(addr, now, earlier);
    }
}

static void keep_in_cell(struct cell *cell, const struct access *now,
                         const struct hunt_thread *self) {
    unsigned kept = 0;
    for (unsigned i = 0; i < cell->count; i++)
        if (!is_covered(&cell->accesses[i], now, self))
            cell->accesses[kept++] = cell->accesses[i];
    if (kept ==
        ACCESSES) { /* the oldest goes: more unordered kinds of access than any real cell has */
        kept--;
        __real_memmove(cell->accesses, cell->accesses + 1, kept * sizeof cell->accesses[0]);
    }
    cell->accesses[kept++] = *now;
    cell->count = (uint8_t)kept;
}

static void add_range(uintptr_t start, uintptr_t end, const struct access *access) {
    ranges[range_count++ % RANGES] = (struct range){start, end, *access};
    ranges_start = start < ranges_start ? start : ranges_start;
    ranges_end = end > ranges_end ? end : ranges_end;
}

static void access_range(uintptr_t addr, size_t size_bytes, struct access *now,
                         const struct hunt_thread *self) {
    uintptr_t end = addr + size_bytes;
    now->mask = 0xff;
    for (uint32_t i = 0; i < cell_count; i++) {
        struct cell *cell = &cells[i];
        if (cell->key * 8 < end && addr < cell->key * 8 + 8)
            check_cell(cell, now, self);
    }
    add_range(addr, end, now);
}

void hunt_shadow_access(uintptr_t addr, size_t size_bytes, bool write, bool atomic, uintptr_t pc) {
    const struct hunt_thread *self = hunt.current;
    if (!hunt.races || self->id == 0 || size_bytes == 0)
        return;
    struct access now = {.thread = self->id,
                         .write = write,
                         .atomic = atomic,
                         .pc = pc,
                         .epoch = self->view.before.at[self->id],
                         .step = (uint16_t)hunt.step_count};
    uintptr_t end = addr + size_bytes;
    if (range_count != 0) {
        now.mask = 0xff;
        check_ranges(addr, end, &now, self);
    }
    if (size_bytes > RANGE_BYTES) {
        access_range(addr, size_bytes, &now, self);
        return;
    }
    for (uintptr_t key = addr / 8; key <= (end - 1) / 8; key++) {
        unsigned from = key * 8 < addr ? (unsigned)(addr & 7) : 0;
        unsigned to = key * 8 + 8 > end ? (unsigned)(end & 7) : 8;
        now.mask = (uint8_t)((0xffu >> (8 - (to - from))) << from);
        struct cell *cell = cell_at(key);
        check_cell(cell, &now, self);
        keep_in_cell(cell, &now, self);
    }
}

/* Kept as a range whatever the size: one entry, and cells need not exist. */
void hunt_shadow_free(uintptr_t addr, size_t size_bytes) {
    const struct hunt_thread *self = hunt.current;
    if (self->id == 0 || size_bytes == 0)
        return;
    struct access freed = {.thread = self->id,
                           .write = true,
                           .freed = true,
                           .mask = 0xff,
                           .epoch = self->view.before.at[self->id]};
    add_range(addr, addr + size_bytes, &freed);
}

void hunt_shadow_forget(uintptr_t addr, size_t size_bytes) {
    for (uint32_t i = 0; i < cell_count; i++) {
        struct cell *cell = &cells[i];
        if (cell->key * 8 >= addr && cell->key * 8 < addr + size_bytes)
            cell->count = 0;
    }
    for (uint32_t i = 0; i < range_count && i < RANGES; i++)
        if (ranges[i].start >= addr && ranges[i].end <= addr + size_bytes)
            ranges[i].start = ranges[i].end = 0;
}

/* Whether the address is on the running thread's own stack. */
static bool is_on_stack(uintptr_t addr) {
    return addr - (uintptr_t)__builtin_frame_address(0) < (256u << 10);
}

void hunt_plain_access(uintptr_t addr, size_t size_bytes, bool write, uintptr_t pc) {
    if (hunt.current->id == 0 || size_bytes == 0)
        return;
    struct hunt_event event = {.kind = write ? HUNT_OP_WRITE : HUNT_OP_READ,
                               .size = (uint32_t)size_bytes,
                               .addr = addr,
                               .pc = pc};
    if (hunt.plain_points && !is_on_stack(addr))
        hunt_step(&event);
    else if (hunt.tracing)
        hunt_trace_add(&event);
    hunt_shadow_access(addr, size_bytes, write, false, pc);
    if (write)
        hunt_memory_overwritten(addr, size_bytes);
}
