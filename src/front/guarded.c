/* SPDX-License-Identifier: MIT */
/* malloc of checked builds, for the inlined front of fast.h. Layer 7. Checked
 * builds only. */
#include <errno.h>

#include "check/guard.h"
#include "front/fast.h"

void *hak_malloc_guarded(size_t size_bytes) {
    void *block = hak_guard_alloc(size_bytes, 1, "malloc");
    if (hak_unlikely(block == NULL)) {
        errno = ENOMEM;
    }
    return block;
}
