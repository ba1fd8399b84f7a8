/* SPDX-License-Identifier: MIT */
/* What the conformance cases share; see support.h. */
#include "support.h"

#include <stdio.h>
#include <string.h>
#include <fcntl.h>
#include <unistd.h>
#include <sys/resource.h>

#include "family.h"
#include "harness/pattern.h"

const size_t boundary_sizes[] = {
    1,
    7,
    8,
    9,
    15,
    16,
    17,
    31,
    32,
    33,
    48,
    63,
    64,
    65,
    112,
    127,
    128,
    129,
    160,
    161,
    255,
    256,
    257,
    511,
    512,
    513,
    1023,
    1024,
    1025,
    2048,
    4095,
    4096,
    4097,
    8192,
    16384,
    28672,
    28673,
    32767,
    32768,
    32769,
    65535,
    65536,
    65537,
    128 * KIB,
    256 * KIB,
    512 * KIB,
    MIB - 65536,
    MIB - 65535,
    MIB - 1,
    MIB,
    MIB + 1,
    MIB + 4096,
    2 * MIB - 4096,
    2 * MIB - 1,
    2 * MIB,
    2 * MIB + 1,
    3 * MIB + 5,
    5 * MIB,
};
const size_t boundary_size_count = sizeof boundary_sizes / sizeof boundary_sizes[0];

const size_t impossible_sizes[] = {
    SIZE_MAX,
    SIZE_MAX - 1,
    SIZE_MAX - 7,
    SIZE_MAX - 8,
    SIZE_MAX - 15,
    SIZE_MAX - 16,
    SIZE_MAX - 17,
    SIZE_MAX - 32,
    SIZE_MAX - 4094,
    SIZE_MAX - 4095,
    SIZE_MAX - 4096,
    SIZE_MAX - 65535,
    SIZE_MAX - 65536,
    SIZE_MAX - 1048576,
    SIZE_MAX - 2097151,
    SIZE_MAX - 2097152,
    SIZE_MAX - 4194304,
    SIZE_MAX / 2 + 4097,
    (size_t)PTRDIFF_MAX + 2,
    (size_t)PTRDIFF_MAX + 1,
    (size_t)PTRDIFF_MAX,
    (size_t)PTRDIFF_MAX - 1,
    (size_t)PTRDIFF_MAX - 15,
    (size_t)PTRDIFF_MAX - 4095,
    (size_t)PTRDIFF_MAX - 65536,
    (size_t)PTRDIFF_MAX - 2097152,
    (size_t)PTRDIFF_MAX / 2 + 1,
};
const size_t impossible_size_count = sizeof impossible_sizes / sizeof impossible_sizes[0];

size_t opaque_size(size_t value) {
    volatile size_t hidden = value;
    return hidden;
}

void require_block(const void *block, size_t size_bytes, const char *call) {
    REQUIRE(block != NULL, "%s(%zu) gave NULL, errno %d", call, size_bytes, errno);
    size_t alignment_bytes = size_bytes <= 8 ? 8 : 16;
    REQUIRE((uintptr_t)block % alignment_bytes == 0, "%s(%zu) gave %p, not aligned to %zu", call,
            size_bytes, block, alignment_bytes);
}

void require_aligned(const void *block, size_t alignment_bytes, size_t size_bytes) {
    REQUIRE(block != NULL, "alignment %zu, size %zu: NULL, errno %d", alignment_bytes, size_bytes,
            errno);
    REQUIRE((uintptr_t)block % alignment_bytes == 0, "alignment %zu, size %zu: block at %p",
            alignment_bytes, size_bytes, block);
}

void fill_block(void *block, size_t size_bytes, uint64_t seed) {
    hak_pattern_fill(block, 0, size_bytes, seed);
}

void require_contents(const void *block, size_t size_bytes, uint64_t seed, const char *after) {
    size_t offset = hak_pattern_mismatch(block, 0, size_bytes, seed);
    REQUIRE(offset == SIZE_MAX, "byte %zu of %zu is 0x%02x, not 0x%02x, after %s", offset,
            size_bytes, ((const unsigned char *)block)[offset], hak_pattern_byte(offset, seed),
            after);
}

/* --- The window ----------------------------------------------------------- */

enum { WHOLE_FILL_MAX_BYTES = 4096, END_FILL_BYTES = 64 };

static void fill_ends(const struct window_block *held) {
    if (held->usable_bytes <= WHOLE_FILL_MAX_BYTES) {
        fill_block(held->start, held->usable_bytes, held->seed);
        return;
    }
    hak_pattern_fill(held->start, 0, END_FILL_BYTES, held->seed);
    hak_pattern_fill(held->start, held->usable_bytes - END_FILL_BYTES, END_FILL_BYTES, held->seed);
}

static void require_ends(const struct window_block *held) {
    size_t offset;
    if (held->usable_bytes <= WHOLE_FILL_MAX_BYTES) {
        offset = hak_pattern_mismatch(held->start, 0, held->usable_bytes, held->seed);
    } else {
        offset = hak_pattern_mismatch(held->start, 0, END_FILL_BYTES, held->seed);
        if (offset == SIZE_MAX) {
            offset = hak_pattern_mismatch(held->start, held->usable_bytes - END_FILL_BYTES,
                                          END_FILL_BYTES, held->seed);
        }
    }
    REQUIRE(offset == SIZE_MAX, "byte %zu of a live block of %zu bytes at %p changed", offset,
            held->size_bytes, (void *)held->start);
}

static void require_no_overlap(const struct window *window, const struct window_block *fresh) {
    uintptr_t start = (uintptr_t)fresh->start;
    size_t own_bytes = fresh->usable_bytes > 0 ? fresh->usable_bytes : 1;
    for (size_t i = 0; i < WINDOW_BLOCK_COUNT; i++) {
        const struct window_block *held = &window->blocks[i];
        size_t held_bytes = held->usable_bytes > 0 ? held->usable_bytes : 1;
        bool apart = held->start == NULL || start + own_bytes <= (uintptr_t)held->start ||
                     (uintptr_t)held->start + held_bytes <= start;
        REQUIRE(apart,
                "block of %zu (usable %zu) at %p overlaps a live one of %zu (usable %zu) at %p",
                fresh->size_bytes, fresh->usable_bytes, (void *)fresh->start, held->size_bytes,
                held->usable_bytes, (void *)held->start);
    }
}

static void release(struct window_block *held) {
    if (held->start != NULL) {
        require_ends(held);
        FAMILY(free)(held->start);
        held->start = NULL;
    }
}

void window_add(struct window *window, void *block, size_t size_bytes) {
    struct window_block fresh = {.start = block,
                                 .size_bytes = size_bytes,
                                 .usable_bytes = FAMILY(malloc_usable_size)(block),
                                 .seed = ++window->seed};
    REQUIRE(fresh.usable_bytes >= size_bytes, "usable size %zu of a block of %zu",
            fresh.usable_bytes, size_bytes);
    require_no_overlap(window, &fresh);
    fill_ends(&fresh);
    release(&window->blocks[window->next]);
    window->blocks[window->next] = fresh;
    window->next = (window->next + 1) % WINDOW_BLOCK_COUNT;
}

void window_drain(struct window *window) {
    for (size_t i = 0; i < WINDOW_BLOCK_COUNT; i++) {
        release(&window->blocks[i]);
    }
}

/* --- The process ----------------------------------------------------------- */

/* Field `index` of /proc/self/statm, in bytes; read without malloc. */
static size_t statm_bytes(int index) {
    char text[256];
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    REQUIRE(length > 0, "cannot read /proc/self/statm");
    close(fd);
    text[length] = '\0';
    char *cursor = text;
    size_t pages = strtoul(cursor, &cursor, 10);
    for (int i = 0; i < index; i++) {
        pages = strtoul(cursor, &cursor, 10);
    }
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

size_t resident_bytes(void) {
    return statm_bytes(1);
}

static void set_address_space_limit(rlim_t limit_bytes) {
    struct rlimit limit;
    REQUIRE(getrlimit(RLIMIT_AS, &limit) == 0, "getrlimit failed");
    limit.rlim_cur = limit_bytes < limit.rlim_max ? limit_bytes : limit.rlim_max;
    REQUIRE(setrlimit(RLIMIT_AS, &limit) == 0, "setrlimit failed");
}

void limit_address_space(size_t more_bytes) {
    set_address_space_limit((rlim_t)(statm_bytes(0) + more_bytes));
}

void unlimit_address_space(void) {
    set_address_space_limit(RLIM_INFINITY);
}
