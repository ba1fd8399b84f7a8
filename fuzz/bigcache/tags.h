/* SPDX-License-Identifier: MIT */
/**
 * @file tags.h
 * What fuzz_bigcache knows of a mapping, and its contents: the first, a middle and the last
 * word hold its tag.
 */
#ifndef HAK_FUZZ_BIGCACHE_TAGS_H
#define HAK_FUZZ_BIGCACHE_TAGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BIGCACHE_TAGS = 3 };

struct entry {
    char *base; /* NULL: none */
    size_t size_bytes, alignment_bytes;
    uint64_t freed_ns, tag;
    bool is_grafted;
};

/** Where the k-th word lies. */
size_t bigcache_tag_offset(const struct entry *entry, int k);
/** A tag of its own. */
void bigcache_write_tags(struct entry *entry);
void bigcache_compare_tag(const struct entry *entry, size_t offset, const char *call);
void bigcache_compare_tags(const struct entry *entry, const char *call);
void bigcache_demand_zero(const struct entry *entry);

#endif
