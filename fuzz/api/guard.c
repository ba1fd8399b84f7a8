/* SPDX-License-Identifier: MIT */
/* The one thing that fuzz_api asks of the allocator's insides: that a block of a
 * checked build has room for its guard, which no program can see. */
#include "check/guard.h"
#include "heap/heap.h"
#include "model.h"

bool model_has_guard(const void *block, size_t size_bytes) {
    return HAK_CHECK_LEVEL == 0 ||
           hak_heap_block_size(block, "fuzz_api") >= size_bytes + HAK_GUARD_SIZE_BYTES;
}
