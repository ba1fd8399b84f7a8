/* SPDX-License-Identifier: MIT */
/* See held.h. Not observed: reading the allocator's structures is no scheduling point here. */
#include "held.h"

#include "engine/engine.h"

#include "base/constants.h"
#include "base/size_class.h"
#include "big/mapping.h"
#include "l25/l25.h"
#include "region/region_map.h"

enum { HELD_MAX = 256, HOLDERS = 256 };

/* An interval that somebody holds, or once did: its words are those that may not be zero. */
struct interval {
    uintptr_t start, end;
    uint64_t tag; /* 0: no tag */
    uint8_t tier;
    bool is_held, had_tag;
};

static struct interval intervals[HELD_MAX];
static unsigned interval_count, held_counts[HELD_TIERS];
static uint32_t taken_by[HOLDERS]; /* by body: another tag each time */

static bool is_class(enum hak_kind kind) {
    return (uint32_t)kind >= HAK_KIND_CLASS_FIRST && (uint32_t)kind <= HAK_KIND_CLASS_LAST;
}

/* What the allocator says that the block has; nobody but its holder can change that. */
static size_t usable_bytes(const void *block, enum hak_kind kind) {
    if (is_class(kind))
        return hak_class_infos[kind - HAK_KIND_CLASS_FIRST].stride_bytes;
    return kind == HAK_KIND_RUN       ? hak_l25_size_bytes(block)
           : kind == HAK_KIND_MAPPING ? hak_mapping_size_bytes(block)
                                      : 0;
}

static enum held_tier tier_of(enum hak_kind kind) {
    return is_class(kind)             ? HELD_IN_SLAB
           : kind == HAK_KIND_RUN     ? HELD_RUN
           : kind == HAK_KIND_MAPPING ? HELD_MAPPING
                                      : HELD_OTHER;
}

/* The entry for an interval that nobody has a byte of: an old one of the same bytes, or a new one.
 */
static struct interval *enter(uintptr_t start, uintptr_t end) {
    struct interval *same = NULL;
    for (unsigned i = 0; i < interval_count; i++) {
        struct interval *other = &intervals[i];
        hunt_check(
            !other->is_held || other->end <= start || end <= other->start,
            "what is handed out, %zu bytes at %p, overlaps the %zu bytes at %p that somebody "
            "has",
            end - start, (void *)start, other->end - other->start, (void *)other->start);
        if (other->start == start && other->end == end)
            same = other;
    }
    hunt_check(same != NULL || interval_count < HELD_MAX, "raise HELD_MAX");
    return same != NULL ? same : &intervals[interval_count++];
}

static struct interval *find(const void *block) {
    struct interval *found = NULL;
    for (unsigned i = 0; i < interval_count; i++)
        if (intervals[i].is_held && intervals[i].start == (uintptr_t)block)
            found = &intervals[i];
    hunt_check(found != NULL, "block %p is given back, but nobody has it", block);
    return found;
}

static uint64_t next_tag(uintptr_t start) {
    uint64_t turn = ((uint64_t)hunt_self() << 32) + taken_by[hunt_self()]++;
    return hunt_mix(hunt.choices.seed ^ hunt_mix(start ^ hunt_mix(turn))) | 1;
}

static struct interval *hold(uintptr_t start, size_t size_bytes, enum held_tier tier) {
    struct interval *interval = enter(start, start + size_bytes);
    *interval = (struct interval){.start = start,
                                  .end = start + size_bytes,
                                  .tier = (uint8_t)tier,
                                  .is_held = true,
                                  .had_tag = interval->had_tag};
    held_counts[tier]++;
    return interval;
}

static void let_go(struct interval *interval) {
    interval->is_held = false;
    held_counts[interval->tier]--;
}

/* ---- tags ---- */

enum { PARTS_MAX = 4 };

/* How many parts of an interval have a word at a seeded place of theirs: each granule, or the
 * halves of what has none. Of a mapping only its ends are written to: each page touched costs a
 * signal and two system calls when it is unmapped. */
static size_t part_count(const struct interval *interval) {
    size_t granules = (interval->end - interval->start) / HAK_GRANULE_SIZE_BYTES;
    if (interval->tier == HELD_MAPPING)
        return 0;
    return granules < 2 ? 2 : granules < PARTS_MAX ? granules : PARTS_MAX;
}

/* Where the tag of an interval goes: its first word, its last, and one of each part. The same words
 * for the same interval. */
static unsigned words_of(const struct interval *interval, uint64_t *words[PARTS_MAX + 2]) {
    size_t length = (interval->end - interval->start) / sizeof(uint64_t);
    size_t parts = part_count(interval), part = parts != 0 ? length / parts : 0;
    uint64_t *first = (uint64_t *)interval->start;
    unsigned count = 0;
    words[count++] = first;
    for (size_t i = 0; i < parts && part != 0; i++) {
        uint64_t random = hunt_mix(hunt.choices.seed ^ (interval->start + i));
        words[count++] = first + i * part + random % part;
    }
    words[count++] = first + length - 1;
    return count;
}

static void tag_write(const struct interval *interval, uint64_t tag) {
    uint64_t *words[PARTS_MAX + 2];
    unsigned count = words_of(interval, words);
    for (unsigned i = 0; i < count; i++)
        held_word_write(words[i], tag);
}

static void tag_check(const struct interval *interval) {
    uint64_t *words[PARTS_MAX + 2];
    unsigned count = words_of(interval, words);
    for (unsigned i = 0; i < count; i++) {
        uint64_t found = held_word_read(words[i]);
        hunt_check(found == interval->tag,
                   "byte %zu of the block at %p is not what was written there",
                   (size_t)((uintptr_t)words[i] - interval->start), (void *)interval->start);
    }
}

/* The words of `other`, which may be the interval itself, that lie in the interval. */
static void zero_check(const struct interval *interval, const struct interval *other) {
    uint64_t *words[PARTS_MAX + 2];
    unsigned count = words_of(other, words);
    for (unsigned i = 0; i < count; i++) {
        uintptr_t at = (uintptr_t)words[i];
        bool is_inside = at >= interval->start && at < interval->end;
        hunt_check(!is_inside || held_word_read(words[i]) == 0,
                   "the block at %p should read as zero, and its byte %zu does not",
                   (void *)interval->start, (size_t)(at - interval->start));
    }
}

/* ---- blocks ---- */

static struct interval *hold_block(void *block, size_t size_bytes, size_t alignment_bytes) {
    hunt.quiet++;
    enum hak_kind kind = hak_region_kind(block);
    size_t usable = usable_bytes(block, kind);
    hunt.quiet--;
    hunt_check((uintptr_t)block % alignment_bytes == 0, "block %p is not aligned to %zu bytes",
               block, alignment_bytes);
    hunt_check(usable >= size_bytes, "block %p has %zu usable bytes, and %zu were asked for", block,
               usable, size_bytes);
    return hold((uintptr_t)block, usable, tier_of(kind));
}

static void write_tag(struct interval *interval) {
    interval->tag = next_tag(interval->start);
    interval->had_tag = true;
    tag_write(interval, interval->tag);
}

void held_add(void *block, size_t size_bytes, size_t alignment_bytes) {
    write_tag(hold_block(block, size_bytes, alignment_bytes));
}

void held_add_zeroed(void *block, size_t size_bytes, size_t alignment_bytes) {
    struct interval *interval = hold_block(block, size_bytes, alignment_bytes);
    for (unsigned i = 0; i < interval_count; i++)
        if (&intervals[i] == interval || intervals[i].had_tag)
            zero_check(interval, &intervals[i]);
    write_tag(interval);
}

void held_add_untouched(void *block, size_t size_bytes, size_t alignment_bytes) {
    hold_block(block, size_bytes, alignment_bytes);
}

void held_remove(void *block) {
    struct interval *interval = find(block);
    if (interval->tag != 0) {
        tag_check(interval);
        tag_write(interval, ~interval->tag);
    }
    let_go(interval);
}

void held_claim(const void *start, size_t size_bytes) {
    hold((uintptr_t)start, size_bytes, HELD_OTHER);
}

void held_unclaim(const void *start) {
    let_go(find(start));
}

unsigned held_count(enum held_tier tier) {
    return held_counts[tier];
}

void held_check_all(void) {
    for (unsigned i = 0; i < interval_count; i++)
        if (intervals[i].is_held && intervals[i].tag != 0)
            tag_check(&intervals[i]);
}
