/* SPDX-License-Identifier: MIT */
/*
 * What atomics mean: the last few stores of each location, which of them a load may still see, and
 * the clocks that acquire and release pass on. Follows C11 as C11Tester does, with two
 * simplifications, both on the safe side (fewer behaviours, never an impossible one): stores take
 * effect in the order in which they run, and a failing compare-exchange sees the newest store.
 */
#include "engine.h"

#include <string.h>

#define STORES 4u            /* kept per location; a power of two */
#define LOCATIONS_MAX 32768u /* per schedule */
#define BUCKETS 65536u       /* a power of two, at least twice LOCATIONS_MAX */
#define STALE_READS_MAX 2    /* per thread, until the location is stored to again */

struct store {
    struct hunt_value value;
    struct hunt_view release;  /* what an acquiring load takes in */
    struct hunt_clock readers; /* by thread: the epoch of its first load of this store; 0: none */
    uintptr_t pc;
    int16_t epoch; /* of the storing thread */
    uint8_t thread;
};

struct location {
    uintptr_t addr;
    struct location *next; /* in the same 16-byte granule */
    uint8_t size;
    uint8_t stale_reads[HUNT_THREADS_MAX];
    uint32_t first, newest; /* numbers of the oldest and newest store; slot = number % STORES */
    struct store stores[STORES];
};

struct bucket {
    uintptr_t granule;
    uint32_t generation;
    struct location *locations;
};

HUNT_STATE static struct location *pool;
HUNT_STATE static struct bucket *buckets;
HUNT_STATE static uint32_t pool_count, generation;

bool hunt_memory_open(void) {
    pool = hunt_os_reserve_state(LOCATIONS_MAX * sizeof *pool);
    buckets = hunt_os_reserve_state(BUCKETS * sizeof *buckets);
    return pool != NULL && buckets != NULL;
}

void hunt_memory_reset(void) {
    pool_count = 0;
    generation++;
}

/* ---- clocks ---- */

static int16_t epoch_of(const struct hunt_thread *thread) {
    return thread->view.before.at[thread->id];
}

void hunt_epoch_next(struct hunt_thread *thread) {
    thread->view.before.at[thread->id]++;
    thread->view.seen.at[thread->id]++;
}

void hunt_acquire(struct hunt_thread *thread, const struct hunt_view *view) {
    hunt_view_join(&thread->view, view);
}

static bool acquires(int order) {
    return order == __ATOMIC_ACQUIRE || order == __ATOMIC_CONSUME || order >= __ATOMIC_ACQ_REL;
}

static bool releases(int order) {
    return order >= __ATOMIC_RELEASE;
}

/* ---- locations ---- */

static struct hunt_value value_in_memory(uintptr_t addr, unsigned size) {
    struct hunt_value value = {0, 0};
    switch (size) {
    case 1:
        value.lo = *(const volatile uint8_t *)addr;
        break;
    case 2:
        value.lo = *(const volatile uint16_t *)addr;
        break;
    case 4:
        value.lo = *(const volatile uint32_t *)addr;
        break;
    case 8:
        value.lo = *(const volatile uint64_t *)addr;
        break;
    default:
        value.lo = ((const volatile uint64_t *)addr)[0];
        value.hi = ((const volatile uint64_t *)addr)[1];
    }
    return value;
}

static void value_to_memory(uintptr_t addr, unsigned size, struct hunt_value value) {
    switch (size) {
    case 1:
        *(volatile uint8_t *)addr = (uint8_t)value.lo;
        break;
    case 2:
        *(volatile uint16_t *)addr = (uint16_t)value.lo;
        break;
    case 4:
        *(volatile uint32_t *)addr = (uint32_t)value.lo;
        break;
    case 8:
        *(volatile uint64_t *)addr = value.lo;
        break;
    default:
        ((volatile uint64_t *)addr)[0] = value.lo;
        ((volatile uint64_t *)addr)[1] = value.hi;
    }
}

/* The granule's bucket, or the free one where it would stand. */
static struct bucket *bucket_or_free(uintptr_t granule) {
    for (uint64_t i = hunt_mix(granule);; i++) {
        struct bucket *bucket = &buckets[i & (BUCKETS - 1)];
        if (bucket->generation != generation || bucket->granule == granule)
            return bucket;
    }
}

static struct bucket *bucket_of(uintptr_t addr) {
    struct bucket *bucket = bucket_or_free(addr >> 4);
    if (bucket->generation != generation)
        *bucket = (struct bucket){.granule = addr >> 4, .generation = generation};
    return bucket;
}

static struct store *store_at(struct location *location, uint32_t number) {
    return &location->stores[number % STORES];
}

static bool overlap(const struct location *location, uintptr_t addr, size_t size_bytes) {
    return location->addr < addr + size_bytes && addr < location->addr + location->size;
}

/* Cuts locations that share bytes with the range; what they had released goes to *release. */
static void cut_overlapping(struct bucket *bucket, uintptr_t addr, size_t size_bytes,
                            struct hunt_view *release) {
    struct location **link = &bucket->locations;
    while (*link != NULL) {
        struct location *location = *link;
        if (!overlap(location, addr, size_bytes)) {
            link = &location->next;
            continue;
        }
        if (release != NULL)
            hunt_view_join(release, &store_at(location, location->newest)->release);
        *link = location->next;
    }
}

static struct location *location_new(struct bucket *bucket, uintptr_t addr, unsigned size) {
    if (pool_count == LOCATIONS_MAX)
        hunt_fail(HUNT_MISUSE, 0, "more than %u atomic locations: make the scenario smaller",
                  LOCATIONS_MAX);
    struct location *location = &pool[pool_count++];
    __real_memset(location, 0, offsetof(struct location, stores) + sizeof location->stores[0]);
    location->addr = addr;
    location->size = (uint8_t)size;
    cut_overlapping(bucket, addr, size, &location->stores[0].release);
    location->stores[0].value = value_in_memory(addr, size);
    location->next = bucket->locations;
    bucket->locations = location;
    return location;
}

/* Also starts anew when code the engine did not see has changed the value. */
static struct location *locate(uintptr_t addr, unsigned size) {
    struct bucket *bucket = bucket_of(addr);
    for (struct location *location = bucket->locations; location != NULL;
         location = location->next) {
        if (location->addr != addr || location->size != size)
            continue;
        struct hunt_value now = value_in_memory(addr, size);
        const struct hunt_value *known = &store_at(location, location->newest)->value;
        if (now.lo == known->lo && now.hi == known->hi)
            return location;
        break;
    }
    return location_new(bucket, addr, size);
}

void hunt_memory_overwritten(uintptr_t addr, size_t size_bytes) {
    uintptr_t last = (addr + size_bytes - 1) >> 4;
    if (pool_count < last - (addr >> 4)) { /* a large range: fewer locations than granules */
        for (uint32_t i = 0; i < pool_count; i++)
            if (overlap(&pool[i], addr, size_bytes))
                cut_overlapping(bucket_of(pool[i].addr), addr, size_bytes, NULL);
        return;
    }
    for (uintptr_t granule = addr >> 4; pool_count != 0 && granule <= last; granule++) {
        struct bucket *bucket = bucket_or_free(granule);
        if (bucket->generation == generation)
            cut_overlapping(bucket, addr, size_bytes, NULL);
    }
}

/* ---- loads ---- */

static bool is_visible(const struct store *store, const struct hunt_clock *seen) {
    if (store->epoch <= seen->at[store->thread])
        return true;
    for (unsigned i = 1; i <= hunt.thread_count; i++)
        if (store->readers.at[i] != 0 && store->readers.at[i] <= seen->at[i])
            return true;
    return false;
}

/* How many stores the load may choose from, counted from the newest. */
static unsigned choices_of_load(struct location *location, const struct hunt_thread *self,
                                int order) {
    struct hunt_clock seen = self->view.seen;
    if (order == __ATOMIC_SEQ_CST)
        hunt_clock_join(&seen, &hunt.sc);
    uint32_t number = location->newest;
    while (number > location->first && !is_visible(store_at(location, number), &seen))
        number--;
    return location->newest - number + 1;
}

static uint32_t store_to_read(struct location *location, struct hunt_thread *self, int order) {
    if (!hunt.stale_loads || location->first == location->newest ||
        location->stale_reads[self->id] >= STALE_READS_MAX)
        return location->newest;
    unsigned options = choices_of_load(location, self, order);
    unsigned back = options == 1 ? 0 : hunt_decide_value(HUNT_DECIDE_LOAD, options);
    if (back != 0) {
        location->stale_reads[self->id]++;
        hunt.stale_count++;
    }
    return location->newest - back;
}

static void mark_read(struct store *store, const struct hunt_thread *self, uintptr_t pc) {
    hunt_feedback(store->pc, store->thread, pc, self->id);
    if (store->readers.at[self->id] == 0)
        store->readers.at[self->id] = epoch_of(self);
}

static void take_release(struct hunt_thread *self, const struct store *store, int order) {
    if (acquires(order))
        hunt_acquire(self, &store->release);
    else
        hunt_view_join(&self->acquire_pending, &store->release);
}

static void step_for(enum hunt_kind kind, uintptr_t addr, unsigned size, int order, uintptr_t pc) {
    hunt_step(&(struct hunt_event){
        .kind = (uint8_t)kind, .order = (uint8_t)order, .size = size, .addr = addr, .pc = pc});
}

struct hunt_value hunt_memory_load(uintptr_t addr, unsigned size, int order, uintptr_t pc) {
    struct hunt_thread *self = hunt.current;
    if (self->id == 0)
        return value_in_memory(addr, size);
    step_for(HUNT_OP_LOAD, addr, size, order, pc);
    hunt_shadow_access(addr, size, false, true, pc);
    struct location *location = locate(addr, size);
    uint32_t number = store_to_read(location, self, order);
    struct store *store = store_at(location, number);
    mark_read(store, self, pc);
    take_release(self, store, order);
    if (hunt.tracing) {
        struct hunt_row *row = hunt_trace_last();
        row->value = store->value.lo;
        row->has_value = true;
        row->stale = (uint8_t)(location->newest - number);
    }
    return store->value;
}

/* ---- stores ---- */

static void push_store(struct location *location, struct hunt_thread *self, struct hunt_value value,
                       const struct hunt_view *release, uintptr_t pc) {
    location->newest++;
    if (location->newest - location->first >= STORES)
        location->first = location->newest - STORES + 1;
    memset(location->stale_reads, 0, sizeof location->stale_reads);
    struct store *store = store_at(location, location->newest);
    store->value = value;
    store->release = *release;
    memset(&store->readers, 0, sizeof store->readers);
    store->epoch = epoch_of(self);
    store->thread = self->id;
    store->pc = pc;
}

static void after_store(struct hunt_thread *self, int order) {
    if (order == __ATOMIC_SEQ_CST)
        hunt.sc.at[self->id] = epoch_of(self);
    if (releases(order))
        hunt_epoch_next(self); /* what it does next is not covered by what it just published */
}

void hunt_memory_store(uintptr_t addr, unsigned size, struct hunt_value value, int order,
                       uintptr_t pc) {
    struct hunt_thread *self = hunt.current;
    if (self->id == 0) {
        value_to_memory(addr, size, value);
        return;
    }
    step_for(HUNT_OP_STORE, addr, size, order, pc);
    hunt_shadow_access(addr, size, true, true, pc);
    struct location *location = locate(addr, size);
    push_store(location, self, value, releases(order) ? &self->view : &self->release_fence, pc);
    value_to_memory(addr, size, value);
    after_store(self, order);
    if (hunt.tracing) {
        struct hunt_row *row = hunt_trace_last();
        row->value = value.lo;
        row->has_value = true;
    }
}

/* ---- read-modify-write: always the newest store ---- */

struct hunt_value hunt_memory_rmw_begin(uintptr_t addr, unsigned size, int order, bool cas,
                                        uintptr_t pc) {
    if (hunt.current->id != 0)
        step_for(cas ? HUNT_OP_CAS : HUNT_OP_RMW, addr, size, order, pc);
    return value_in_memory(addr, size);
}

static void trace_rmw(uint64_t before, uint64_t value, bool failed) {
    if (!hunt.tracing)
        return;
    struct hunt_row *row = hunt_trace_last();
    row->has_value = row->has_before = true;
    row->value_before = before;
    row->value = value;
    row->failed = failed;
}

void hunt_memory_rmw_commit(uintptr_t addr, unsigned size, struct hunt_value value, int order,
                            uintptr_t pc) {
    struct hunt_thread *self = hunt.current;
    if (self->id == 0) {
        value_to_memory(addr, size, value);
        return;
    }
    hunt_shadow_access(addr, size, true, true, pc);
    struct location *location = locate(addr, size);
    struct store *read = store_at(location, location->newest);
    trace_rmw(read->value.lo, value.lo, false);
    mark_read(read, self, pc);
    take_release(self, read, order);
    struct hunt_view release = read->release; /* the release sequence goes on */
    hunt_view_join(&release, releases(order) ? &self->view : &self->release_fence);
    push_store(location, self, value, &release, pc);
    value_to_memory(addr, size, value);
    after_store(self, order);
}

void hunt_memory_rmw_failed(uintptr_t addr, unsigned size, int order, uintptr_t pc) {
    struct hunt_thread *self = hunt.current;
    if (self->id == 0)
        return;
    hunt_shadow_access(addr, size, false, true, pc);
    struct location *location = locate(addr, size);
    struct store *read = store_at(location, location->newest);
    trace_rmw(read->value.lo, read->value.lo, true);
    mark_read(read, self, pc);
    take_release(self, read, order);
}

/* ---- fences ---- */

void hunt_memory_fence(int order, uintptr_t pc) {
    struct hunt_thread *self = hunt.current;
    if (self->id == 0)
        return;
    step_for(HUNT_OP_FENCE, 0, 0, order, pc);
    if (acquires(order))
        hunt_acquire(self, &self->acquire_pending);
    if (order == __ATOMIC_SEQ_CST) {
        hunt_clock_join(&self->view.seen, &hunt.sc);
        hunt_clock_join(&hunt.sc, &self->view.seen);
    }
    if (releases(order)) {
        self->release_fence = self->view;
        hunt_epoch_next(self);
    }
}
