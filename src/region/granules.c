/* SPDX-License-Identifier: MIT */
/* Purging granules: see granules.h. Layer 2. */
#include "region/granules.h"

#include "base/atomic.h"
#include "base/bitmap.h"
#include "base/constants.h"
#include "os/os_memory.h"

/* Relaxed: a statistic. */
static _Atomic uint64_t purged_granules;

uint64_t hak_purged_granule_count(void) {
    return hak_load_relaxed(&purged_granules);
}

void hak_purge_granules(char *base, uint32_t mask) {
    hak_add_relaxed(&purged_granules, (uint64_t)hak_bit_count32(mask));
    while (mask != 0) {
        uint32_t first = hak_bit_lowest32(mask);
        uint32_t inverse = ~(mask >> first);
        uint32_t length = inverse == 0 ? 32 : hak_bit_lowest32(inverse);
        hak_os_purge(base + ((size_t)first << HAK_GRANULE_SHIFT),
                     (size_t)length << HAK_GRANULE_SHIFT);
        mask &= ~hak_mask32(first, length);
    }
}
