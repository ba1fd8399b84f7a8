/* SPDX-License-Identifier: MIT */
/* Heaps: birth, adoption, thread exit, fork. Layer 5. */
#include <stddef.h>

#include "base/atomic.h"
#include "base/check.h"
#include "base/config.h"
#include "base/event_ring.h"
#include "base/pause.h"
#include "heap/heap.h"
#include "heap/heap_start.h"
#include "meta/meta.h"
#include "os/os_thread.h"

_Static_assert(offsetof(struct hak_heap, tcache) == 0, "hak_tls is the heap's address");

__thread struct hak_tcache *hak_tls = &hak_tcache_none;

/* True once the thread's exit hook has run: it gets no heap any more. */
static __thread bool thread_has_ended;

static struct hak_lock birth_lock = HAK_LOCK_INIT(HAK_LOCK_RANK_BIRTH);
static _Atomic(struct hak_heap *) all_heaps;  /* atomic: pushed under birth_lock */
static _Atomic uint32_t heap_count;

static struct {
    struct hak_lock lock;
    struct hak_heap *newest;      /* lock */
    uint32_t count;               /* lock */
    struct hak_heap *looked_at;   /* lock: in the search for lost ones */
} abandoned = {.lock = HAK_LOCK_INIT(HAK_LOCK_RANK_ABANDONED)};

struct hak_heap *hak_heap_first(void) {
    /* H1: acquire pairs with H2 and shows an initialised heap. */
    return hak_load_acquire(&all_heaps);
}

uint32_t hak_heap_count(void) {
    return hak_load_relaxed(&heap_count); /* a statistic */
}

uint32_t hak_heap_abandoned_count(void) {
    hak_lock_acquire(&abandoned.lock);
    uint32_t count = abandoned.count;
    hak_lock_release(&abandoned.lock);
    return count;
}

static struct hak_heap *create(void) {
    struct hak_heap *heap = hak_meta_alloc(sizeof *heap);
    if (heap == NULL) {
        return NULL;
    }
    hak_tcache_init(&heap->tcache);
    hak_lock_init(&heap->lock, HAK_LOCK_RANK_HEAP);
    hak_chain_init(&heap->chain);
    heap->user = hak_os_thread_self(); /* not shared yet */
    hak_lock_acquire(&birth_lock);
    heap->id = hak_add_relaxed(&heap_count, 1u);
    heap->all_next = hak_load_relaxed(&all_heaps); /* written under this lock only */
    /* H2: release publishes the heap to H1. */
    hak_store_release(&all_heaps, heap);
    hak_lock_release(&birth_lock);
    hak_event("heap create", heap, heap->id);
    return heap;
}

static void link_abandoned_locked(struct hak_heap *heap) {
    hak_assert(!heap->is_abandoned, HEAP_ONE_OWNER, heap->id);
    heap->is_abandoned = true;
    heap->user = 0;
    heap->abandoned_prev = NULL;
    heap->abandoned_next = abandoned.newest;
    if (abandoned.newest != NULL) {
        abandoned.newest->abandoned_prev = heap;
    }
    abandoned.newest = heap;
    abandoned.count++;
}

static void unlink_abandoned_locked(struct hak_heap *heap) {
    hak_assert(heap->is_abandoned, HEAP_ONE_OWNER, heap->id);
    *(heap->abandoned_prev != NULL ? &heap->abandoned_prev->abandoned_next : &abandoned.newest) =
        heap->abandoned_next;
    if (heap->abandoned_next != NULL) {
        heap->abandoned_next->abandoned_prev = heap->abandoned_prev;
    }
    heap->abandoned_next = heap->abandoned_prev = NULL;
    heap->is_abandoned = false;
    abandoned.count--;
}

/* How many heaps are looked at each time one more is about to be made. */
enum { LOST_SEARCH_MAX = 8 };

/* A lock that nobody holds: its last holder was done, and L1 shows what it wrote. */
static bool is_lost_locked(struct hak_heap *heap) {
    bool is_lost = heap->user != 0 && hak_os_thread_is_gone(heap->user) &&
                   hak_lock_try_acquire(&heap->lock);
    if (is_lost) {
        hak_lock_release(&heap->lock);
    }
    return is_lost;
}

/* A heap whose thread ended without its hook: its first allocation was in the last rounds of
 * its key destructors, or it left by the bare system call. Only a living thread takes or
 * leaves a heap, under the lock held here: so who is gone has it still, and for good. */
static struct hak_heap *find_lost_locked(void) {
    struct hak_heap *heap = abandoned.looked_at;
    for (int i = 0; i < LOST_SEARCH_MAX; i++) {
        struct hak_heap *older = heap != NULL ? heap->all_next : NULL;
        heap = older != NULL ? older : hak_heap_first(); /* round and round */
        abandoned.looked_at = heap;
        if (heap == NULL || is_lost_locked(heap)) {
            return heap;
        }
    }
    return NULL;
}

/* The heap abandoned last: its memory is the warmest. */
static struct hak_heap *adopt(void) {
    hak_lock_acquire(&abandoned.lock);
    struct hak_heap *heap = abandoned.newest;
    if (heap != NULL) {
        unlink_abandoned_locked(heap);
        hak_assert(heap->user == 0, HEAP_ONE_OWNER, heap->id, heap->user);
    } else {
        heap = find_lost_locked();
    }
    if (heap != NULL) {
        heap->user = hak_os_thread_self();
    }
    hak_lock_release(&abandoned.lock);
    hak_event("heap adopt", heap, heap != NULL ? heap->id : 0);
    hak_pause_point(HEAP_UNLISTED);
    return heap;
}

struct hak_heap *hak_heap_borrow(void) {
    hak_heap_start();
    struct hak_heap *heap = adopt();
    return heap != NULL ? heap : create();
}

/* Classes of 16 to 256 bytes: what almost every thread asks for first. */
static void prewarm_locked(struct hak_heap *heap) {
    uint64_t now_ns = hak_os_clock_coarse_ns();
    for (uint32_t c = hak_class_of(16); c <= hak_class_of(256); c++) {
        if (!hak_tcache_open_owned(&heap->tcache, c)) {
            break;
        }
        uint32_t half = hak_tcache_capacity(&heap->tcache, c) / 2;
        uint32_t count = hak_tcache_count(&heap->tcache, c);
        if (count >= half) {
            continue; /* adopted with its caches filled */
        }
        uint32_t wanted = half - count;
        if (hak_tcache_refill_owned(&heap->tcache, &heap->chain, c, wanted, now_ns) == 0 &&
            hak_chain_expand_owned(&heap->chain, c) != NULL) {
            hak_tcache_refill_owned(&heap->tcache, &heap->chain, c, wanted, now_ns);
        }
    }
}

/* Heaps that wait for a thread with blocks in their caches and more free memory than
 * others; what they keep from the pool and the OS must not grow with the number of
 * threads that end. Threads that end at once may overshoot. */
enum { WARM_HEAPS_MAX = 8 };

/* A short-lived thread's few blocks stay in the caches. Of a larger heap they would
 * keep SuperSlabs in use that the pool can have. */
static void flush_locked(struct hak_heap *heap, bool is_warm) {
    if (is_warm && heap->chain.superslab_count <= 1) {
        hak_tcache_flush_for_adoption_owned(&heap->tcache, &heap->chain);
    } else {
        hak_tcache_flush_all_owned(&heap->tcache, &heap->chain);
    }
}

void hak_heap_abandon(struct hak_heap *heap) {
    bool is_warm = hak_heap_abandoned_count() < WARM_HEAPS_MAX;
    hak_lock_acquire(&heap->lock);
    flush_locked(heap, is_warm);
    hak_chain_trim_owned(&heap->chain, false);
    if (is_warm) {
        hak_purge_policy_note_exit(&heap->chain.purge, hak_os_clock_coarse_ns());
    }
    hak_chain_purge_excess_owned(&heap->chain);
    if (hak_config.prewarm_tls) {
        prewarm_locked(heap); /* now, so that the thread that adopts it need not */
    }
    hak_lock_release(&heap->lock);
    hak_event("heap abandon", heap, heap->id);
    hak_pause_point(HEAP_FLUSHED);
    hak_lock_acquire(&abandoned.lock);
    link_abandoned_locked(heap);
    hak_lock_release(&abandoned.lock);
}

static struct hak_heap *attach(void) {
    struct hak_heap *heap = hak_heap_borrow();
    if (heap == NULL) {
        return NULL;
    }
    hak_tls = &heap->tcache; /* from here on this thread can allocate */
    if (hak_config.prewarm_tls) {
        hak_lock_acquire(&heap->lock);
        prewarm_locked(heap);
        hak_lock_release(&heap->lock);
    }
    hak_os_thread_exit_arm();
    return heap;
}

struct hak_heap *hak_heap_current(void) {
    if (hak_likely(hak_tls != &hak_tcache_none)) {
        return (struct hak_heap *)(void *)hak_tls;
    }
    return thread_has_ended ? NULL : attach();
}

/* Frees without a heap that a thread may do before it gets one. */
enum { UNATTACHED_FREES_MAX = 64 };

struct hak_heap *hak_heap_current_for_free(void) {
    static __thread uint32_t unattached_frees;
    if (hak_tls == &hak_tcache_none && unattached_frees < UNATTACHED_FREES_MAX) {
        unattached_frees++;
        return NULL;
    }
    return hak_heap_current();
}

/* The lock keeps fork() from falling between the steps of a remote free; it is
 * the one lock that a thread without a heap can need. */
void hak_heap_give_unattached(enum hak_kind kind, void *block) {
    hak_lock_acquire(&birth_lock);
    hak_chain_give_owned(NULL, kind, &block, 1);
    hak_lock_release(&birth_lock);
}

void hak_heap_on_thread_exit(void) {
    struct hak_heap *heap = (struct hak_heap *)(void *)hak_tls;
    thread_has_ended = true;
    if (hak_tls == &hak_tcache_none) {
        return;
    }
    hak_tls = &hak_tcache_none;
    hak_heap_abandon(heap);
    hak_event_ring_end();
}

/* A thread that takes slow paths ticks for itself. */
static bool is_idle(const struct hak_heap *heap, uint64_t now_ns) {
    return now_ns >= heap->chain.purge.tick_ns + 2 * HAK_PURGE_DELAY_NS;
}

/* For visit_abandoned(): heaps that are not idle, too, and without an end. */
static const uint64_t ANY_TIME = UINT64_MAX;
static const uint32_t ALL_OF_THEM = UINT32_MAX;

/* Runs `visit` for each abandoned heap that is idle and that no one else is looking at,
 * until the sum of what it says is `enough`; while its list is locked nobody adopts it, so
 * its caches are at rest, too. Try: a fork or a statistic may hold it, and waiting here
 * could close a cycle. */
static uint32_t visit_abandoned(uint32_t (*visit)(struct hak_heap *heap), uint64_t now_ns,
                                uint32_t enough) {
    uint32_t sum = 0;
    hak_lock_acquire(&abandoned.lock);
    for (struct hak_heap *heap = abandoned.newest; heap != NULL && sum < enough;
         heap = heap->abandoned_next) {
        if (hak_lock_try_acquire(&heap->lock)) {
            sum += is_idle(heap, now_ns) ? visit(heap) : 0;
            hak_lock_release(&heap->lock);
        }
    }
    hak_lock_release(&abandoned.lock);
    return sum;
}

/* Only remote frees can have emptied something: the rest was given when it was
 * freed. A look at `pending` without order: what it misses the next one finds. */
static uint32_t reclaim_locked(struct hak_heap *heap) {
    if (hak_load_relaxed(&heap->chain.pending) == NULL) {
        return 0;
    }
    uint32_t given = hak_chain_trim_owned(&heap->chain, false);
    hak_chain_purge_excess_owned(&heap->chain); /* it is not this heap's thread that wants it */
    return given;
}

static uint32_t purge_locked(struct hak_heap *heap) {
    return hak_chain_trim_owned(&heap->chain, true);
}

uint32_t hak_heap_reclaim_abandoned(bool purge) {
    return visit_abandoned(purge ? purge_locked : reclaim_locked, ANY_TIME, ALL_OF_THEM);
}

/* Says 1 for caches that were not empty, and one more for each SuperSlab that left. */
static uint32_t empty_locked(struct hak_heap *heap) {
    uint32_t superslabs = heap->chain.superslab_count;
    uint32_t given = hak_tcache_flush_all_owned(&heap->tcache, &heap->chain);
    hak_chain_trim_owned(&heap->chain, false);
    return (given != 0) + superslabs - heap->chain.superslab_count;
}

void hak_heap_flush_abandoned(void) {
    visit_abandoned(empty_locked, ANY_TIME, ALL_OF_THEM);
}

/* How many heaps and SuperSlabs are emptied in one visit of the clock (the last heap is done
 * whole), because no thread can start or end meanwhile: a fork's child may have a thousand
 * heaps with full caches, of some 0.1 ms each. */
enum { EMPTIED_MAX = 32 };

/* Abandoned heaps that nobody adopted soon are emptied, caches and all. Otherwise the
 * heap's lock is all that its chain needs, and its caches, which are its thread's, are not
 * looked at. */
void hak_heap_tick_idle(uint64_t now_ns) {
    visit_abandoned(empty_locked, now_ns, EMPTIED_MAX);
    for (struct hak_heap *heap = hak_heap_first(); heap != NULL; heap = heap->all_next) {
        if (hak_lock_try_acquire(&heap->lock)) {
            if (is_idle(heap, now_ns)) {
                reclaim_locked(heap);
                hak_chain_tick_owned(&heap->chain, now_ns);
            }
            hak_lock_release(&heap->lock);
        }
    }
}

/* --- fork ---------------------------------------------------------------- */

/* The newest heap when fork took the locks: the forking thread may make one more
 * before they are released, in another library's handler. */
static struct hak_heap *fork_newest;   /* lock(birth) */

void hak_heap_fork_prepare(void) {
    hak_lock_acquire(&birth_lock);
    fork_newest = hak_heap_first();
    for (struct hak_heap *heap = fork_newest; heap != NULL; heap = heap->all_next) {
        hak_lock_acquire_for_fork(&heap->lock);
    }
    hak_lock_acquire(&abandoned.lock);
}

void hak_heap_fork_parent(void) {
    hak_lock_release(&abandoned.lock);
    for (struct hak_heap *heap = fork_newest; heap != NULL; heap = heap->all_next) {
        hak_lock_release(&heap->lock);
    }
    hak_lock_release(&birth_lock);
}

/* Checked builds: heaps whose threads did not come along with a fork. */
static uint32_t left_behind_count;     /* only the forking thread is there */

/* Heaps of threads that did not come along are abandoned as they are, caches
 * included: whoever adopts one finds its caches filled. A heap that was on its
 * way from the list to a thread is in neither, so the list is made anew. */
void hak_heap_fork_child(void) {
    hak_lock_reset_in_child(&birth_lock);
    hak_lock_reset_in_child(&abandoned.lock);
    abandoned.newest = NULL;
    abandoned.count = 0;
    for (struct hak_heap *heap = hak_heap_first(); heap != NULL; heap = heap->all_next) {
        hak_lock_reset_in_child(&heap->lock);
        if (HAK_CHECK_LEVEL >= 1 && !heap->is_abandoned && &heap->tcache != hak_tls) {
            left_behind_count++;
        }
        heap->is_abandoned = false;
        if (&heap->tcache != hak_tls) {
            link_abandoned_locked(heap);
        } else {
            heap->user = hak_os_thread_self(); /* the child's number is another */
        }
    }
}

#if HAK_CHECK_LEVEL >= 1
bool hak_heap_left_threads_behind_quiescent(void) {
    return left_behind_count != 0;
}

/* A user may be gone: its heap is its own until one more is needed (find_lost_locked). */
static void verify_user(const struct hak_heap *heap) {
    hak_verify(heap->is_abandoned == (heap->user == 0), HEAP_ONE_OWNER, heap->id,
               heap->is_abandoned, heap->user);
    hak_verify(&heap->tcache != hak_tls || heap->user == hak_os_thread_self(), HEAP_ONE_OWNER,
               heap->id, heap->user);
}

void hak_heap_verify_lists_quiescent(void) {
    uint32_t marked = 0, linked = 0;
    hak_lock_acquire(&abandoned.lock);
    for (struct hak_heap *heap = hak_heap_first(); heap != NULL; heap = heap->all_next) {
        verify_user(heap);
        marked += heap->is_abandoned;
    }
    struct hak_heap *heap = abandoned.newest; /* a heap that is linked twice closes a ring */
    for (; heap != NULL && linked <= marked; heap = heap->abandoned_next) {
        hak_verify(heap->is_abandoned, HEAP_ONE_OWNER, heap->id);
        linked++;
    }
    hak_verify(marked == linked && linked == abandoned.count, HEAP_ONE_OWNER, marked, linked,
               abandoned.count);
    hak_lock_release(&abandoned.lock);
}
#endif
