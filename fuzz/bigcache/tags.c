/* SPDX-License-Identifier: MIT */
/* The contents of fuzz_bigcache's mappings; see tags.h. */
#include "tags.h"

#include <string.h>

#include "harness/arena.h"
#include "harness/target.h"

enum { SUPERSLAB_BYTES = 2 << 20 };

static uint64_t tag_next;

/* The one in the middle is at a multiple of 2 MiB, where memory is put together. */
size_t bigcache_tag_offset(const struct entry *entry, int k) {
    return k == 0   ? 0
           : k == 1 ? entry->size_bytes / 2 / SUPERSLAB_BYTES * SUPERSLAB_BYTES
                    : entry->size_bytes - sizeof entry->tag;
}

void bigcache_write_tags(struct entry *entry) {
    entry->tag = ++tag_next * UINT64_C(0x9E3779B97F4A7C15);
    for (int k = 0; k < BIGCACHE_TAGS; k++) {
        char *at = entry->base + bigcache_tag_offset(entry, k);
        memcpy(at, &entry->tag, sizeof entry->tag);
        hak_fuzz_arena_wrote(at, sizeof entry->tag);
    }
}

void bigcache_compare_tag(const struct entry *entry, size_t offset, const char *call) {
    uint64_t word;
    memcpy(&word, entry->base + offset, sizeof word);
    if (word != entry->tag) {
        hak_fuzz_fail("contents: the word at %zu of %zu bytes at %p changed (%s)", offset,
                      entry->size_bytes, (void *)entry->base, call);
    }
}

void bigcache_compare_tags(const struct entry *entry, const char *call) {
    for (int k = 0; k < BIGCACHE_TAGS; k++) {
        bigcache_compare_tag(entry, bigcache_tag_offset(entry, k), call);
    }
}

void bigcache_demand_zero(const struct entry *entry) {
    for (size_t at = 0; at < entry->size_bytes; at += entry->size_bytes - sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, entry->base + at, sizeof word);
        if (word != 0) {
            hak_fuzz_fail("zero: the word at %zu of %zu bytes said to be zero is not", at,
                          entry->size_bytes);
        }
    }
}
