/* SPDX-License-Identifier: MIT */
/* Reused memory for the allocator; see arena.h. One mapping of slots of 2 MiB, the
 * lowest free ones first: an input finds the same addresses whatever ran before. */
#include "arena.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "target.h"

enum { PAGE_BYTES = 4096, SLOT_COUNT = 1024, SLOTS_AT_ONCE_MAX = 32 };
enum {
    RESIDENT_SLOTS = 128,
    BLOCKS_ALIGNMENT_MIN = 65536, /* blocks lie in what is aligned to a granule at least */
    AUDIT_EVERY = 256, /* clears: looking at what nobody wrote costs as much as many */
};
static const size_t SLOT_BYTES = (size_t)2 << 20;

static char *base; /* NULL: off */
static bool is_used[SLOT_COUNT];
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

/* --- Pages that were written ------------------------------------------------------ */

enum { PAGES_PER_SLOT = 512, WORDS_PER_SLOT = PAGES_PER_SLOT / 64 };
static uint64_t written[SLOT_COUNT * WORDS_PER_SLOT];

static size_t page_of(const char *address) {
    return (size_t)(address - base) / PAGE_BYTES;
}

void hak_fuzz_arena_wrote(const void *address, size_t size_bytes) {
    if (!hak_fuzz_arena_has(address) || size_bytes == 0) {
        return;
    }
    size_t first = page_of(address), last = page_of((const char *)address + size_bytes - 1);
    for (size_t page = first; page <= last; page++) {
        written[page / 64] |= UINT64_C(1) << page % 64;
    }
}

static bool was_written(size_t page) {
    return (written[page / 64] >> page % 64 & 1) != 0;
}

static bool is_zero(const char *page) {
    static const char zeroes[PAGE_BYTES];
    return memcmp(page, zeroes, PAGE_BYTES) == 0;
}

/* Every page of a range that is resident and was not declared as written is zero. */
static void audit(const char *start, size_t size_bytes) {
    unsigned char resident[SLOTS_AT_ONCE_MAX * PAGES_PER_SLOT];
    size_t first = page_of(start), count = (size_bytes + PAGE_BYTES - 1) / PAGE_BYTES;
    if (mincore((void *)(uintptr_t)start, count * PAGE_BYTES, resident) != 0) {
        hak_fuzz_fail("arena: mincore refuses %p", (const void *)start);
    }
    for (size_t i = 0; i < count; i++) {
        const char *page = start + i * PAGE_BYTES;
        if ((resident[i] & 1) != 0 && !was_written(first + i) && !is_zero(page)) {
            hak_fuzz_fail("arena: the page at %p was written, though no block lay there",
                          (const void *)page);
        }
    }
}

/* Clears runs of pages, a word of 64 at a time; with `drop` their bits only. */
static void clear_written(size_t first, size_t end, bool drop) {
    for (size_t page = first; page < end;) {
        uint64_t word = written[page / 64] >> page % 64;
        if (word == 0) {
            page = (page / 64 + 1) * 64;
            continue;
        }
        page += (size_t)__builtin_ctzll(word);
        if (page >= end) {
            break;
        }
        if (!drop) {
            memset(base + page * PAGE_BYTES, 0, PAGE_BYTES);
        }
        written[page / 64] &= ~(UINT64_C(1) << page % 64);
        page++;
    }
}

void hak_fuzz_arena_clear(void *address, size_t size_bytes) {
    static unsigned clears;
    size_t first = page_of(address), end = page_of((char *)address + size_bytes - 1) + 1;
    if (clears++ % AUDIT_EVERY == 0) {
        audit(address, size_bytes);
    }
    /* Slots high up are seldom reached: they shall not stay resident. */
    bool drop = first >= RESIDENT_SLOTS * PAGES_PER_SLOT;
    clear_written(first, end, drop);
    if (drop) {
        madvise(address, size_bytes, MADV_DONTNEED);
    }
}

static void copy_page(char *to, const char *from) {
    if (!is_zero(from)) {
        memcpy(to, from, PAGE_BYTES);
        hak_fuzz_arena_wrote(to, PAGE_BYTES);
    }
}

void hak_fuzz_arena_copy(void *to, const void *from, size_t size_bytes) {
    unsigned char resident[PAGES_PER_SLOT];
    const char *source = from;
    for (size_t done = 0; done < size_bytes; done += PAGE_BYTES) {
        size_t index = done / PAGE_BYTES % PAGES_PER_SLOT, left = size_bytes - done;
        if (index == 0 && mincore((void *)(uintptr_t)(source + done),
                                  left < SLOT_BYTES ? left : SLOT_BYTES, resident) != 0) {
            hak_fuzz_fail("arena: mincore refuses %p", from);
        }
        if ((resident[index] & 1) != 0) {
            copy_page((char *)to + done, source + done);
        }
    }
}

/* --- Slots ----------------------------------------------------------------------- */

static bool are_free(size_t first, size_t count) {
    for (size_t i = first; i < first + count; i++) {
        if (i >= SLOT_COUNT || is_used[i]) {
            return false;
        }
    }
    return true;
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

static void shade_slots(char *start, size_t size_bytes, bool poison) {
    if (__asan_poison_memory_region == NULL) {
        return;
    }
    void (*shade)(void const volatile *, size_t) =
        poison ? __asan_poison_memory_region : __asan_unpoison_memory_region;
    for (char *slot = start; slot < start + size_bytes; slot += SLOT_BYTES) {
        shade(slot, PAGE_BYTES);
        shade(slot + SLOT_BYTES - PAGE_BYTES, PAGE_BYTES);
    }
}

void *hak_fuzz_arena_take(size_t size_bytes, size_t alignment_bytes) {
    size_t count = slots_of(size_bytes), first = first_free;
    if (base == NULL || count > SLOTS_AT_ONCE_MAX || alignment_bytes > SLOT_BYTES) {
        return NULL;
    }
    while (first + count <= SLOT_COUNT && !are_free(first, count)) {
        first++;
    }
    if (first + count > SLOT_COUNT) {
        return NULL;
    }
    mark(first, count, true);
    shade_slots(base + first * SLOT_BYTES, count * SLOT_BYTES, false);
    reserved_bytes += size_bytes;
    char *start = base + first * SLOT_BYTES;
    if (alignment_bytes < BLOCKS_ALIGNMENT_MIN) {
        hak_fuzz_arena_wrote(start, size_bytes); /* the allocator's own structures */
    }
    return start;
}

void hak_fuzz_arena_give(void *address, size_t size_bytes) {
    hak_fuzz_arena_clear(address, size_bytes);
    mark(slot_of(address), slots_of(size_bytes), false);
    shade_slots(address, slots_of(size_bytes) * SLOT_BYTES, true);
    reserved_bytes -= size_bytes;
}

bool hak_fuzz_arena_resize(void *address, size_t old_size_bytes, size_t new_size_bytes) {
    size_t first = slot_of(address), old = slots_of(old_size_bytes);
    size_t count = slots_of(new_size_bytes);
    char *start = address;
    if (count > SLOTS_AT_ONCE_MAX || (count > old && !are_free(first + old, count - old))) {
        return false;
    }
    if (new_size_bytes < old_size_bytes) {
        hak_fuzz_arena_clear(start + new_size_bytes, old_size_bytes - new_size_bytes);
    }
    if (count > old) {
        mark(first + old, count - old, true);
        shade_slots(start + old * SLOT_BYTES, (count - old) * SLOT_BYTES, false);
    } else if (count < old) {
        mark(first + count, old - count, false);
        shade_slots(start + count * SLOT_BYTES, (old - count) * SLOT_BYTES, true);
    }
    reserved_bytes += new_size_bytes - old_size_bytes; /* modulo 2^64 */
    return true;
}
