/* SPDX-License-Identifier: MIT */
/* Bytes to operations and back, and operations to text; see program.h. */
#include "program.h"

#include <inttypes.h>
#include <string.h>

#include "rng.h"

unsigned hak_fuzz_kind_weight(const void *unused, size_t index) {
    (void)unused;
    return hak_fuzz_target.kinds[index].weight;
}

unsigned hak_fuzz_bucket_weight(const void *domain, size_t index) {
    return ((const struct hak_fuzz_domain *)domain)->buckets[index].weight;
}

uint8_t hak_fuzz_pick(uint8_t byte, size_t count, unsigned (*weight_of)(const void *, size_t),
                      const void *table) {
    if (byte < count) {
        return byte;
    }
    unsigned total = 0;
    for (size_t i = 0; i < count; i++) {
        total += weight_of(table, i);
    }
    /* The bytes from count to 255, spread over the weights. */
    unsigned at = (unsigned)(byte - count) * total / (unsigned)(256 - count);
    for (size_t i = 0; i < count; i++) {
        unsigned weight = weight_of(table, i);
        if (at < weight) {
            return (uint8_t)i;
        }
        at -= weight;
    }
    return (uint8_t)(count - 1);
}

static uint64_t value_in(const struct hak_fuzz_bucket *bucket, uint32_t bits) {
    uint64_t low = bucket->low;
    uint64_t high = bucket->high;
    if (bucket->values != NULL) {
        uint64_t value = bucket->values[bits % bucket->value_count];
        bits /= (uint32_t)bucket->value_count;
        low = value < low ? 0 : value - low;
        high = value > UINT64_MAX - high ? UINT64_MAX : value + high;
    }
    uint64_t span = high - low + 1; /* 0: all 64 bits */
    uint64_t offset = span != 0 && span <= 1u << 24 ? bits : hak_fuzz_mix(bits);
    return low + (span == 0 ? offset : offset % span);
}

static uint32_t load_32(const uint8_t *bytes) {
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

/* What hak_fuzz_pick() says for each byte, because decoding asks once an argument. */
struct picks {
    const struct hak_fuzz_domain *domain; /* NULL: the kinds */
    uint8_t of_byte[256];
};

static void fill_picks(struct picks *picks, const struct hak_fuzz_domain *domain) {
    picks->domain = domain;
    for (unsigned byte = 0; byte < 256; byte++) {
        picks->of_byte[byte] = domain == NULL
                                   ? hak_fuzz_pick((uint8_t)byte, hak_fuzz_target.kind_count,
                                                   hak_fuzz_kind_weight, NULL)
                                   : hak_fuzz_pick((uint8_t)byte, domain->bucket_count,
                                                   hak_fuzz_bucket_weight, domain);
    }
}

static uint8_t pick_bucket(const struct hak_fuzz_domain *domain, uint8_t byte) {
    static struct picks known[HAK_FUZZ_DOMAIN_MAX];
    static size_t known_count;
    for (size_t i = 0; i < known_count; i++) {
        if (known[i].domain == domain) {
            return known[i].of_byte[byte];
        }
    }
    if (known_count == HAK_FUZZ_DOMAIN_MAX) {
        return hak_fuzz_pick(byte, domain->bucket_count, hak_fuzz_bucket_weight, domain);
    }
    fill_picks(&known[known_count], domain);
    return known[known_count++].of_byte[byte];
}

static uint8_t pick_kind(uint8_t byte) {
    static struct picks kinds;
    static bool is_filled;
    if (!is_filled) {
        fill_picks(&kinds, NULL);
        is_filled = true;
    }
    return kinds.of_byte[byte];
}

static void decode_op(const uint8_t *record, struct hak_fuzz_op *op) {
    memset(op, 0, sizeof *op);
    op->kind = pick_kind(record[0]);
    for (size_t i = 0; i < HAK_FUZZ_ARG_COUNT; i++) {
        const struct hak_fuzz_domain *domain = hak_fuzz_target.kinds[op->kind].args[i].domain;
        if (domain == NULL) {
            continue;
        }
        uint32_t raw = load_32(record + 1 + 4 * i);
        uint8_t bucket = pick_bucket(domain, (uint8_t)raw);
        op->buckets[i] = bucket;
        op->args[i] = value_in(&domain->buckets[bucket], raw >> 8);
    }
}

size_t hak_fuzz_decode(const uint8_t *data, size_t size_bytes, struct hak_fuzz_op *ops) {
    size_t count = size_bytes / HAK_FUZZ_OP_BYTES;
    if (count > HAK_FUZZ_OP_MAX) {
        count = HAK_FUZZ_OP_MAX;
    }
    for (size_t i = 0; i < count; i++) {
        decode_op(data + i * HAK_FUZZ_OP_BYTES, &ops[i]);
    }
    return count;
}

void hak_fuzz_encode(uint8_t *record, uint8_t kind, const uint8_t *buckets,
                     const uint32_t *values) {
    record[0] = kind;
    for (size_t i = 0; i < HAK_FUZZ_ARG_COUNT; i++) {
        uint8_t *arg = record + 1 + 4 * i;
        arg[0] = buckets[i];
        arg[1] = (uint8_t)values[i];
        arg[2] = (uint8_t)(values[i] >> 8);
        arg[3] = (uint8_t)(values[i] >> 16);
    }
}

/* Large values read better as what they are near to. */
static int format_value(char *text, size_t text_bytes, uint64_t value) {
    if (value > UINT64_MAX - (1u << 22)) {
        return snprintf(text, text_bytes, "SIZE_MAX-%" PRIu64, UINT64_MAX - value);
    }
    if (value > INT64_MAX - (1u << 22) && value <= INT64_MAX) {
        return snprintf(text, text_bytes, "PTRDIFF_MAX-%" PRIu64, (uint64_t)INT64_MAX - value);
    }
    return snprintf(text, text_bytes, "%" PRIu64, value);
}

void hak_fuzz_format(char *text, size_t text_bytes, const struct hak_fuzz_op *op) {
    const struct hak_fuzz_kind *kind = &hak_fuzz_target.kinds[op->kind];
    size_t length = (size_t)snprintf(text, text_bytes, "%s(", kind->name);
    for (size_t i = 0; i < HAK_FUZZ_ARG_COUNT && kind->args[i].domain != NULL; i++) {
        char value[40];
        format_value(value, sizeof value, op->args[i]);
        if (length < text_bytes) {
            length += (size_t)snprintf(text + length, text_bytes - length, "%s%s=%s",
                                       i == 0 ? "" : ", ", kind->args[i].name, value);
        }
    }
    if (length < text_bytes) {
        snprintf(text + length, text_bytes - length, ")");
    }
}
