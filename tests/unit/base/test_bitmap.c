/* SPDX-License-Identifier: MIT */
/* Bit helpers against naive loops: exhaustive where that is small, else random. */
#include "base/bitmap.h"

#include <criterion/criterion.h>

#include "support/expect.h"
#include "support/random.h"

enum { RANDOM_ROUNDS = 200000 };

static uint32_t naive_group(uint32_t bits, uint32_t count) {
    for (uint32_t at = 0; at + count <= 32; at++) {
        uint32_t have = 0;
        while (have < count && (bits >> (at + have) & 1) != 0) {
            have++;
        }
        if (have == count) {
            return at;
        }
    }
    return 32;
}

static void check_groups(uint32_t bits) {
    for (uint32_t count = 1; count <= 32; count++) {
        uint32_t found = hak_bit_find_group32(bits, count), naive = naive_group(bits, count);
        expect(found == naive, "bits 0x%08x, %u of them: %u, not %u", bits, count, found, naive);
    }
}

Test(bitmap, group_in_every_16_bit_pattern_low_and_high) {
    for (uint32_t bits = 0; bits <= 0xFFFF; bits++) {
        check_groups(bits);
        check_groups(bits << 16);
    }
}

Test(bitmap, group_in_random_and_full_patterns) {
    struct test_random random;
    test_random_init(&random, 1);
    check_groups(UINT32_MAX);
    for (int i = 0; i < RANDOM_ROUNDS / 4; i++) {
        uint32_t a = (uint32_t)test_random_next(&random), b = (uint32_t)test_random_next(&random);
        check_groups(a);
        check_groups(a | b);
    }
}

Test(bitmap, mask_of_every_range) {
    for (uint32_t first = 0; first < 32; first++) {
        for (uint32_t count = 0; first + count <= 32; count++) {
            uint32_t naive = 0;
            for (uint32_t i = first; i < first + count; i++) {
                naive |= 1u << i;
            }
            expect(hak_mask32(first, count) == naive, "first %u count %u: 0x%08x", first, count,
                   hak_mask32(first, count));
        }
    }
}

static void check_word(uint64_t word) {
    uint32_t lowest = 64, count = 0, lowest32 = 32, count32 = 0;
    for (uint32_t i = 64; i-- > 0;) {
        if ((word >> i & 1) != 0) {
            lowest = i;
            count++;
            lowest32 = i < 32 ? i : lowest32;
            count32 += i < 32;
        }
    }
    expect(hak_bit_count64(word) == count, "0x%lx", word);
    expect(hak_bit_count32((uint32_t)word) == count32, "0x%lx", word);
    expect(word == 0 || hak_bit_lowest64(word) == lowest, "0x%lx", word);
    expect((uint32_t)word == 0 || hak_bit_lowest32((uint32_t)word) == lowest32, "0x%lx", word);
}

Test(bitmap, lowest_and_count) {
    struct test_random random;
    test_random_init(&random, 2);
    for (uint32_t i = 0; i < 64; i++) {
        check_word((uint64_t)1 << i);
        check_word(UINT64_MAX << i);
    }
    check_word(0);
    for (int i = 0; i < RANDOM_ROUNDS; i++) {
        check_word(test_random_next(&random) & test_random_next(&random));
    }
}

static void check_powers(uint64_t value) {
    uint64_t floor = 1, ceil = 1;
    while (floor <= value / 2) {
        floor *= 2;
    }
    while (ceil < value) {
        ceil *= 2;
    }
    expect(hak_power_of_two_floor(value) == floor, "%lu: %lu", value,
           hak_power_of_two_floor(value));
    expect(hak_power_of_two_ceil(value) == ceil, "%lu: %lu", value, hak_power_of_two_ceil(value));
    expect(hak_is_power_of_two(value) == (floor == value), "%lu", value);
}

Test(bitmap, powers_of_two) {
    struct test_random random;
    test_random_init(&random, 3);
    expect(!hak_is_power_of_two(0), "0 is no power of two");
    for (uint64_t value = 1; value <= 70000; value++) {
        check_powers(value);
    }
    for (uint32_t shift = 17; shift <= 63; shift++) {
        check_powers((uint64_t)1 << shift);
        check_powers(((uint64_t)1 << shift) - 1);
    }
    for (int i = 0; i < RANDOM_ROUNDS; i++) {
        check_powers((test_random_next(&random) >> (1 + test_random_below(&random, 62))) + 1);
    }
}

Test(bitmap, round_up) {
    for (uint64_t power = 1; power <= 4096; power *= 2) {
        for (uint64_t value = 0; value <= 3 * power; value++) {
            uint64_t naive = value;
            while (naive % power != 0) {
                naive++;
            }
            expect(hak_round_up(value, power) == naive, "%lu to %lu", value, power);
        }
    }
}
