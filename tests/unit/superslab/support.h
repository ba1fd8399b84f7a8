/* SPDX-License-Identifier: MIT */
/* What the tests of this layer share. */
#ifndef TEST_UNIT_SUPERSLAB_SUPPORT_H
#define TEST_UNIT_SUPERSLAB_SUPPORT_H

#include <stdint.h>

#include "superslab/chain.h"

/* The region map, once per test (each runs in a process of its own). */
void start_region_map(void);

/* Up to `wanted` blocks, expanding while the chain has none; returns how many:
 * less than one only without memory. */
uint32_t take_or_expand(struct hak_chain *chain, uint32_t class_index, void **out, uint32_t wanted);

/* Recounts what the chain's counters say, from its links and bitmaps alone, and
 * in checked builds runs the chain's own verification. Nothing may be running. */
void expect_chain_counts(const struct hak_chain *chain);

/* The n-th call of hak_meta_alloc from now fails (1: the next); 0: none. */
void fail_meta_alloc_at(uint32_t n);

#endif
