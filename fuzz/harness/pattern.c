/* SPDX-License-Identifier: MIT */
/* Seeded block contents. Word i of a block (8 bytes, from the block's start)
 * is a base that is mixed from the seed, so that blocks with neighbouring
 * seeds differ everywhere, plus i times an odd constant. Whole words go
 * through memcpy, which the compiler turns into plain loads and stores. */
#include "pattern.h"

#include <stdbool.h>
#include <string.h>

#include "rng.h"

enum { WORD_BYTES = sizeof(uint64_t), LINE_WORDS = 16, LINE_BYTES = LINE_WORDS * WORD_BYTES };

static uint64_t base_of(uint64_t seed) {
    return hak_fuzz_mix(seed + 1);
}

static uint64_t word_at(size_t word_index, uint64_t base) {
    return base + word_index * UINT64_C(0x9E3779B97F4A7C15);
}

static unsigned char byte_at(size_t offset, uint64_t base) {
    return (unsigned char)(word_at(offset / WORD_BYTES, base) >> (8 * (offset % WORD_BYTES)));
}

unsigned char hak_pattern_byte(size_t offset, uint64_t seed) {
    return byte_at(offset, base_of(seed));
}

void hak_pattern_fill(void *block, size_t first_offset, size_t size_bytes, uint64_t seed) {
    uint64_t base = base_of(seed);
    unsigned char *bytes = block;
    size_t offset = first_offset;
    size_t end = first_offset + size_bytes;
    while (offset < end && offset % WORD_BYTES != 0) {
        bytes[offset] = byte_at(offset, base);
        offset++;
    }
    for (; end - offset >= WORD_BYTES; offset += WORD_BYTES) {
        uint64_t word = word_at(offset / WORD_BYTES, base);
        memcpy(bytes + offset, &word, WORD_BYTES);
    }
    for (; offset < end; offset++) {
        bytes[offset] = byte_at(offset, base);
    }
}

/* The first differing byte among a few, checked one by one. */
static size_t mismatch_bytewise(const unsigned char *bytes, size_t offset, size_t end,
                                uint64_t base) {
    for (; offset < end; offset++) {
        if (bytes[offset] != byte_at(offset, base)) {
            return offset;
        }
    }
    return SIZE_MAX;
}

/* Whether a whole line is right; without an early exit, so that the compiler
 * makes vector code of it. */
static bool is_line_right(const unsigned char *bytes, size_t offset, uint64_t base) {
    uint64_t differences = 0;
    for (size_t i = 0; i < LINE_WORDS; i++) {
        uint64_t word;
        memcpy(&word, bytes + offset + i * WORD_BYTES, WORD_BYTES);
        differences |= word ^ word_at(offset / WORD_BYTES + i, base);
    }
    return differences == 0;
}

size_t hak_pattern_mismatch(const void *block, size_t first_offset, size_t size_bytes,
                            uint64_t seed) {
    uint64_t base = base_of(seed);
    const unsigned char *bytes = block;
    size_t end = first_offset + size_bytes;
    size_t aligned = (first_offset + WORD_BYTES - 1) / WORD_BYTES * WORD_BYTES;
    size_t offset = aligned < end ? aligned : end;
    size_t found = mismatch_bytewise(bytes, first_offset, offset, base);
    if (found != SIZE_MAX) {
        return found;
    }
    while (end - offset >= LINE_BYTES && is_line_right(bytes, offset, base)) {
        offset += LINE_BYTES;
    }
    for (; end - offset >= WORD_BYTES; offset += WORD_BYTES) {
        uint64_t word;
        memcpy(&word, bytes + offset, WORD_BYTES);
        if (word != word_at(offset / WORD_BYTES, base)) {
            break;
        }
    }
    return mismatch_bytewise(bytes, offset, end, base);
}

/* As is_line_right(): no early exit in a line. */
static bool is_line_zero(const unsigned char *bytes) {
    uint64_t bits = 0;
    for (size_t i = 0; i < LINE_WORDS; i++) {
        uint64_t word;
        memcpy(&word, bytes + i * WORD_BYTES, WORD_BYTES);
        bits |= word;
    }
    return bits == 0;
}

size_t hak_pattern_nonzero(const void *block, size_t size_bytes) {
    const unsigned char *bytes = block;
    size_t offset = 0;
    while (size_bytes - offset >= LINE_BYTES && is_line_zero(bytes + offset)) {
        offset += LINE_BYTES;
    }
    for (; offset < size_bytes; offset++) {
        if (bytes[offset] != 0) {
            return offset;
        }
    }
    return SIZE_MAX;
}
