/* SPDX-License-Identifier: MIT */
/* Bit arithmetic on 32-bit granule bitmaps and 64-bit words. Layer 0. */
#ifndef HAK_BASE_BITMAP_H
#define HAK_BASE_BITMAP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

HAK_INLINE uint32_t hak_bit_lowest32(uint32_t word) {
    return (uint32_t)__builtin_ctz(word);
}

HAK_INLINE uint32_t hak_bit_lowest64(uint64_t word) {
    return (uint32_t)__builtin_ctzll(word);
}

HAK_INLINE uint32_t hak_bit_highest32(uint32_t word) {
    return 31 - (uint32_t)__builtin_clz(word);
}

HAK_INLINE uint32_t hak_bit_count32(uint32_t word) {
    return (uint32_t)__builtin_popcount(word);
}

HAK_INLINE uint32_t hak_bit_count64(uint64_t word) {
    return (uint32_t)__builtin_popcountll(word);
}

/* `count` bits from bit `first` on; first + count <= 32. */
HAK_INLINE uint32_t hak_mask32(uint32_t first, uint32_t count) {
    return count >= 32 ? UINT32_MAX : ((1u << count) - 1u) << first;
}

/* The lowest position at which `count` neighbouring bits of `bits` are set, or
 * 32 if there is none. Shifting and halving leaves a bit at each position that
 * starts such a group: O(log count). */
HAK_INLINE uint32_t hak_bit_find_group32(uint32_t bits, uint32_t count) {
    uint32_t have = 1;
    while (have < count && bits != 0) {
        uint32_t step = have < count - have ? have : count - have;
        bits &= bits >> step;
        have += step;
    }
    return bits != 0 ? hak_bit_lowest32(bits) : 32;
}

HAK_INLINE bool hak_is_power_of_two(uint64_t value) {
    return value != 0 && (value & (value - 1)) == 0;
}

HAK_INLINE uint64_t hak_round_up(uint64_t value, uint64_t power_of_two) {
    return (value + power_of_two - 1) & ~(power_of_two - 1);
}

/* The largest power of two that is at most `value`; value > 0. */
HAK_INLINE uint64_t hak_power_of_two_floor(uint64_t value) {
    return (uint64_t)1 << (63 - __builtin_clzll(value));
}

/* The smallest power of two that is at least `value`; value > 0. */
HAK_INLINE uint64_t hak_power_of_two_ceil(uint64_t value) {
    return value == 1 ? 1 : (uint64_t)2 << (63 - __builtin_clzll(value - 1));
}

#endif
