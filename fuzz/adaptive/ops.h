/* SPDX-License-Identifier: MIT */
/**
 * @file ops.h
 * What the operations of fuzz_adaptive share: ops.c, sizing.c.
 */
#ifndef HAK_FUZZ_ADAPTIVE_OPS_H
#define HAK_FUZZ_ADAPTIVE_OPS_H

#include <stdbool.h>
#include <stddef.h>

#include "superslab/chain.h"

extern struct hak_chain adaptive_chain;

/** Makes a class usable; false when the memory for its slots was made to fail. */
bool adaptive_open(size_t class_index);
/** The log's lines and one class, against the model. */
void adaptive_compare(size_t class_index);
/** Every cached block still carries its number: they may be about to go back. */
void adaptive_demand_numbers(void);

#endif
