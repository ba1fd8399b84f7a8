/* SPDX-License-Identifier: MIT */
/**
 * @file generate.h
 * Programs without libFuzzer: a pool of inputs that the custom mutator and
 * the cross-over keep changing, from a fixed seed.
 */
#ifndef HAK_FUZZ_GENERATE_H
#define HAK_FUZZ_GENERATE_H

#include "mutate.h"
#include "program.h"

enum { HAK_FUZZ_POOL_COUNT = 64 };

struct hak_fuzz_generator {
    struct hak_fuzz_rng rng;
    uint8_t pool[HAK_FUZZ_POOL_COUNT][HAK_FUZZ_INPUT_MAX_BYTES];
    size_t pool_bytes[HAK_FUZZ_POOL_COUNT];
    size_t made;
};

/** The next input; it stays valid until HAK_FUZZ_POOL_COUNT more were made. */
const uint8_t *hak_fuzz_generate(struct hak_fuzz_generator *generator, size_t *size_bytes);

/** What the operations of the generated inputs were. */
struct hak_fuzz_audit {
    uint64_t kinds[HAK_FUZZ_KIND_MAX];
    uint64_t buckets[HAK_FUZZ_DOMAIN_MAX][HAK_FUZZ_BUCKET_MAX];
    uint64_t outcomes[HAK_FUZZ_OUTCOME_MAX];
};

/** Counts the operations of an input. */
void hak_fuzz_audit_add(struct hak_fuzz_audit *audit, const uint8_t *data, size_t size_bytes);

/** Prints the histogram; returns how many declared buckets are empty. */
size_t hak_fuzz_audit_print(const struct hak_fuzz_audit *audit, FILE *out);

#endif
