/* SPDX-License-Identifier: MIT */
/* The functions of the core that breakers make misbehave (-Wl,--wrap). Each is
 * the original as long as nothing is set. */
#include "big/big_table.h"
#include "meta/meta.h"
#include "os/os_memory.h"
#include "unit/check/breakers.h"

struct misbehaviour misbehaviour;

void *__real_hak_heap_alloc_aligned(size_t size_bytes, size_t alignment_bytes, bool *is_zero);
void *__wrap_hak_heap_alloc_aligned(size_t size_bytes, size_t alignment_bytes, bool *is_zero);
void *__wrap_hak_heap_alloc_aligned(size_t size_bytes, size_t alignment_bytes, bool *is_zero) {
    size_t most = misbehaviour.alloc_at_most_bytes;
    return __real_hak_heap_alloc_aligned(most != 0 && size_bytes > most ? most : size_bytes,
                                         alignment_bytes, is_zero);
}

void __real_hak_meta_free(void *memory, size_t size_bytes);
void __wrap_hak_meta_free(void *memory, size_t size_bytes);
void __wrap_hak_meta_free(void *memory, size_t size_bytes) {
    __real_hak_meta_free(memory, size_bytes);
    if (misbehaviour.on_meta_free != NULL) {
        misbehaviour.on_meta_free();
    }
}

uint32_t __real_hak_tcache_flush_owned(struct hak_tcache *tcache, struct hak_chain *chain,
                                       uint32_t class_index, uint32_t keep);
uint32_t __wrap_hak_tcache_flush_owned(struct hak_tcache *tcache, struct hak_chain *chain,
                                       uint32_t class_index, uint32_t keep);
uint32_t __wrap_hak_tcache_flush_owned(struct hak_tcache *tcache, struct hak_chain *chain,
                                       uint32_t class_index, uint32_t keep) {
    return __real_hak_tcache_flush_owned(tcache, chain, class_index, keep) -
           misbehaviour.flush_hides;
}

void __real_hak_adaptive_reset_window(struct hak_adaptive *sizing, uint64_t now_ns);
void __wrap_hak_adaptive_reset_window(struct hak_adaptive *sizing, uint64_t now_ns);
void __wrap_hak_adaptive_reset_window(struct hak_adaptive *sizing, uint64_t now_ns) {
    if (!misbehaviour.keeps_window) {
        __real_hak_adaptive_reset_window(sizing, now_ns);
    }
}

enum hak_adaptive_decision __real_hak_adaptive_decide(uint32_t high_water_mark, uint32_t capacity,
                                                      uint32_t capacity_max);
enum hak_adaptive_decision __wrap_hak_adaptive_decide(uint32_t high_water_mark, uint32_t capacity,
                                                      uint32_t capacity_max);
enum hak_adaptive_decision __wrap_hak_adaptive_decide(uint32_t high_water_mark, uint32_t capacity,
                                                      uint32_t capacity_max) {
    uint32_t decision = __real_hak_adaptive_decide(high_water_mark, capacity, capacity_max);
    return (enum hak_adaptive_decision)((decision + misbehaviour.decides_otherwise) % 3);
}

bool __real_hak_big_table_is_overfull(const struct hak_big_table *table);
bool __wrap_hak_big_table_is_overfull(const struct hak_big_table *table);
bool __wrap_hak_big_table_is_overfull(const struct hak_big_table *table) {
    return !misbehaviour.table_never_overfull && __real_hak_big_table_is_overfull(table);
}

void *__real_hak_os_reserve(size_t size_bytes, size_t alignment_bytes);
void *__wrap_hak_os_reserve(size_t size_bytes, size_t alignment_bytes);
void *__wrap_hak_os_reserve(size_t size_bytes, size_t alignment_bytes) {
    return misbehaviour.memory_is_out ? NULL : __real_hak_os_reserve(size_bytes, alignment_bytes);
}
