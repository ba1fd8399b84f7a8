/* SPDX-License-Identifier: MIT */
/* What a program may ask the allocator: hakmem.h. Layer 7. */
#include "hakmem.h"

#include <malloc.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/config.h"
#include "base/event_ring.h"
#include "base/format.h"
#include "base/start_stderr.h"
#include "big/big_cache.h"
#include "big/mapping.h"
#include "check/guard.h"
#include "check/heap_check.h"
#include "heap/heap.h"
#include "heap/heap_start.h"
#include "l25/l25.h"
#include "meta/meta.h"
#include "region/granules.h"
#include "superslab/pool.h"

size_t hak_malloc_usable_size(void *block) {
    if (block == NULL) {
        return 0;
    }
    return HAK_CHECK_LEVEL >= 1 ? hak_guard_usable_size(block, "malloc_usable_size")
                                : hak_heap_block_size(block, "malloc_usable_size");
}

/* `keep_bytes` is what glibc leaves at the top of its heap; our free memory has
 * no top, so all of it goes. */
int hak_malloc_trim(size_t keep_bytes) {
    (void)keep_bytes;
    hak_operation("malloc_trim", NULL, keep_bytes);
    return hak_heap_trim() ? 1 : 0;
}

size_t hak_heap_check(void) {
    hak_operation("hak_heap_check", NULL, 0);
    return HAK_CHECK_LEVEL >= 1 ? hak_heap_check_all() : 0;
}

int hak_check_level(void) {
    return HAK_CHECK_LEVEL;
}

const char *hak_version(void) {
    return HAKMEM_VERSION;
}

static void add_heap(struct hak_stats *stats, struct hak_heap *heap) {
    hak_lock_acquire(&heap->lock);
    stats->superslab_count += heap->chain.superslab_count;
    stats->live_bytes += hak_chain_live_bytes_owned(&heap->chain);
    stats->refill_count += heap->tcache.refill_count;
    stats->flush_count += heap->tcache.flush_count;
    stats->grow_count += heap->tcache.grow_count;
    stats->shrink_count += heap->tcache.shrink_count;
    stats->remote_free_count += heap->tcache.remote_free_count;
    hak_lock_release(&heap->lock);
}

static void add_classes(struct hak_stats *stats) {
    stats->class_count = HAK_CLASS_COUNT;
    for (uint32_t c = 0; c < HAK_CLASS_COUNT; c++) {
        stats->class_stride_bytes[c] = hak_class_infos[c].stride_bytes;
        stats->tls_capacity[c] = hak_tcache_capacity(hak_tls, c);
        stats->tls_count[c] = hak_tcache_count(hak_tls, c);
    }
}

static void add_large(struct hak_stats *stats) {
    struct hak_l25_counts l25;
    struct hak_mapping_counts mappings;
    struct hak_big_cache_counts cached;
    hak_l25_count(&l25);
    hak_mapping_count(&mappings);
    hak_big_cache_count(&cached);
    stats->l25_shard_count = l25.shard_count;
    stats->l25_chunk_count = l25.chunk_count;
    stats->l25_run_count = l25.run_count;
    stats->l25_live_bytes = l25.live_bytes;
    stats->big_live_count = (uint32_t)mappings.live_count;
    stats->big_live_bytes = mappings.live_bytes;
    stats->big_cached_count = (uint32_t)cached.entry_count;
    stats->big_cached_bytes = cached.cached_bytes;
    stats->big_bucket_count = (uint32_t)cached.bucket_count;
    stats->live_bytes += l25.live_bytes + mappings.live_bytes;
}

void hak_stats_read(struct hak_stats *stats) {
    hak_heap_start();
    memset(stats, 0, sizeof *stats);
    for (struct hak_heap *heap = hak_heap_first(); heap != NULL; heap = heap->all_next) {
        add_heap(stats, heap);
    }
    stats->heap_count = hak_heap_count();
    stats->heap_abandoned_count = hak_heap_abandoned_count();
    stats->superslab_pool_count = hak_pool_count();
    stats->purged_bytes = hak_purged_granule_count() << HAK_GRANULE_SHIFT;
    add_classes(stats);
    add_large(stats);
    uint64_t chunks = (uint64_t)stats->superslab_count + stats->superslab_pool_count +
                      stats->l25_chunk_count;
    stats->mapped_bytes = chunks * HAK_SUPERSLAB_SIZE_BYTES + stats->big_live_bytes +
                          stats->big_cached_bytes + hak_meta_mapped_bytes();
}

struct mallinfo2 hak_mallinfo2(void) {
    struct hak_stats stats;
    hak_stats_read(&stats);
    struct mallinfo2 info = {0};
    info.hblks = stats.big_live_count;
    info.hblkhd = stats.big_live_bytes;
    info.uordblks = stats.live_bytes;
    /* Read at different moments, the parts may exceed the sum. */
    uint64_t mapped = stats.mapped_bytes;
    info.arena = mapped - (stats.big_live_bytes < mapped ? stats.big_live_bytes : mapped);
    info.fordblks = mapped - (stats.live_bytes < mapped ? stats.live_bytes : mapped);
    return info;
}

void hak_stats_print(int fd) {
    struct hak_stats s;
    char buffer[2048];
    struct hak_text text;
    hak_stats_read(&s);
    hak_text_init(&text, buffer, sizeof buffer);
    hak_text_add(&text, "hakmem %s, check level %d\n", HAKMEM_VERSION, HAK_CHECK_LEVEL);
    hak_text_add(&text, "  memory      mapped %zu KiB, live %zu KiB, purged so far %zu KiB\n",
                 s.mapped_bytes / 1024, s.live_bytes / 1024, s.purged_bytes / 1024);
    hak_text_add(&text, "  heaps       %u, abandoned %u\n", s.heap_count, s.heap_abandoned_count);
    hak_text_add(&text, "  SuperSlabs  %u in heaps, %u empty in the pool\n", s.superslab_count,
                 s.superslab_pool_count);
    hak_text_add(&text, "  TLS caches  %zu refills, %zu flushes, %zu grown, %zu shrunk\n",
                 s.refill_count, s.flush_count, s.grow_count, s.shrink_count);
    hak_text_add(&text, "  remote      %zu blocks freed into other heaps' slabs\n",
                 s.remote_free_count);
    hak_text_add(&text, "  L2.5        %u shards, %u chunks, %u runs, %zu KiB\n", s.l25_shard_count,
                 s.l25_chunk_count, s.l25_run_count, s.l25_live_bytes / 1024);
    hak_text_add(&text, "  mappings    %u live, %zu KiB; BigCache %u, %zu KiB, %u buckets\n",
                 s.big_live_count, s.big_live_bytes / 1024, s.big_cached_count,
                 s.big_cached_bytes / 1024, s.big_bucket_count);
    hak_text_write(&text, fd);
}

/* HAKMEM_STATS=1: to the copy of stderr or to stderr itself, whichever the program has not
 * closed: some close what they did not open. */
__attribute__((destructor)) static void print_at_exit(void) {
    if (hak_config.stats_at_exit) {
        hak_stats_print(hak_start_stderr_find(hak_config.stats_fd));
    }
}
