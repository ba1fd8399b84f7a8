/* SPDX-License-Identifier: MIT */
/* The size class tables: see size_class.h. Layer 0.
 *
 * Slabs: one granule for strides up to 8 KiB (at least 8 blocks); above, as
 * few granules as give at least 8 blocks and less than 12.5 % waste.
 *
 * capacity_max bounds capacity * stride to 128 KiB per class and thread, except
 * that no class has fewer than the policy's 16 slots (above 8 KiB: up to 512 KiB)
 * or more than its 2048: enough for a cache to absorb
 * a burst, little enough that the caches of many threads stay small beside
 * what the program holds. capacity_swing_max bounds it to 1 MiB, for threads whose
 * bursts come again and again (docs/ADAPTIVE.md). */
#include "base/size_class.h"

#define RECIPROCAL(stride) ((uint32_t)((0xFFFFFFFFull + (stride)) / (stride)))
#define BLOCKS(stride, granules) ((uint32_t)((granules)*65536u / (stride)))
#define CLASS(stride, granules, slots, swing_slots)                                                \
    { (stride), BLOCKS(stride, granules), (granules), RECIPROCAL(stride), (slots), (swing_slots) }

const struct hak_class_info hak_class_infos[HAK_CLASS_COUNT] = {
    CLASS(8, 1, 2048, 2048),  CLASS(16, 1, 2048, 2048),  CLASS(32, 1, 2048, 2048),
    CLASS(48, 1, 2048, 2048), CLASS(64, 1, 2048, 2048),  CLASS(80, 1, 1024, 2048),
    CLASS(96, 1, 1024, 2048), CLASS(112, 1, 1024, 2048), CLASS(128, 1, 1024, 2048),
    CLASS(160, 1, 512, 2048), CLASS(192, 1, 512, 2048),  CLASS(224, 1, 512, 2048),
    CLASS(256, 1, 512, 2048), CLASS(320, 1, 256, 2048),  CLASS(384, 1, 256, 2048),
    CLASS(448, 1, 256, 2048), CLASS(512, 1, 256, 2048),  CLASS(640, 1, 128, 1024),
    CLASS(768, 1, 128, 1024), CLASS(896, 1, 128, 1024),  CLASS(1024, 1, 128, 1024),
    CLASS(1280, 1, 64, 512),  CLASS(1536, 1, 64, 512),   CLASS(1792, 1, 64, 512),
    CLASS(2048, 1, 64, 512),  CLASS(2560, 1, 32, 256),   CLASS(3072, 1, 32, 256),
    CLASS(3584, 1, 32, 256),  CLASS(4096, 1, 32, 256),   CLASS(5120, 1, 16, 128),
    CLASS(6144, 1, 16, 128),  CLASS(7168, 1, 16, 128),   CLASS(8192, 1, 16, 128),
    CLASS(10240, 2, 16, 64),  CLASS(12288, 2, 16, 64),   CLASS(14336, 2, 16, 64),
    CLASS(16384, 2, 16, 64),  CLASS(20480, 3, 16, 32),   CLASS(24576, 3, 16, 32),
    CLASS(28672, 4, 16, 32),  CLASS(32768, 4, 16, 32),
};

#define KIND(size)                                                                                 \
    (uint8_t)(HAK_KIND_CLASS_FIRST + ((size) <= 8     ? 0                                          \
                                      : (size) <= 128 ? ((size) + 15) / 16                         \
                                      : (size) <= 256 ? 9 + ((size)-1 - 128) / 32                  \
                                      : (size) <= 512 ? 13 + ((size)-1 - 256) / 64                 \
                                                      : 17 + ((size)-1 - 512) / 128))
#define KINDS_4(eighth)                                                                            \
    KIND((eighth)*8), KIND((eighth)*8 + 8), KIND((eighth)*8 + 16), KIND((eighth)*8 + 24)
#define KINDS_16(eighth)                                                                           \
    KINDS_4(eighth), KINDS_4((eighth) + 4), KINDS_4((eighth) + 8), KINDS_4((eighth) + 12)

const uint8_t hak_kind_by_eighth[HAK_CLASS_TABLE_MAX_BYTES / 8 + 1] = {
    KINDS_16(0),  KINDS_16(16), KINDS_16(32),  KINDS_16(48), KINDS_16(64),
    KINDS_16(80), KINDS_16(96), KINDS_16(112), KIND(1024),
};
