/* SPDX-License-Identifier: MIT */
/* The custom mutator: inserts, deletes, splices and re-parameterises whole
 * operations. Each step is a function over a list of records. */
#include "mutate.h"

#include <stdbool.h>
#include <string.h>

#include "program.h"

struct list {
    uint8_t *records;
    size_t count;
    size_t max_count;
};

static uint8_t *record_at(const struct list *list, size_t index) {
    return list->records + index * HAK_FUZZ_OP_BYTES;
}

/* A byte that no table reaches, so that the weights decide. */
static uint8_t weighted(struct hak_fuzz_rng *rng, size_t count,
                        unsigned (*weight_of)(const void *, size_t), const void *table) {
    uint8_t byte = (uint8_t)(count + hak_fuzz_below(rng, 256 - count));
    return hak_fuzz_pick(byte, count, weight_of, table);
}

static void random_arg(struct hak_fuzz_rng *rng, const struct hak_fuzz_domain *domain,
                       uint8_t *bucket, uint32_t *value) {
    *bucket = 0;
    *value = 0;
    if (domain != NULL) {
        *bucket = weighted(rng, domain->bucket_count, hak_fuzz_bucket_weight, domain);
        *value = (uint32_t)hak_fuzz_next(rng) & 0xFFFFFF;
    }
}

static void random_record(struct hak_fuzz_rng *rng, uint8_t *record) {
    uint8_t kind = weighted(rng, hak_fuzz_target.kind_count, hak_fuzz_kind_weight, NULL);
    uint8_t buckets[HAK_FUZZ_ARG_COUNT];
    uint32_t values[HAK_FUZZ_ARG_COUNT];
    for (size_t i = 0; i < HAK_FUZZ_ARG_COUNT; i++) {
        random_arg(rng, hak_fuzz_target.kinds[kind].args[i].domain, &buckets[i], &values[i]);
    }
    hak_fuzz_encode(record, kind, buckets, values);
}

/* Opens a gap of `count` records, as many as fit; returns how many. */
static size_t open_gap(struct list *list, size_t at, size_t count) {
    size_t room = list->max_count - list->count;
    count = count < room ? count : room;
    memmove(record_at(list, at + count), record_at(list, at),
            (list->count - at) * HAK_FUZZ_OP_BYTES);
    list->count += count;
    return count;
}

static void insert_random(struct list *list, struct hak_fuzz_rng *rng) {
    size_t at = hak_fuzz_below(rng, list->count + 1);
    size_t count = open_gap(list, at, 1 + hak_fuzz_below(rng, 4));
    for (size_t i = 0; i < count; i++) {
        random_record(rng, record_at(list, at + i));
    }
}

static void delete_run(struct list *list, struct hak_fuzz_rng *rng) {
    if (list->count == 0) {
        return;
    }
    size_t at = hak_fuzz_below(rng, list->count);
    size_t left = list->count - at;
    size_t count = 1 + hak_fuzz_below(rng, left < 4 ? left : 4);
    memmove(record_at(list, at), record_at(list, at + count), (left - count) * HAK_FUZZ_OP_BYTES);
    list->count -= count;
}

static void copy_run(struct list *list, struct hak_fuzz_rng *rng) {
    uint8_t run[8 * HAK_FUZZ_OP_BYTES];
    if (list->count == 0) {
        return;
    }
    size_t from = hak_fuzz_below(rng, list->count);
    size_t left = list->count - from;
    size_t count = 1 + hak_fuzz_below(rng, left < 8 ? left : 8);
    memcpy(run, record_at(list, from), count * HAK_FUZZ_OP_BYTES);
    size_t to = hak_fuzz_below(rng, list->count + 1);
    count = open_gap(list, to, count);
    memcpy(record_at(list, to), run, count * HAK_FUZZ_OP_BYTES);
}

static void swap_two(struct list *list, struct hak_fuzz_rng *rng) {
    uint8_t kept[HAK_FUZZ_OP_BYTES];
    if (list->count < 2) {
        return;
    }
    uint8_t *first = record_at(list, hak_fuzz_below(rng, list->count));
    uint8_t *second = record_at(list, hak_fuzz_below(rng, list->count));
    memcpy(kept, first, sizeof kept);
    memmove(first, second, sizeof kept);
    memcpy(second, kept, sizeof kept);
}

static uint8_t *random_arg_bytes(struct list *list, struct hak_fuzz_rng *rng) {
    uint8_t *record = record_at(list, hak_fuzz_below(rng, list->count));
    return record + 1 + 4 * hak_fuzz_below(rng, HAK_FUZZ_ARG_COUNT);
}

/* A new bucket and value for one argument. */
static void change_arg(struct list *list, struct hak_fuzz_rng *rng) {
    if (list->count == 0) {
        return;
    }
    uint8_t *record = record_at(list, hak_fuzz_below(rng, list->count));
    uint8_t kind = hak_fuzz_pick(record[0], hak_fuzz_target.kind_count, hak_fuzz_kind_weight, NULL);
    size_t index = hak_fuzz_below(rng, HAK_FUZZ_ARG_COUNT);
    uint8_t bucket;
    uint32_t value;
    random_arg(rng, hak_fuzz_target.kinds[kind].args[index].domain, &bucket, &value);
    uint8_t *arg = record + 1 + 4 * index;
    arg[0] = bucket;
    arg[1] = (uint8_t)value;
    arg[2] = (uint8_t)(value >> 8);
    arg[3] = (uint8_t)(value >> 16);
}

/* The neighbouring value in the same bucket. */
static void nudge_arg(struct list *list, struct hak_fuzz_rng *rng) {
    if (list->count > 0) {
        uint8_t *arg = random_arg_bytes(list, rng);
        arg[1] = (uint8_t)(arg[1] + (hak_fuzz_below(rng, 2) == 0 ? 1 : 255));
    }
}

/* Another operation on the same arguments. */
static void change_kind(struct list *list, struct hak_fuzz_rng *rng) {
    if (list->count > 0) {
        *record_at(list, hak_fuzz_below(rng, list->count)) =
            weighted(rng, hak_fuzz_target.kind_count, hak_fuzz_kind_weight, NULL);
    }
}

/* The same first argument as another operation: both on one slot. */
static void share_first_arg(struct list *list, struct hak_fuzz_rng *rng) {
    if (list->count > 0) {
        const uint8_t *from = record_at(list, hak_fuzz_below(rng, list->count)) + 1;
        memmove(record_at(list, hak_fuzz_below(rng, list->count)) + 1, from, 4);
    }
}

static void step(struct list *list, struct hak_fuzz_rng *rng) {
    static void (*const steps[])(struct list *, struct hak_fuzz_rng *) = {
        insert_random, insert_random, insert_random, insert_random, change_arg,
        change_arg,    change_arg,    delete_run,    delete_run,    copy_run,
        nudge_arg,     nudge_arg,     change_kind,   swap_two,      share_first_arg,
    };
    steps[hak_fuzz_below(rng, sizeof steps / sizeof steps[0])](list, rng);
}

size_t hak_fuzz_mutate(uint8_t *data, size_t size_bytes, size_t max_bytes, struct hak_fuzz_rng *rng,
                       hak_fuzz_byte_mutator *mutate_bytes) {
    if (mutate_bytes != NULL && size_bytes > 0 && hak_fuzz_below(rng, 16) == 0) {
        return mutate_bytes(data, size_bytes, max_bytes);
    }
    size_t max_count = max_bytes / HAK_FUZZ_OP_BYTES;
    struct list list = {.records = data,
                        .count = size_bytes / HAK_FUZZ_OP_BYTES,
                        .max_count = max_count < HAK_FUZZ_OP_MAX ? max_count : HAK_FUZZ_OP_MAX};
    if (list.count > list.max_count) {
        list.count = list.max_count;
    }
    for (uint64_t left = 1 + hak_fuzz_below(rng, 4); left > 0; left--) {
        step(&list, rng);
    }
    return list.count * HAK_FUZZ_OP_BYTES;
}

size_t hak_fuzz_cross(const uint8_t *first, size_t first_bytes, const uint8_t *second,
                      size_t second_bytes, uint8_t *out, size_t max_bytes,
                      struct hak_fuzz_rng *rng) {
    size_t first_count = first_bytes / HAK_FUZZ_OP_BYTES;
    size_t second_count = second_bytes / HAK_FUZZ_OP_BYTES;
    size_t max_count = max_bytes / HAK_FUZZ_OP_BYTES;
    max_count = max_count < HAK_FUZZ_OP_MAX ? max_count : HAK_FUZZ_OP_MAX;
    first_count = first_count < max_count ? first_count : max_count;
    memcpy(out, first, first_count * HAK_FUZZ_OP_BYTES);
    struct list list = {.records = out, .count = first_count, .max_count = max_count};
    if (second_count > 0) {
        size_t from = hak_fuzz_below(rng, second_count);
        size_t to = hak_fuzz_below(rng, first_count + 1);
        size_t count = open_gap(&list, to, 1 + hak_fuzz_below(rng, second_count - from));
        memcpy(record_at(&list, to), second + from * HAK_FUZZ_OP_BYTES, count * HAK_FUZZ_OP_BYTES);
    }
    return list.count * HAK_FUZZ_OP_BYTES;
}
