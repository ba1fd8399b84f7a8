/* SPDX-License-Identifier: MIT */
/* Slabs: see slab.h. Layer 3. */
#include "superslab/slab.h"

#include <string.h>

#include "base/check.h"
#include "base/panic.h"
#include "base/pause.h"
#include "meta/meta.h"
#include "os/os_memory.h"
#include "superslab/chain.h"

/* Each bitmap on lines of its own: the owner's stores must not disturb the
 * threads that OR into the other. */
static size_t bitmap_size_bytes(uint32_t word_count) {
    return (size_t)hak_round_up(word_count * sizeof(uint64_t), HAK_CACHE_LINE_BYTES);
}

/* Of checked builds one more: the marks. */
static size_t bitmaps_size_bytes(uint32_t word_count) {
    return (HAK_CHECK_LEVEL >= 1 ? 3 : 2) * bitmap_size_bytes(word_count);
}

static _Atomic uint64_t *marks_in(char *bitmaps, uint32_t word_count) {
    char *marks = bitmaps + 2 * bitmap_size_bytes(word_count);
    return HAK_CHECK_LEVEL >= 1 ? (_Atomic uint64_t *)(void *)marks : NULL;
}

static size_t records_size_bytes(uint32_t block_count) {
    return HAK_CHECK_LEVEL >= 1 ? block_count * sizeof(uint64_t) : 0;
}

static void fill_local(uint64_t *local, uint32_t block_count) {
    memset(local, 0xFF, (block_count / 64) * sizeof *local);
    if (block_count % 64 != 0) {
        local[block_count / 64] = ((uint64_t)1 << (block_count % 64)) - 1;
    }
}

bool hak_slab_init(struct hak_slab *slab, struct hak_chain *chain, char *start,
                   uint32_t class_index, uint32_t granule_first) {
    const struct hak_class_info *info = &hak_class_infos[class_index];
    uint32_t words = (info->block_count + 63) / 64;
    char *bitmaps = hak_meta_alloc(bitmaps_size_bytes(words));
    if (bitmaps == NULL) {
        return false;
    }
    void *records = NULL;
    if (records_size_bytes(info->block_count) != 0) {
        records = hak_meta_alloc(records_size_bytes(info->block_count));
        if (records == NULL) {
            hak_meta_free(bitmaps, bitmaps_size_bytes(words));
            return false;
        }
    }
    *slab = (struct hak_slab){
        .start = start,
        .local = (uint64_t *)(void *)bitmaps,
        .reciprocal = info->reciprocal,
        .stride_bytes = info->stride_bytes,
        .block_count = info->block_count,
        .word_count = words,
        .kind = (uint8_t)(class_index + HAK_KIND_CLASS_FIRST),
        .granule_first = (uint8_t)granule_first,
        .granule_count = (uint8_t)info->granule_count,
        .remote = (_Atomic uint64_t *)(void *)(bitmaps + bitmap_size_bytes(words)),
        .chain = chain,
        .records = records,
        .marks = marks_in(bitmaps, words),
    };
    fill_local(slab->local, slab->block_count);
    return true;
}

void hak_slab_destroy_owned(struct hak_slab *slab) {
    hak_assert(slab->live_count == 0 && hak_slab_free_count(slab) == slab->block_count,
               SLAB_EMPTY_IS_WHOLE, hak_slab_free_count(slab), slab->live_count,
               slab->block_count);
    hak_assert_valid(slab, slab);
    hak_meta_free(slab->local, bitmaps_size_bytes(slab->word_count));
    if (records_size_bytes(slab->block_count) != 0) {
        hak_meta_free(slab->records, records_size_bytes(slab->block_count));
        slab->marks = NULL;
    }
    slab->kind = HAK_KIND_NONE;
    slab->local = NULL;
    slab->remote = NULL;
    slab->records = NULL;
}

uint32_t hak_slab_take_owned(struct hak_slab *slab, void **out, uint32_t wanted) {
    uint32_t taken = 0, word = slab->first_word;
    while (taken < wanted && word < slab->word_count) {
        uint64_t bits = slab->local[word];
        char *base = slab->start + (size_t)word * 64 * slab->stride_bytes;
        while (bits != 0 && taken < wanted) {
            out[taken++] = base + (size_t)hak_bit_lowest64(bits) * slab->stride_bytes;
            bits &= bits - 1;
        }
        slab->local[word] = bits;
        word += bits == 0;
    }
    while (word < slab->word_count && slab->local[word] == 0) {
        word++;
    }
    slab->first_word = word;
    slab->live_count += taken;
    slab->is_squeezed = false;
    hak_assert_valid(slab, slab);
    return taken;
}

void hak_slab_announce_remote(struct hak_slab *slab, uint32_t count) {
    hak_pause_point(REMOTE_MARKED);
    /* S1b: release publishes the ORs before it to S2a; acquire orders this
     * thread's push after the owner's last pop of the slab. */
    if (hak_add_acq_rel(&slab->remote_count, count) == 0) {
        hak_chain_push_pending(slab->chain, slab);
    }
}

uint32_t hak_slab_collect_owned(struct hak_slab *slab) {
    /* S2a: acquire pairs with S1b: the bits of all `count` blocks are visible
     * below. Release: whoever finds 0 next pushes after our pop. */
    uint32_t count = hak_exchange_acq_rel(&slab->remote_count, 0u);
    hak_assert(count > 0, PENDING_COUNTED, count, (uintptr_t)slab);
    hak_pause_point(COLLECT_COUNTED);
    for (uint32_t w = 0; w < slab->word_count; w++) {
        /* Relaxed look: an absent bit is not yet counted, so it may wait. */
        if (hak_load_relaxed(&slab->remote[w]) == 0) {
            continue;
        }
        /* S2b: acquire pairs with S1a of each bit taken, early ones too. */
        uint64_t bits = hak_exchange_acquire(&slab->remote[w], (uint64_t)0);
        hak_assert((slab->local[w] & bits) == 0, SLAB_ONE_PLACE, slab->local[w], bits, w);
        if (hak_unlikely((slab->local[w] & bits) != 0)) {
            uint32_t index = w * 64 + hak_bit_lowest64(slab->local[w] & bits);
            hak_misuse(HAK_MISUSE_DOUBLE_FREE, slab->start + (size_t)index * slab->stride_bytes,
                       slab->stride_bytes, "collect");
        }
        slab->local[w] |= bits;
        slab->first_word = w < slab->first_word ? w : slab->first_word;
    }
    slab->live_count -= count;
    slab->is_squeezed = false;
    hak_assert_valid(slab, slab);
    return count;
}

/* The first block from `index` on whose bit in `local` is `set`, or block_count. */
static uint32_t find_block(const struct hak_slab *slab, uint32_t index, bool set) {
    for (uint32_t word = index / 64; word < slab->word_count; word++) {
        uint64_t bits = set ? slab->local[word] : ~slab->local[word];
        bits &= word == index / 64 ? UINT64_MAX << (index % 64) : UINT64_MAX;
        if (bits != 0) {
            uint32_t found = word * 64 + hak_bit_lowest64(bits);
            return found < slab->block_count ? found : slab->block_count;
        }
    }
    return slab->block_count;
}

/* Checked builds: what was in these free blocks is gone, so each is as if it had never
 * been used. Nobody else looks at the record of a block that is free in `local`. */
static void forget_records(const struct hak_slab *slab, size_t from_bytes, size_t to_bytes) {
    size_t last = (to_bytes - 1) / slab->stride_bytes;
    for (size_t i = from_bytes / slab->stride_bytes; slab->records != NULL && i <= last; i++) {
        hak_store_relaxed(&slab->records[i], (uint64_t)0);
    }
}

/* The OS pages that lie in blocks `first` to `end` altogether. */
static uint32_t purge_blocks(const struct hak_slab *slab, uint32_t first, uint32_t end) {
    size_t from = hak_round_up((size_t)first * slab->stride_bytes, HAK_OS_PAGE_SIZE_BYTES);
    size_t to = (size_t)end * slab->stride_bytes / HAK_OS_PAGE_SIZE_BYTES * HAK_OS_PAGE_SIZE_BYTES;
    if (from >= to) {
        return 0;
    }
    hak_os_purge(slab->start + from, to - from);
    forget_records(slab, from, to);
    return (uint32_t)((to - from) >> HAK_OS_PAGE_SHIFT);
}

uint32_t hak_slab_squeeze_owned(struct hak_slab *slab) {
    uint32_t purged = 0;
    if (slab->is_squeezed) {
        return 0;
    }
    for (uint32_t first = find_block(slab, 0, true); first < slab->block_count;) {
        uint32_t end = find_block(slab, first, false);
        purged += purge_blocks(slab, first, end);
        first = find_block(slab, end, true);
    }
    slab->is_squeezed = true;
    return purged;
}
