/* SPDX-License-Identifier: MIT */
/* SuperSlabs as plain arrays; see model.h. The numbers of the classes are
 * written out here, not taken from the allocator. */
#include "model.h"

#include <string.h>

#include "harness/target.h"
#include "region/region_map.h"
#include "superslab/chain.h"

enum { GRANULE_BYTES = 65536, SUPERSLAB_BYTES = MODEL_GRANULES * GRANULE_BYTES };

static struct model_superslab superslabs[MODEL_SUPERSLAB_MAX];
static size_t superslab_end, superslab_count;
static struct model_slab slabs[MODEL_SLAB_MAX];
static size_t slab_end;

uint32_t model_stride(uint32_t class_index) {
    if (class_index <= 8) {
        return class_index == 0 ? 8 : 16 * class_index;
    }
    uint32_t doubling = (class_index - 9) / 4, quarter = (class_index - 9) % 4 + 1;
    return (128U << doubling) + quarter * (32U << doubling);
}

uint32_t model_granules(uint32_t class_index) {
    uint32_t stride = model_stride(class_index);
    return stride <= 8192 ? 1 : stride <= 16384 ? 2 : stride <= 24576 ? 3 : 4;
}

void model_reset(void) {
    slab_end = superslab_end = superslab_count = 0;
}

size_t model_superslab_count(void) {
    return superslab_count;
}

static uint32_t granule_of(const void *address) {
    return (uint32_t)((uintptr_t)address % SUPERSLAB_BYTES / GRANULE_BYTES);
}

struct model_superslab *model_superslab_at(const void *address) {
    char *base = (char *)((uintptr_t)address / SUPERSLAB_BYTES * SUPERSLAB_BYTES);
    static size_t last; /* where the one before was: most come in groups */
    if (last < superslab_end && superslabs[last].base == base) {
        return &superslabs[last];
    }
    for (size_t i = 0; i < superslab_end; i++) {
        if (superslabs[i].base == base) {
            last = i;
            return &superslabs[i];
        }
    }
    hak_fuzz_fail("address %p lies in no SuperSlab", address);
}

struct model_slab *model_slab_at(const void *address) {
    return model_superslab_at(address)->slab_of[granule_of(address)];
}

/* --- What the code under test does -------------------------------------------- */

void model_created(char *base) {
    size_t at = 0;
    while (at < superslab_end && superslabs[at].base != NULL) {
        if (superslabs[at].base == base) {
            hak_fuzz_fail("create: the SuperSlab at %p exists", (void *)base);
        }
        at++;
    }
    if (at == MODEL_SUPERSLAB_MAX) {
        hak_fuzz_fail("create: more than %d SuperSlabs at once", MODEL_SUPERSLAB_MAX);
    }
    if ((uintptr_t)base % SUPERSLAB_BYTES != 0) {
        hak_fuzz_fail("create: the SuperSlab at %p is not aligned", (void *)base);
    }
    superslabs[at] = (struct model_superslab){.base = base};
    superslab_end = at == superslab_end ? at + 1 : superslab_end;
    superslab_count++;
    hak_fuzz_tally(OUTCOME_created);
}

static void demand_empty(const struct model_superslab *superslab, const char *what) {
    for (uint32_t g = 0; g < MODEL_GRANULES; g++) {
        if (superslab->slab_of[g] != NULL) {
            hak_fuzz_fail("%s: granule %u of %p is in use", what, g, (void *)superslab->base);
        }
    }
}

void model_pooled(char *base) {
    struct model_superslab *superslab = model_superslab_at(base);
    demand_empty(superslab, "pool");
    superslab->owner = NULL;
    hak_fuzz_tally(OUTCOME_to_pool);
}

void model_destroyed(char *base) {
    struct model_superslab *superslab = model_superslab_at(base);
    demand_empty(superslab, "destroy");
    superslab->base = NULL;
    superslab_count--;
    hak_fuzz_tally(OUTCOME_destroyed);
}

static struct model_slab *unused_slab(void) {
    for (size_t i = 0; i < slab_end; i++) {
        if (!slabs[i].is_carved) {
            return &slabs[i];
        }
    }
    if (slab_end == MODEL_SLAB_MAX) {
        hak_fuzz_fail("carve: more than %d slabs at once", MODEL_SLAB_MAX);
    }
    return &slabs[slab_end++];
}

void model_carved(char *start, uint32_t class_index, const void *chain) {
    struct model_superslab *superslab = model_superslab_at(start);
    uint32_t first = granule_of(start), count = model_granules(class_index);
    struct model_slab *slab = unused_slab();
    slab->home = superslab;
    slab->start = start;
    slab->class_index = class_index;
    slab->stride = model_stride(class_index);
    slab->granule_count = count;
    slab->block_count = count * GRANULE_BYTES / slab->stride;
    slab->free_count = slab->block_count;
    slab->held_count = slab->remote_count = 0;
    slab->is_carved = true;
    memset(slab->states, BLOCK_FREE, slab->block_count);
    for (uint32_t g = first; g < first + count; g++) {
        if (g >= MODEL_GRANULES || superslab->slab_of[g] != NULL) {
            hak_fuzz_fail("carve: granule %u of %p is in use or beyond the end", g,
                          (void *)superslab->base);
        }
        superslab->slab_of[g] = slab;
    }
    superslab->owner = chain;
    hak_fuzz_tally(OUTCOME_carved);
}

void model_uncarved(char *start) {
    struct model_superslab *superslab = model_superslab_at(start);
    struct model_slab *slab = model_slab_at(start);
    if (slab == NULL || slab->start != start) {
        hak_fuzz_fail("give up: no slab starts at %p", (void *)start);
    }
    if (slab->free_count != slab->block_count) {
        hak_fuzz_fail("give up: the slab at %p has %u blocks held and %u on their way back",
                      (void *)start, slab->held_count, slab->remote_count);
    }
    for (uint32_t g = 0; g < slab->granule_count; g++) {
        superslab->slab_of[granule_of(start) + g] = NULL;
    }
    slab->is_carved = false;
    hak_fuzz_tally(OUTCOME_uncarved);
}

void model_purged(char *base, uint32_t mask) {
    const struct model_superslab *superslab = model_superslab_at(base);
    for (uint32_t g = 0; g < MODEL_GRANULES; g++) {
        if ((mask >> g & 1) != 0 && superslab->slab_of[g] != NULL) {
            hak_fuzz_fail("purge: granule %u of %p is in use", g, (void *)base);
        }
    }
    if (mask != 0) {
        hak_fuzz_tally(OUTCOME_purged);
    }
}

void model_purge_counted(uint32_t mask, uint64_t counted) {
    uint64_t granules = 0;
    for (; mask != 0; mask >>= 1) {
        granules += mask & 1;
    }
    if (counted != granules) {
        hak_fuzz_fail("purge: %llu granules counted, not %llu", (unsigned long long)counted,
                      (unsigned long long)granules);
    }
}

void model_collected(char *start, uint32_t count) {
    struct model_slab *slab = model_slab_at(start);
    if (slab == NULL || slab->remote_count != count) {
        hak_fuzz_fail("collect: %u blocks of the slab at %p, not %u", count, (void *)start,
                      slab == NULL ? 0 : slab->remote_count);
    }
    for (uint32_t i = 0; i < slab->block_count; i++) {
        slab->states[i] = slab->states[i] == BLOCK_REMOTE ? BLOCK_FREE : slab->states[i];
    }
    slab->free_count += slab->remote_count;
    slab->remote_count = 0;
    hak_fuzz_tally(OUTCOME_collected);
}

/* --- Blocks ---------------------------------------------------------------------- */

static uint32_t index_of(const struct model_slab *slab, const void *block) {
    uint32_t offset = (uint32_t)((const char *)block - slab->start); /* in its granules */
    uint32_t index = offset / slab->stride;
    if (index * slab->stride != offset || index >= slab->block_count) {
        hak_fuzz_fail("block %p is not a block of the slab at %p", block, (void *)slab->start);
    }
    return index;
}

void model_take(void *block, uint32_t class_index, const void *chain) {
    struct model_slab *slab = model_slab_at(block);
    if (slab == NULL || slab->class_index != class_index) {
        hak_fuzz_fail("take: %p lies in no slab of class %u", block, class_index);
    }
    if (model_superslab_at(block)->owner != chain) {
        hak_fuzz_fail("take: %p is another chain's", block);
    }
    uint8_t *state = &slab->states[index_of(slab, block)];
    if (*state != BLOCK_FREE) {
        hak_fuzz_fail("take: %p is %s", block, *state == BLOCK_HELD ? "held" : "on its way back");
    }
    *state = BLOCK_HELD;
    slab->free_count--;
    slab->held_count++;
}

void model_give(void *block, bool is_remote) {
    struct model_slab *slab = model_slab_at(block);
    slab->states[index_of(slab, block)] = is_remote ? BLOCK_REMOTE : BLOCK_FREE;
    slab->held_count--;
    *(is_remote ? &slab->remote_count : &slab->free_count) += 1;
    hak_fuzz_tally(is_remote ? OUTCOME_given_remote : OUTCOME_given_local);
}

uint32_t model_remote_count(const void *chain) {
    uint32_t count = 0;
    for (size_t i = 0; i < slab_end; i++) {
        count += slabs[i].is_carved && slabs[i].home->owner == chain ? slabs[i].remote_count : 0;
    }
    return count;
}

size_t model_live_bytes(const void *chain) {
    size_t bytes = 0;
    for (size_t i = 0; i < slab_end; i++) {
        if (slabs[i].is_carved && slabs[i].home->owner == chain) {
            bytes += (size_t)(slabs[i].held_count + slabs[i].remote_count) * slabs[i].stride;
        }
    }
    return bytes;
}

static bool has_group(const struct model_superslab *superslab, uint32_t count) {
    uint32_t length = 0;
    for (uint32_t g = 0; g < MODEL_GRANULES && length < count; g++) {
        length = superslab->slab_of[g] == NULL ? length + 1 : 0;
    }
    return length >= count;
}

bool model_can_serve(const void *chain, uint32_t class_index) {
    for (size_t i = 0; i < slab_end; i++) {
        const struct model_slab *slab = &slabs[i];
        if (slab->is_carved && slab->class_index == class_index && slab->home->owner == chain &&
            slab->free_count + slab->remote_count > 0) {
            return true;
        }
    }
    for (size_t i = 0; i < superslab_end; i++) {
        if (superslabs[i].base != NULL && superslabs[i].owner == chain &&
            has_group(&superslabs[i], model_granules(class_index))) {
            return true;
        }
    }
    return false;
}

/* --- Comparison -------------------------------------------------------------------- */

static void compare_block(const struct hak_slab *found, const struct model_slab *slab, uint32_t i) {
    bool is_local = (found->local[i / 64] >> i % 64 & 1) != 0;
    bool is_remote = (hak_load_relaxed(&found->remote[i / 64]) >> i % 64 & 1) != 0;
    if (is_local != (slab->states[i] == BLOCK_FREE) ||
        is_remote != (slab->states[i] == BLOCK_REMOTE)) {
        hak_fuzz_fail("block %u of the slab at %p: local bit %d, remote bit %d, state %d", i,
                      (void *)slab->start, is_local, is_remote, slab->states[i]);
    }
}

/* The lowest bit of each byte, side by side. */
static uint64_t gather(uint64_t bytes) {
    return (bytes & UINT64_C(0x0101010101010101)) * UINT64_C(0x0102040810204080) >> 56;
}

/* Eight blocks at a time: the bits that their states stand for. A state is one byte, held
 * in its lowest bit and on its way back in the next. */
static void bits_of(const uint8_t *states, uint64_t *local, uint64_t *remote) {
    *local = *remote = 0;
    for (uint32_t i = 0; i < 64; i += 8) {
        uint64_t eight;
        memcpy(&eight, states + i, sizeof eight);
        *local |= gather(~(eight | eight >> 1)) << i;
        *remote |= gather(eight >> 1) << i;
    }
}

static void compare_blocks(const struct hak_slab *found, const struct model_slab *slab) {
    uint32_t i = 0;
    for (; i + 64 <= slab->block_count; i += 64) {
        uint64_t local, remote;
        bits_of(slab->states + i, &local, &remote);
        if (local == found->local[i / 64] && remote == hak_load_relaxed(&found->remote[i / 64])) {
            continue;
        }
        for (uint32_t j = i; j < i + 64; j++) {
            compare_block(found, slab, j);
        }
    }
    for (; i < slab->block_count; i++) {
        compare_block(found, slab, i);
    }
    if (found->live_count != slab->held_count + slab->remote_count) {
        hak_fuzz_fail("the slab at %p counts %u live, not %u", (void *)slab->start,
                      found->live_count, slab->held_count + slab->remote_count);
    }
}

static void compare_superslab(const struct model_superslab *superslab) {
    const struct hak_superslab *found = hak_region_owner(superslab->base);
    if (found == NULL || found->base != superslab->base) {
        hak_fuzz_fail("the region map does not know the SuperSlab at %p", (void *)superslab->base);
    }
    uint32_t bitmap = 0;
    for (uint32_t g = 0; g < MODEL_GRANULES; g++) {
        const struct model_slab *slab = superslab->slab_of[g];
        char *address = superslab->base + (size_t)g * GRANULE_BYTES;
        uint32_t kind = slab == NULL ? 0 : slab->class_index + 1;
        if (hak_region_kind(address) != kind) {
            hak_fuzz_fail("granule %u of %p has kind %d, not %u", g, (void *)superslab->base,
                          (int)hak_region_kind(address), kind);
        }
        bitmap |= slab == NULL ? 0 : 1U << g;
        if (slab != NULL && slab->start == address) {
            compare_blocks(&found->slabs[g], slab);
        }
    }
    if (found->bitmap != bitmap) {
        hak_fuzz_fail("the SuperSlab at %p has bitmap 0x%08x, not 0x%08x", (void *)superslab->base,
                      found->bitmap, bitmap);
    }
}

void model_compare_all(void) {
    for (size_t i = 0; i < superslab_end; i++) {
        if (superslabs[i].base != NULL) {
            compare_superslab(&superslabs[i]);
        }
    }
}
