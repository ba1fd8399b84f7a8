/* SPDX-License-Identifier: MIT */
/* src/front/malloc.c: how often realloc copies a block that grows, how much room it leaves,
 * and where a block that shrinks goes. What else it must keep to is tests/conformance/'s. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/constants.h"
#include "base/size_class.h"
#include "hakmem.h"
#include "support/expect.h"

/* From 8 bytes to 32 KiB by 3/8 each time: 26 moves. A move at each class would be 40. */
Test(realloc_growth, small_steps_copy_seldom) {
    uint32_t moves = 0;
    char *block = hak_malloc(1);
    for (size_t size = 2; size <= HAK_CLASS_SIZE_MAX_BYTES; size++) {
        char *now = hak_realloc(block, size);
        cr_assert_not_null(now);
        moves += now != block;
        block = now;
        block[size - 1] = (char)size;
        expect(block[size / 2] == (char)(size / 2 + 1), "byte %zu of %zu", size / 2, size);
    }
    expect(moves <= 26, "%u moves", moves);
    hak_free(block);
}

/* No more room than that, and none where the request itself is larger. */
Test(realloc_growth, leaves_three_eighths_of_room_at_most) {
    for (uint32_t c = 0; 3 * hak_class_infos[c].stride_bytes <= HAK_CLASS_SIZE_MAX_BYTES; c++) {
        size_t old = hak_class_infos[c].stride_bytes;
        for (size_t size = old + 1; size <= 3 * old; size += 1 + old / 8) {
            size_t least = old + old / 8 * 3;
            size_t room = size > least ? size : least;
            char *block = hak_realloc(hak_malloc(old), size);
            size_t usable = hak_malloc_usable_size(block);
            expect(usable == hak_class_infos[hak_class_of(room)].stride_bytes,
                   "%zu to %zu: %zu usable", old, size, usable);
            hak_free(block);
        }
    }
}

/* By more than half: in place a run would keep 64 KiB for it, and a mapping 2 MiB of address
 * space. */
Test(realloc_growth, what_shrinks_to_a_lower_tier_moves_there) {
    static const size_t olds[] = {2 * HAK_GRANULE_SIZE_BYTES, HAK_MIB, 3 * HAK_MIB, 20 * HAK_MIB};
    static const size_t news[] = {100, 20000, HAK_CLASS_SIZE_MAX_BYTES / 2, 300000};
    for (size_t i = 0; i < sizeof olds / sizeof *olds; i++) {
        for (size_t k = 0; k < sizeof news / sizeof *news && news[k] < olds[i] / 2; k++) {
            char *fresh = hak_malloc(news[k]), *block = hak_malloc(olds[i]);
            size_t usable = hak_malloc_usable_size(fresh);
            memset(block, 7, news[k]);
            block = hak_realloc(block, news[k]);
            expect(block != NULL && hak_malloc_usable_size(block) == usable,
                   "%zu to %zu: %zu usable, not %zu", olds[i], news[k],
                   hak_malloc_usable_size(block), usable);
            expect(block[0] == 7 && block[news[k] - 1] == 7, "%zu to %zu", olds[i], news[k]);
            hak_free(block);
            hak_free(fresh);
        }
    }
}
