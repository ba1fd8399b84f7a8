/* SPDX-License-Identifier: MIT */
/* Reused memory for the allocator; see arena.h. One mapping of slots of 2 MiB, the
 * lowest free ones first: an input finds the same addresses whatever ran before. */
#include "arena.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "pattern.h"
#include "target.h"

enum { PAGE_BYTES = 4096, SLOT_COUNT = 16384, SLOTS_AT_ONCE_MAX = 512 };
enum {
    RESIDENT_SLOTS = 1024,
    PAGES_KEPT = 8, /* of what is given back beyond these slots */
    SLOTS_SHADED = 4,
    SLOTS_AUDITED = 2,            /* at most, of what is cleared */
    BLOCKS_ALIGNMENT_MIN = 65536, /* blocks lie in what is aligned to a granule at least */
    AUDIT_EVERY = 256,            /* clears: looking at what nobody wrote costs as much as many */
};
static const size_t SLOT_BYTES = (size_t)2 << 20;

static char *base; /* NULL: off */
static bool is_used[SLOT_COUNT], is_shaded[SLOT_COUNT];
static size_t first_free; /* none is free below */
static size_t reserved_bytes;

/* ASan's: the ends of a slot that was given back must not be touched by the allocator. */
__attribute__((weak)) void __asan_poison_memory_region(void const volatile *address, size_t size);
__attribute__((weak)) void __asan_unpoison_memory_region(void const volatile *address, size_t size);

static size_t slots_of(size_t size_bytes) {
    return (size_bytes + SLOT_BYTES - 1) / SLOT_BYTES;
}

static size_t slot_of(const char *address) {
    return (size_t)(address - base) / SLOT_BYTES;
}

void hak_fuzz_arena_enable(void) {
    size_t size = (SLOT_COUNT + 1) * SLOT_BYTES;
    char *raw = mmap(NULL, size, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (raw == MAP_FAILED) {
        return; /* the system it is, then: slower, the same otherwise */
    }
    base = (char *)(((uintptr_t)raw + SLOT_BYTES - 1) / SLOT_BYTES * SLOT_BYTES);
    madvise(base, SLOT_COUNT * SLOT_BYTES, MADV_NOHUGEPAGE); /* a touch is a page, not 2 MiB */
}

bool hak_fuzz_arena_has(const void *address) {
    return base != NULL && (uintptr_t)address - (uintptr_t)base < SLOT_COUNT * SLOT_BYTES;
}

size_t hak_fuzz_arena_reserved_bytes(void) {
    return reserved_bytes;
}

/* --- Pages that were written, and from where to where ------------------------------- */

enum { PAGES_PER_SLOT = 512, WORDS_PER_SLOT = PAGES_PER_SLOT / 64 };
static uint64_t written[SLOT_COUNT * WORDS_PER_SLOT];
static uint64_t slots_written[SLOT_COUNT / 64]; /* slots where `written` may have bits */

/* The bytes of a page that may be other than zero; of pages in `written` only. */
static struct extent { uint16_t low, high; } extents[SLOT_COUNT * PAGES_PER_SLOT];

static size_t page_of(const char *address) {
    return (size_t)(address - base) / PAGE_BYTES;
}

static bool was_written(size_t page) {
    return (written[page / 64] >> page % 64 & 1) != 0;
}

/* Takes [low, high) of a page into what was written. */
static void widen(size_t page, uint16_t low, uint16_t high) {
    struct extent *extent = &extents[page];
    if (was_written(page)) {
        extent->low = low < extent->low ? low : extent->low;
        extent->high = high > extent->high ? high : extent->high;
    } else {
        size_t slot = page / PAGES_PER_SLOT;
        slots_written[slot / 64] |= UINT64_C(1) << slot % 64;
        written[page / 64] |= UINT64_C(1) << page % 64;
        *extent = (struct extent){.low = low, .high = high};
    }
}

void hak_fuzz_arena_wrote(const void *address, size_t size_bytes) {
    if (!hak_fuzz_arena_has(address) || size_bytes == 0) {
        return;
    }
    size_t at = (size_t)((const char *)address - base), end = at + size_bytes;
    while (at < end) {
        size_t page = at / PAGE_BYTES, next = (page + 1) * PAGE_BYTES;
        size_t high = end < next ? PAGE_BYTES - (next - end) : PAGE_BYTES;
        widen(page, (uint16_t)(at % PAGE_BYTES), (uint16_t)high);
        at = next;
    }
}

static bool is_zero(const char *bytes, size_t size_bytes) {
    return hak_pattern_nonzero(bytes, size_bytes) == SIZE_MAX;
}

/* But for what was declared as written. */
static bool is_page_zero(size_t index) {
    const char *page = base + index * PAGE_BYTES;
    const struct extent *extent = &extents[index];
    if (!was_written(index)) {
        return is_zero(page, PAGE_BYTES);
    }
    return is_zero(page, extent->low) && is_zero(page + extent->high, PAGE_BYTES - extent->high);
}

/* The pages of a range that are resident hold nothing that was not declared as written. Of
 * a long range that is asked of some slots, others each time. */
static void audit(const char *start, size_t size_bytes) {
    static unsigned char resident[SLOTS_AUDITED * PAGES_PER_SLOT];
    static size_t audits;
    size_t first = page_of(start), count = (size_bytes + PAGE_BYTES - 1) / PAGE_BYTES;
    if (count > sizeof resident) {
        first += audits++ % (count / sizeof resident) * sizeof resident;
        count = sizeof resident;
    }
    if (mincore(base + first * PAGE_BYTES, count * PAGE_BYTES, resident) != 0) {
        hak_fuzz_fail("arena: mincore refuses %p", (const void *)start);
    }
    for (size_t i = 0; i < count; i++) {
        if ((resident[i] & 1) != 0 && !is_page_zero(first + i)) {
            hak_fuzz_fail("arena: the page at %p was written, where no block lay",
                          (void *)(base + (first + i) * PAGE_BYTES));
        }
    }
}

/* Not memset() where there is another way: ASan stands before it and looks at each byte's
 * shadow first. */
#if defined(__x86_64__)
static void clear_bytes(char *start, size_t size_bytes) {
    uint64_t words = size_bytes / sizeof(uint64_t), rest = size_bytes % sizeof(uint64_t);
    __asm__ volatile("rep stosq" : "+D"(start), "+c"(words) : "a"(0) : "memory");
    __asm__ volatile("rep stosb" : "+D"(start), "+c"(rest) : "a"(0) : "memory");
}
#else
static void clear_bytes(char *start, size_t size_bytes) {
    memset(start, 0, size_bytes);
}
#endif

/* The first page from `page` on in a slot that may have such pages, or later. */
static size_t skip_clean_slots(size_t page) {
    size_t slot = page / PAGES_PER_SLOT;
    uint64_t slots = slots_written[slot / 64] >> slot % 64;
    if ((slots & 1) != 0) {
        return page;
    }
    size_t next = slots != 0 ? slot + (size_t)__builtin_ctzll(slots) : (slot / 64 + 1) * 64;
    return next * PAGES_PER_SLOT;
}

/* The first page from `page` on that was written; `end` if none is before it. */
static size_t next_written(size_t page, size_t end) {
    while (page < end) {
        size_t candidate = skip_clean_slots(page);
        if (candidate != page) {
            page = candidate;
            continue;
        }
        uint64_t word = written[page / 64] >> page % 64;
        if (word != 0) {
            page += (size_t)__builtin_ctzll(word);
            return page < end ? page : end;
        }
        page = (page / 64 + 1) * 64;
    }
    return end;
}

/* Pages that were written; PAGES_KEPT + 1 stands for more. */
static size_t written_count(size_t first, size_t end) {
    size_t count = 0;
    for (size_t page = next_written(first, end); page < end && count <= PAGES_KEPT; count++) {
        page = next_written(page + 1, end);
    }
    return count;
}

/* With `drop` their bits only. */
static void clear_written(size_t first, size_t end, bool drop) {
    for (size_t page = next_written(first, end); page < end; page = next_written(page + 1, end)) {
        if (!drop) {
            clear_bytes(base + page * PAGE_BYTES + extents[page].low,
                        (size_t)(extents[page].high - extents[page].low));
        }
        written[page / 64] &= ~(UINT64_C(1) << page % 64);
    }
    size_t whole = (first + PAGES_PER_SLOT - 1) / PAGES_PER_SLOT; /* slots, from here on */
    for (size_t slot = whole; (slot + 1) * PAGES_PER_SLOT <= end; slot++) {
        slots_written[slot / 64] &= ~(UINT64_C(1) << slot % 64);
    }
}

void hak_fuzz_arena_clear(void *address, size_t size_bytes) {
    static unsigned clears;
    size_t first = page_of(address), end = page_of((char *)address + size_bytes - 1) + 1;
    if (clears++ % AUDIT_EVERY == 0) {
        audit(address, size_bytes);
    }
    /* Slots high up are seldom reached: more than a few pages of a mapping shall not stay
     * resident there. */
    bool drop = end > RESIDENT_SLOTS * PAGES_PER_SLOT && written_count(first, end) > PAGES_KEPT;
    if (drop) {
        madvise(base + first * PAGE_BYTES, (end - first) * PAGE_BYTES, MADV_DONTNEED);
    }
    clear_written(first, end, drop);
}

static void copy_page(char *to, const char *from) {
    if (!is_zero(from, PAGE_BYTES)) {
        memcpy(to, from, PAGE_BYTES);
        hak_fuzz_arena_wrote(to, PAGE_BYTES);
    }
}

/* Where one of the two is the system's. */
static void copy_resident(char *to, const char *from, size_t size_bytes) {
    unsigned char resident[PAGES_PER_SLOT];
    for (size_t done = 0; done < size_bytes; done += PAGE_BYTES) {
        size_t index = done / PAGE_BYTES % PAGES_PER_SLOT, left = size_bytes - done;
        if (index == 0 && mincore((void *)(uintptr_t)(from + done),
                                  left < SLOT_BYTES ? left : SLOT_BYTES, resident) != 0) {
            hak_fuzz_fail("arena: mincore refuses %p", (const void *)from);
        }
        if ((resident[index] & 1) != 0) {
            copy_page(to + done, from + done);
        }
    }
}

/* In the arena, what nobody declared as written is zero: audit() sees to that. */
void hak_fuzz_arena_copy(void *to, const void *from, size_t size_bytes) {
    if (!hak_fuzz_arena_has(from)) {
        copy_resident(to, from, size_bytes);
        return;
    }
    size_t first = page_of(from), end = first + (size_bytes + PAGE_BYTES - 1) / PAGE_BYTES;
    for (size_t page = next_written(first, end); page < end; page = next_written(page + 1, end)) {
        size_t low = extents[page].low, length = extents[page].high - low;
        char *target = (char *)to + (page - first) * PAGE_BYTES + low;
        memcpy(target, base + page * PAGE_BYTES + low, length);
        hak_fuzz_arena_wrote(target, length);
    }
}

void hak_fuzz_arena_wrote_like(const void *to, const void *from, size_t size_bytes) {
    if (!hak_fuzz_arena_has(from)) {
        hak_fuzz_arena_wrote(to, size_bytes);
        return;
    }
    size_t first = page_of(from), end = first + (size_bytes + PAGE_BYTES - 1) / PAGE_BYTES;
    for (size_t page = next_written(first, end); page < end; page = next_written(page + 1, end)) {
        size_t low = extents[page].low, length = extents[page].high - low;
        hak_fuzz_arena_wrote((const char *)to + (page - first) * PAGE_BYTES + low, length);
    }
}

/* --- Slots ----------------------------------------------------------------------- */

/* The last slot of some that is used or beyond the end; SIZE_MAX when all are free. */
static size_t last_used(size_t first, size_t count) {
    for (size_t i = first + count; i > first; i--) {
        if (i > SLOT_COUNT || is_used[i - 1]) {
            return i - 1;
        }
    }
    return SIZE_MAX;
}

static void mark(size_t first, size_t count, bool used) {
    memset(is_used + first, used, count);
    if (!used && first < first_free) {
        first_free = first;
    }
    while (first_free < SLOT_COUNT && is_used[first_free]) {
        first_free++;
    }
}

/* By way of a pointer that nobody sees through: a program without ASan shall have no call
 * of it in it, which ClusterFuzz's check for bad builds would find. */
static void shade_slot(size_t slot, void (*function)(void const volatile *, size_t)) {
    void (*volatile shade)(void const volatile *, size_t) = function;
    char *start = base + slot * SLOT_BYTES;
    shade(start, PAGE_BYTES);
    shade(start + SLOT_BYTES - PAGE_BYTES, PAGE_BYTES);
}

/* Both ends of each slot, of a long run those of its first slots and its last. */
static void poison_slots(size_t first, size_t count) {
    for (size_t i = 0; __asan_poison_memory_region != NULL && i < count; i++) {
        if (i < SLOTS_SHADED || i == count - 1) {
            shade_slot(first + i, __asan_poison_memory_region);
            is_shaded[first + i] = true;
        }
    }
}

static void unpoison_slots(size_t first, size_t count) {
    for (size_t i = first; i < first + count; i++) {
        if (is_shaded[i]) {
            shade_slot(i, __asan_unpoison_memory_region);
            is_shaded[i] = false;
        }
    }
}

/* The lowest free slots, `count` together; SLOT_COUNT when there are none. */
static size_t find_free(size_t count, size_t alignment_bytes) {
    size_t first = first_free;
    while (first + count <= SLOT_COUNT) {
        if ((uintptr_t)(base + first * SLOT_BYTES) % alignment_bytes != 0) {
            first++;
            continue;
        }
        size_t used = last_used(first, count);
        if (used == SIZE_MAX) {
            return first;
        }
        first = used + 1;
    }
    return SLOT_COUNT;
}

void *hak_fuzz_arena_take(size_t size_bytes, size_t alignment_bytes) {
    size_t count = slots_of(size_bytes);
    if (base == NULL || count > SLOTS_AT_ONCE_MAX) {
        return NULL;
    }
    size_t first = find_free(count, alignment_bytes);
    if (first == SLOT_COUNT) {
        return NULL;
    }
    mark(first, count, true);
    unpoison_slots(first, count);
    reserved_bytes += size_bytes;
    char *start = base + first * SLOT_BYTES;
    if (alignment_bytes < BLOCKS_ALIGNMENT_MIN) {
        hak_fuzz_arena_wrote(start, size_bytes); /* the allocator's own structures */
    }
    return start;
}

/* The last part of a reservation begins anywhere in a slot. */
void hak_fuzz_arena_give(void *address, size_t size_bytes) {
    size_t first = slot_of(address), last = slot_of((char *)address + size_bytes - 1);
    hak_fuzz_arena_clear(address, size_bytes);
    mark(first, last + 1 - first, false);
    poison_slots(first, last + 1 - first);
    reserved_bytes -= size_bytes;
}

bool hak_fuzz_arena_resize(void *address, size_t old_size_bytes, size_t new_size_bytes) {
    size_t first = slot_of(address), old = slots_of(old_size_bytes);
    size_t count = slots_of(new_size_bytes);
    char *start = address;
    if (count > SLOTS_AT_ONCE_MAX ||
        (count > old && last_used(first + old, count - old) != SIZE_MAX)) {
        return false;
    }
    if (new_size_bytes < old_size_bytes) {
        hak_fuzz_arena_clear(start + new_size_bytes, old_size_bytes - new_size_bytes);
    }
    if (count > old) {
        mark(first + old, count - old, true);
        unpoison_slots(first + old, count - old);
    } else if (count < old) {
        mark(first + count, old - count, false);
        poison_slots(first + count, old - count);
    }
    reserved_bytes += new_size_bytes - old_size_bytes; /* modulo 2^64 */
    return true;
}
