/* SPDX-License-Identifier: MIT */
/* How large the mappings of fuzz_bigcache are; see sizes.h. */
#include "sizes.h"

#include "big/mapping.h"
#include "harness/target.h"

enum { SUPERSLAB_BYTES = 2 << 20 };

/* Eight steps a doubling; a granule at least, above 4 MiB 2 MiB. */
static size_t step_at(size_t size) {
    size_t power = (size_t)1 << (63 - __builtin_clzll(size | 65536));
    size_t least = size > 4 << 20 ? 2 << 20 : 65536;
    return power / 8 < least ? least : power / 8;
}

size_t bigcache_round_size(size_t size) {
    size_t step = step_at(size);
    return (size + step - 1) / step * step;
}

size_t bigcache_demand_size(const char *base, size_t asked, bool faulted, const char *call) {
    size_t found = hak_mapping_size_bytes(base), rounded = bigcache_round_size(asked);
    size_t close = (asked + SUPERSLAB_BYTES - 1) / SUPERSLAB_BYTES * SUPERSLAB_BYTES;
    if (found != rounded && !(faulted && found == close && close < rounded)) {
        hak_fuzz_fail("%s: %zu bytes for %zu", call, found, asked);
    }
    return found;
}
