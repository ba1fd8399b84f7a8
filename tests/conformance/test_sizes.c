/* SPDX-License-Identifier: MIT */
/* Every size from 0 to 2 MiB, one by one: given, aligned, usable to its last
 * byte, apart from its neighbours, and freed. Split in ranges only so that
 * they run in parallel. Every build walks every size of every size class, and
 * the first of the runs, which begin above 32 KiB. Sanitizer builds, many times
 * slower, step over larger ones (FAMILY_SIZE_STEP, from CMakeLists.txt); the
 * boundaries of every tier are in the other cases there too. */
#include "family.h"
#include "support.h"

enum { STEP_FROM_BYTES = 33 * 1024, FALLS_TO_BYTES = 2048 };

static size_t step_from(size_t size_bytes) {
    return size_bytes < STEP_FROM_BYTES ? 1 : FAMILY_SIZE_STEP;
}

static void walk(size_t first_bytes, size_t last_bytes) {
    static struct window window;
    for (size_t size_bytes = first_bytes; size_bytes <= last_bytes;
         size_bytes += step_from(size_bytes)) {
        void *block = FAMILY(malloc)(size_bytes);
        require_block(block, size_bytes, "malloc");
        window_add(&window, block, size_bytes);
    }
    window_drain(&window);
}

CASE(every_size, up_to_16_kib) {
    walk(0, 16 * KIB);
}

CASE(every_size, up_to_33_kib) {
    walk(16 * KIB + 1, STEP_FROM_BYTES);
}

CASE(every_size, up_to_64_kib) {
    walk(STEP_FROM_BYTES + 1, 64 * KIB);
}

CASE(every_size, up_to_512_kib) {
    walk(64 * KIB + 1, 512 * KIB);
}

CASE(every_size, up_to_1_mib) {
    walk(512 * KIB + 1, MIB);
}

CASE(every_size, up_to_1_and_a_half_mib) {
    walk(MIB + 1, MIB + 512 * KIB);
}

CASE(every_size, up_to_2_mib) {
    walk(MIB + 512 * KIB + 1, 2 * MIB);
}

/* Many neighbours of one size: a stride that is one byte short overlaps. */
CASE(every_size, neighbours_of_each_small_size) {
    static struct window window;
    for (size_t size_bytes = 0; size_bytes <= 2 * KIB; size_bytes++) {
        for (size_t i = 0; i < WINDOW_BLOCK_COUNT; i++) {
            void *block = FAMILY(malloc)(size_bytes);
            require_block(block, size_bytes, "malloc");
            window_add(&window, block, size_bytes);
        }
    }
    window_drain(&window);
}

/* Falling sizes reuse what rising ones left behind. */
CASE(every_size, falling) {
    static struct window window;
    for (size_t size_bytes = 64 * KIB; size_bytes > FALLS_TO_BYTES;
         size_bytes -= FAMILY_SIZE_STEP) {
        void *block = FAMILY(malloc)(size_bytes);
        require_block(block, size_bytes, "malloc");
        window_add(&window, block, size_bytes);
    }
    window_drain(&window);
}
