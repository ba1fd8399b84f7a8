/* SPDX-License-Identifier: MIT */
/* Giving groups of granules back to the OS: for SuperSlabs and L2.5 chunks
 * alike. Layer 2. */
#ifndef HAK_REGION_GRANULES_H
#define HAK_REGION_GRANULES_H

#include <stdint.h>

/* Purges the granules of `mask` in the 2 MiB at `base`: one call to the OS for
 * each group of neighbours. */
void hak_purge_granules(char *base, uint32_t mask);

/* Granules ever purged by this process. */
uint64_t hak_purged_granule_count(void);

#endif
