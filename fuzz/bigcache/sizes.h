/* SPDX-License-Identifier: MIT */
/**
 * @file sizes.h
 * How large the mappings of fuzz_bigcache are, by the documentation alone.
 */
#ifndef HAK_FUZZ_BIGCACHE_SIZES_H
#define HAK_FUZZ_BIGCACHE_SIZES_H

#include <stdbool.h>
#include <stddef.h>

/** What a request takes. */
size_t bigcache_round_size(size_t size);

/** What the mapping at `base` has for `asked` bytes: the rounded size, or after a refusal the
 * next multiple of 2 MiB, if that is less. */
size_t bigcache_demand_size(const char *base, size_t asked, bool faulted, const char *call);

#endif
