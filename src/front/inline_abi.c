/* SPDX-License-Identifier: MIT */
/* What hakmem_inline.h assumes of the structures that it reads, checked against
 * them; and the symbol that programs which use it need. Layer 7. */
#define HAK_INLINE_LAYOUT_ONLY
#include "hakmem_inline.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/constants.h"
#include "base/size_class.h"
#include "heap/heap.h"
#include "region/region_map.h"
#include "tcache/tcache.h"

#define SAME_PLACE(ours, field, theirs, field_there)                                               \
    _Static_assert(offsetof(struct ours, field) == offsetof(struct theirs, field_there) &&         \
                       sizeof(((struct ours *)0)->field) ==                                        \
                           sizeof(((struct theirs *)0)->field_there),                              \
                   "hakmem_inline.h: " #field_there)

_Static_assert(offsetof(struct hak_tcache, bins) == 0, "hakmem_inline.h: bins come first");
_Static_assert(sizeof(struct hak_tcache_bin) == sizeof(struct hak_inline_bin),
               "hakmem_inline.h: bins");
SAME_PLACE(hak_tcache_bin, top, hak_inline_bin, top);
SAME_PLACE(hak_tcache_bin, end, hak_inline_bin, end);
SAME_PLACE(hak_region_map, kinds, hak_inline_map, kinds);
SAME_PLACE(hak_region_map, flat_limit, hak_inline_map, granule_limit);
_Static_assert((int)HAK_INLINE_TABLE_MAX_BYTES == (int)HAK_CLASS_TABLE_MAX_BYTES &&
                   HAK_INLINE_CLASS_MAX_BYTES == HAK_CLASS_SIZE_MAX_BYTES &&
                   (int)HAK_INLINE_GRANULE_SHIFT == (int)HAK_GRANULE_SHIFT,
               "hakmem_inline.h: constants");

/* In checked builds the fast paths are guarded, so nothing may go around them:
 * there the symbol is absent, and a program that inlines does not link.
 *
 * It refers to malloc for programs built with -flto: their own mention of malloc
 * and free, known to the compiler, does not make the linker take the archive's
 * standard names, and a block would go to the C library's free(). */
#if HAK_CHECK_LEVEL == 0
void *(*const hak_inline_abi_1)(size_t) = malloc;
#endif
