/* SPDX-License-Identifier: MIT */
/* Start-up: see heap_start.h. Layer 5.
 *
 * The first allocation of the process may come from the loader, long before
 * main or any constructor. So the allocator starts itself on demand; only the
 * settings are read once more by a constructor, when the environment is sure to
 * be in place. */
#include "heap/heap_start.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/compiler.h"
#include "base/config.h"
#include "base/constants.h"
#include "base/lock.h"
#include "base/panic.h"
#include "base/start_stderr.h"
#include "big/big_cache.h"
#include "big/mapping.h"
#include "heap/heap.h"
#include "l25/l25.h"
#include "meta/meta.h"
#include "os/os_memory.h"
#include "os/os_thread.h"
#include "region/region_map.h"
#include "region/space.h"
#include "superslab/pool.h"

static struct hak_lock start_lock = HAK_LOCK_INIT(HAK_LOCK_RANK_INIT);
static _Atomic uint32_t started;

static void refuse_unless(bool can_start, const char *reason) {
    if (!can_start) {
        hak_write_line(STDERR_FILENO, "%s", reason);
        _exit(2);
    }
}

static void start_locked(void) {
    refuse_unless(hak_os_page_size_bytes() <= HAK_GRANULE_SIZE_BYTES,
                  "hakmem: this kernel's pages are larger than 64 KiB; "
                  "use one with pages of 4, 16 or 64 KiB");
    refuse_unless(hak_region_init(true) && hak_os_thread_exit_init(hak_heap_on_thread_exit),
                  "hakmem: no address space or no thread key to start with; "
                  "raise the limit (ulimit -v)");
    hak_big_cache_init();
    hak_l25_init();
    hak_space_set_source(hak_mapping_take_cached);
    hak_start_stderr_note();
    hak_config_read();
}

/* --- fork: all locks, in rank order -------------------------------------- */

static void fork_prepare(void) {
    hak_heap_fork_prepare();
    hak_l25_lock();
    hak_big_cache_lock();
    hak_pool_lock();
    hak_meta_lock();
    hak_region_lock();
    hak_lock_hold_all(true);
}

static void fork_parent(void) {
    hak_lock_hold_all(false);
    hak_region_unlock();
    hak_meta_unlock();
    hak_pool_unlock();
    hak_big_cache_unlock();
    hak_l25_unlock();
    hak_heap_fork_parent();
}

static void fork_child(void) {
    hak_lock_hold_all(false);
    hak_region_reset_in_child();
    hak_meta_reset_in_child();
    hak_pool_reset_in_child();
    hak_big_cache_reset_in_child();
    hak_l25_reset_in_child();
    hak_heap_fork_child();
}

/* --- Start -------------------------------------------------------------- */

void hak_heap_start(void) {
    /* I1: acquire pairs with I2 and shows everything that starting wrote. */
    if (hak_likely(hak_load_acquire(&started) != 0)) {
        return;
    }
    hak_lock_acquire(&start_lock);
    bool first = hak_load_relaxed(&started) == 0; /* the lock orders it */
    if (first) {
        start_locked();
        /* I2 */
        hak_store_release(&started, 1u);
    }
    hak_lock_release(&start_lock);
    if (first) {
        /* It may allocate, which works from here on. Handlers of other libraries
         * may run on either side of ours, and allocate: hak_lock_hold_all(). */
        hak_os_fork_handlers(fork_prepare, fork_parent, fork_child);
    }
}

__attribute__((constructor(101))) static void on_load(void) {
    hak_heap_start();
    hak_config_read(); /* again: the environment may not have been there before */
    hak_adaptive_log_init();
}
