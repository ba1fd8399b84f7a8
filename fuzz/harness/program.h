/* SPDX-License-Identifier: MIT */
/**
 * @file program.h
 * Programs: a fuzz input as a list of operations. Every byte string decodes;
 * an operation is 13 bytes (kind, three little-endian 32-bit arguments), so
 * that mutators can work on whole operations.
 *
 * The kind byte names a kind when it is below their count; else it picks one
 * by weight. An argument's low byte picks the bucket in the same way, its
 * upper 24 bits the value in it. New kinds and buckets go at the end of their
 * tables: inputs made earlier then keep their meaning.
 */
#ifndef HAK_FUZZ_PROGRAM_H
#define HAK_FUZZ_PROGRAM_H

#include "target.h"

enum {
    HAK_FUZZ_OP_BYTES = 1 + 4 * HAK_FUZZ_ARG_COUNT,
    HAK_FUZZ_OP_MAX = 64,
    HAK_FUZZ_INPUT_MAX_BYTES = HAK_FUZZ_OP_BYTES * HAK_FUZZ_OP_MAX,
};

/** Decodes up to HAK_FUZZ_OP_MAX operations; returns how many. */
size_t hak_fuzz_decode(const uint8_t *data, size_t size_bytes, struct hak_fuzz_op *ops);

/** Encodes an operation: a kind, and a bucket and 24 bits for each argument. */
void hak_fuzz_encode(uint8_t *record, uint8_t kind, const uint8_t *buckets, const uint32_t *values);

/** The index picked by `byte` among `count` weights that `weight_of` gives. */
uint8_t hak_fuzz_pick(uint8_t byte, size_t count, unsigned (*weight_of)(const void *, size_t),
                      const void *table);
unsigned hak_fuzz_kind_weight(const void *unused, size_t index);
unsigned hak_fuzz_bucket_weight(const void *domain, size_t index);

/** Writes an operation as text: "realloc(slot=3, size=65)". */
void hak_fuzz_format(char *text, size_t text_bytes, const struct hak_fuzz_op *op);

/** Prints the program as a Criterion test, ready to paste. */
void hak_fuzz_emit_test(FILE *out, const struct hak_fuzz_op *ops, size_t count);

#endif
