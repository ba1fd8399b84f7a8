/* SPDX-License-Identifier: MIT */
/**
 * @file pattern.c
 * Word i of a block is key + i * step, both from the id: an addition a word,
 * which compilers turn into vector code.
 */
#include "pattern.h"
#include "random.h"

#include <string.h>

enum { WORD_BYTES = 8, STRIP_WORDS = 64 };

static uint64_t word_at(size_t index, uint64_t id) {
    return stress_mix(id) + (uint64_t)index * (stress_mix(~id) | 1U);
}

unsigned char stress_pattern_byte(size_t offset, uint64_t id) {
    uint64_t word = word_at(offset / WORD_BYTES, id);
    unsigned char bytes[WORD_BYTES];
    memcpy(bytes, &word, sizeof(bytes));
    return bytes[offset % WORD_BYTES];
}

void stress_pattern_fill(void *memory, size_t size_bytes, uint64_t id) {
    unsigned char *bytes = memory;
    uint64_t step = stress_mix(~id) | 1U;
    uint64_t word = stress_mix(id);
    size_t offset = 0;
    for (; offset + WORD_BYTES <= size_bytes; offset += WORD_BYTES) {
        memcpy(bytes + offset, &word, WORD_BYTES);
        word += step;
    }
    memcpy(bytes + offset, &word, size_bytes - offset);
}

/** Only called on a strip that is known to differ or to be short. */
static size_t find_slowly(const unsigned char *bytes, size_t from, size_t to, uint64_t id) {
    for (size_t offset = from; offset < to; offset++) {
        if (bytes[offset] != stress_pattern_byte(offset, id)) {
            return offset;
        }
    }
    return STRESS_SAME;
}

static uint64_t strip_difference(const unsigned char *strip, uint64_t word, uint64_t step) {
    uint64_t difference = 0;
    for (size_t i = 0; i < STRIP_WORDS; i++) {
        uint64_t found;
        memcpy(&found, strip + i * WORD_BYTES, WORD_BYTES);
        difference |= found ^ (word + (uint64_t)i * step);
    }
    return difference;
}

size_t stress_pattern_find_difference(const void *memory, size_t size_bytes, uint64_t id) {
    const unsigned char *bytes = memory;
    const size_t strip_bytes = (size_t)STRIP_WORDS * WORD_BYTES;
    uint64_t step = stress_mix(~id) | 1U;
    uint64_t word = stress_mix(id);
    size_t offset = 0;
    for (; offset + strip_bytes <= size_bytes; offset += strip_bytes) {
        if (strip_difference(bytes + offset, word, step) != 0) {
            return find_slowly(bytes, offset, offset + strip_bytes, id);
        }
        word += STRIP_WORDS * step;
    }
    for (; offset + WORD_BYTES <= size_bytes; offset += WORD_BYTES) {
        if (memcmp(bytes + offset, &word, WORD_BYTES) != 0) {
            return find_slowly(bytes, offset, offset + WORD_BYTES, id);
        }
        word += step;
    }
    return find_slowly(bytes, offset, size_bytes, id);
}

size_t stress_zero_find_difference(const void *memory, size_t size_bytes) {
    const unsigned char *bytes = memory;
    /* All bytes equal the one after them and the first is zero: memcmp is
     * vectorised, and only a failure needs the offset. */
    if (size_bytes == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, size_bytes - 1) == 0)) {
        return STRESS_SAME;
    }
    size_t offset = 0;
    while (bytes[offset] == 0) {
        offset++;
    }
    return offset;
}
