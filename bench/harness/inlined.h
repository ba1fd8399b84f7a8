/* SPDX-License-Identifier: MIT */
/* Included before each file of hakmem-bench-inline: its direct calls of malloc and
 * free go through the inlined fast paths. */
#ifndef BENCH_INLINED_H
#define BENCH_INLINED_H

#include <stdlib.h>

#include "hakmem_inline.h"

#define malloc(size_bytes) hak_malloc_inline(size_bytes)
#define free(block) hak_free_inline(block)

#endif
