/* SPDX-License-Identifier: MIT */
/**
 * @file mutate.h
 * The custom mutator: it works on whole operations, never on parts of them,
 * except through the byte mutator that libFuzzer lends.
 */
#ifndef HAK_FUZZ_MUTATE_H
#define HAK_FUZZ_MUTATE_H

#include <stddef.h>
#include <stdint.h>

#include "rng.h"

/** libFuzzer's LLVMFuzzerMutate, or NULL outside it. */
typedef size_t hak_fuzz_byte_mutator(uint8_t *data, size_t size_bytes, size_t max_bytes);

/** Changes `data` in place; returns its new size, at most `max_bytes`. */
size_t hak_fuzz_mutate(uint8_t *data, size_t size_bytes, size_t max_bytes, struct hak_fuzz_rng *rng,
                       hak_fuzz_byte_mutator *mutate_bytes);

/** Splices a run of operations of `second` into a copy of `first`. */
size_t hak_fuzz_cross(const uint8_t *first, size_t first_bytes, const uint8_t *second,
                      size_t second_bytes, uint8_t *out, size_t max_bytes,
                      struct hak_fuzz_rng *rng);

#endif
