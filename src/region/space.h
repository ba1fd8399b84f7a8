/* SPDX-License-Identifier: MIT */
/* What SuperSlabs and L2.5 chunks lie in: 2 MiB of address space, aligned to that, and
 * known to the region map. Layer 2. Thread safe.
 *
 * Before it asks the OS it asks the source: the large tier keeps freed mappings for a
 * while, and their memory counts as the process's. Small blocks that follow large ones
 * lie where those lay, or the process would need both. */
#ifndef HAK_REGION_SPACE_H
#define HAK_REGION_SPACE_H

#include <stdint.h>

/* Where to ask first: 2 MiB, aligned to that, that nobody else has or finds any more, or
 * NULL. Call once, before other threads can take. Without it there is the OS only. */
void hak_space_set_source(char *(*source)(void));

/* 2 MiB, registered for `owner`. `*dirty`: the granules that may be resident and not zero,
 * all or none. NULL without memory. */
char *hak_space_take(void *owner, uint32_t *dirty);

/* Gives it to the OS, after the region map has forgotten it. */
void hak_space_give(char *base);

#endif
