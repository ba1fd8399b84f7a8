/* SPDX-License-Identifier: MIT */
/* Size classes against an independent reference, at every size and offset. */
#include "base/size_class.h"

#include <criterion/criterion.h>

#include "base/bitmap.h"
#include "support/expect.h"

enum { CLASS_SIZE_MAX = 32 * 1024 };

/* The strides as DESIGN.md says them: 8, then every 16 to 128, then four per
 * doubling to 32 KiB. Written as a walk, not as the formula under test. */
static uint32_t reference_strides(uint32_t strides[64]) {
    uint32_t n = 0;
    strides[n++] = 8;
    for (uint32_t s = 16; s <= 128; s += 16) {
        strides[n++] = s;
    }
    for (uint32_t base = 128; base < CLASS_SIZE_MAX; base *= 2) {
        for (uint32_t quarter = 1; quarter <= 4; quarter++) {
            strides[n++] = base + base * quarter / 4;
        }
    }
    return n;
}

Test(size_class, strides_are_the_reference) {
    uint32_t strides[64], count = reference_strides(strides);
    expect(count == HAK_CLASS_COUNT, "%u classes, %d in the table", count, HAK_CLASS_COUNT);
    for (uint32_t c = 0; c < count; c++) {
        expect(hak_class_infos[c].stride_bytes == strides[c], "class %u: %u, not %u", c,
               hak_class_infos[c].stride_bytes, strides[c]);
    }
}

Test(size_class, every_size_gets_the_smallest_class_that_covers_it) {
    uint32_t strides[64], expected = 0;
    reference_strides(strides);
    for (uint32_t size = 0; size <= CLASS_SIZE_MAX; size++) {
        expected += size > strides[expected];
        uint32_t c = hak_class_of(size);
        expect(c == expected, "size %u: class %u, not %u", size, c, expected);
        expect(hak_class_infos[c].stride_bytes >= size, "size %u in a stride of %u", size,
               hak_class_infos[c].stride_bytes);
        expect(c == 0 || hak_class_infos[c - 1].stride_bytes < size, "size %u fits class %u", size,
               c - 1);
    }
}

Test(size_class, table_and_bit_scan_agree_where_both_apply) {
    for (uint32_t size = 129; size <= HAK_CLASS_TABLE_MAX_BYTES; size++) {
        expect(hak_class_of_medium(size) == hak_class_of(size), "size %u: %u and %u", size,
               hak_class_of_medium(size), hak_class_of(size));
    }
}

Test(size_class, kind_table_holds_only_kinds_of_classes) {
    for (uint32_t i = 0; i <= HAK_CLASS_TABLE_MAX_BYTES / 8; i++) {
        uint8_t kind = hak_kind_by_eighth[i];
        expect(kind >= HAK_KIND_CLASS_FIRST && kind <= HAK_KIND_CLASS_LAST, "cell %u: %u", i, kind);
    }
}

Test(size_class, reciprocal_is_exact_at_every_offset_of_every_slab) {
    for (uint32_t c = 0; c < HAK_CLASS_COUNT; c++) {
        const struct hak_class_info *info = &hak_class_infos[c];
        uint32_t end = info->granule_count * (uint32_t)HAK_GRANULE_SIZE_BYTES;
        for (uint32_t offset = 0; offset < end; offset++) {
            uint32_t index = hak_class_index_of(info->reciprocal, offset);
            expect(index == offset / info->stride_bytes, "class %u offset %u: %u", c, offset,
                   index);
        }
    }
}

Test(size_class, slabs_waste_little_and_hold_enough) {
    for (uint32_t c = 0; c < HAK_CLASS_COUNT; c++) {
        const struct hak_class_info *info = &hak_class_infos[c];
        uint32_t bytes = info->granule_count * (uint32_t)HAK_GRANULE_SIZE_BYTES;
        uint32_t used = info->block_count * info->stride_bytes;
        expect(info->granule_count >= 1 && info->granule_count <= 4, "class %u: %u granules", c,
               info->granule_count);
        expect(info->block_count == bytes / info->stride_bytes, "class %u: %u blocks", c,
               info->block_count);
        expect((bytes - used) * 8 < bytes, "class %u wastes %u of %u", c, bytes - used, bytes);
        expect(info->block_count >= 8, "class %u has %u blocks", c, info->block_count);
        expect(info->stride_bytes > 8192 || info->granule_count == 1, "class %u: %u granules", c,
               info->granule_count);
    }
}

/* No fewer granules would do: the comment in size_class.c says "as few as". */
Test(size_class, slabs_are_no_larger_than_they_must_be) {
    for (uint32_t c = 0; c < HAK_CLASS_COUNT; c++) {
        const struct hak_class_info *info = &hak_class_infos[c];
        for (uint32_t granules = 1; granules < info->granule_count; granules++) {
            uint32_t bytes = granules * (uint32_t)HAK_GRANULE_SIZE_BYTES;
            bool wasteful = bytes % info->stride_bytes * 8 >= bytes;
            expect(bytes / info->stride_bytes < 8 || wasteful, "class %u would fit %u granules", c,
                   granules);
        }
    }
}

Test(size_class, alignment_is_what_the_header_promises) {
    for (uint32_t c = 1; c < HAK_CLASS_COUNT; c++) {
        uint32_t stride = hak_class_infos[c].stride_bytes;
        expect(stride % 16 == 0, "class %u: stride %u", c, stride);
        expect(!hak_is_power_of_two(stride) || HAK_GRANULE_SIZE_BYTES % stride == 0,
               "class %u: %u is not naturally aligned in a granule", c, stride);
    }
}

Test(size_class, capacities_are_powers_of_two_within_the_policy_and_128_KiB) {
    for (uint32_t c = 0; c < HAK_CLASS_COUNT; c++) {
        const struct hak_class_info *info = &hak_class_infos[c];
        uint64_t bytes = (uint64_t)info->capacity_max * info->stride_bytes;
        expect(hak_is_power_of_two(info->capacity_max), "class %u: %u", c, info->capacity_max);
        expect(info->capacity_max >= 16 && info->capacity_max <= 2048, "class %u: %u", c,
               info->capacity_max);
        expect(bytes <= 128 * 1024 || info->capacity_max == 16, "class %u: %lu bytes", c, bytes);
    }
}

/* The largest power of two of slots within 1 MiB and the policy's 2048. */
Test(size_class, capacities_for_swings_are_the_largest_within_the_policy_and_1_MiB) {
    for (uint32_t c = 0; c < HAK_CLASS_COUNT; c++) {
        const struct hak_class_info *info = &hak_class_infos[c];
        uint32_t slots = 2048;
        while ((uint64_t)slots * info->stride_bytes > 1024 * 1024)
            slots /= 2;
        expect(info->capacity_swing_max == slots, "class %u: %u, not %u", c,
               info->capacity_swing_max, slots);
        expect(slots >= info->capacity_max, "class %u: %u", c, slots);
    }
}
