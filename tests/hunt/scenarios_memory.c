/* SPDX-License-Identifier: MIT */
/* Races that are and that are not, by bytes and by what orders them. */
#include "hunt.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static struct {
    uint8_t bytes[8];
    _Atomic uint32_t low, high; /* two atomics in one 8-byte word */
    int plain;
    char large[4096];
} shared;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static struct { int unused; } own_lock;

#define BODY(name, ...)                                                                            \
    static void name(void) {                                                                       \
        __VA_ARGS__                                                                                \
    }
#define RACE(ident, title, ...)                                                                    \
    HUNT_SCENARIO(ident) = {                                                                       \
        .name = title, .summary = "a data race", .flags = HUNT_PLANTED, .body = {__VA_ARGS__}}
#define FINE(ident, title, ...)                                                                    \
    HUNT_SCENARIO(ident) = {.name = title, .summary = "no data race", .body = {__VA_ARGS__}}

BODY(write_own_byte, shared.bytes[hunt_self()] = 1;)
BODY(write_byte_3, shared.bytes[3] = 1;)
BODY(write_word, memset(shared.bytes, 2, sizeof shared.bytes);)
BODY(read_plain, hunt_check(shared.plain >= 0);)
BODY(write_plain, shared.plain = 1;)
BODY(write_volatile, *(volatile int *)&shared.plain = 1;)
BODY(write_atomic, __atomic_store_n(&shared.plain, 1, __ATOMIC_SEQ_CST);)
BODY(copy_large, memset(shared.large, 1, sizeof shared.large);)
BODY(touch_large, shared.large[3000] = 1;)
FINE(own_bytes, "race-own-bytes", write_own_byte, write_own_byte, write_own_byte);
FINE(two_readers, "race-two-readers", read_plain, read_plain);
FINE(apart, "race-apart", write_byte_3, write_plain);
RACE(read_write, "race-read-write", read_plain, write_plain);
RACE(write_write, "race-write-write", write_plain, write_plain);
RACE(byte_word, "race-byte-word", write_byte_3, write_word);
RACE(atomic_plain, "race-atomic-plain", write_atomic, read_plain);
RACE(volatile_plain, "race-volatile-plain", write_volatile, read_plain);
RACE(large, "race-large", copy_large, touch_large);
RACE(touch_then_large, "race-touch-large", touch_large, copy_large);

BODY(locked, pthread_mutex_lock(&mutex); shared.plain++; pthread_mutex_unlock(&mutex);)
BODY(locked_own, hunt_lock_acquire(&own_lock); shared.plain++; hunt_lock_release(&own_lock);)
BODY(rw_write, pthread_rwlock_wrlock(&rwlock); shared.plain++; pthread_rwlock_unlock(&rwlock);)
BODY(rw_read, pthread_rwlock_rdlock(&rwlock); hunt_check(shared.plain >= 0);
     pthread_rwlock_unlock(&rwlock);)
BODY(rw_write_as_reader, pthread_rwlock_rdlock(&rwlock); shared.plain++;
     pthread_rwlock_unlock(&rwlock);)
BODY(
    try_locked, if (pthread_mutex_trylock(&mutex) == 0) {
        shared.plain++;
        pthread_mutex_unlock(&mutex);
    })
FINE(with_mutex, "race-mutex", locked, locked, try_locked);
FINE(with_own_lock, "race-own-lock", locked_own, locked_own);
FINE(with_rwlock, "race-rwlock", rw_write, rw_read, rw_read);
RACE(with_other_lock, "race-other-lock", locked, locked_own);
RACE(with_read_lock, "race-read-lock", rw_write_as_reader, rw_write_as_reader);

/* Two atomics of one word, each with its own history; only the right one publishes. */
BODY(publish_low, shared.plain = 1; atomic_store_explicit(&shared.low, 1, memory_order_release);
     atomic_store_explicit(&shared.high, 1, memory_order_relaxed);)
BODY(follow_low, if (atomic_load_explicit(&shared.low, memory_order_acquire) != 0)
                     hunt_check(shared.plain == 1);)
BODY(follow_high, if (atomic_load_explicit(&shared.high, memory_order_acquire) != 0)
                      hunt_check(shared.plain == 1);)
FINE(by_low, "race-low-half", publish_low, follow_low);
RACE(by_high, "race-high-half", publish_low, follow_high);

/* What comes after the release is not covered by it. */
BODY(write_after_release, atomic_store_explicit(&shared.low, 1, memory_order_release);
     shared.plain = 1;)
BODY(write_after_fence, atomic_thread_fence(memory_order_release); shared.plain = 1;
     atomic_store_explicit(&shared.low, 1, memory_order_relaxed);)
BODY(write_after_unlock, pthread_mutex_lock(&mutex); shared.low = 1; pthread_mutex_unlock(&mutex);
     shared.plain = 1;)
BODY(read_after_lock, pthread_mutex_lock(&mutex); bool told = shared.low != 0;
     pthread_mutex_unlock(&mutex); if (told) hunt_check(shared.plain <= 1);)
BODY(read_when_told, if (atomic_load_explicit(&shared.low, memory_order_acquire) != 0)
                         hunt_check(shared.plain <= 1);)
RACE(after_release, "race-after-release", write_after_release, read_when_told);
RACE(after_fence, "race-after-fence", write_after_fence, read_when_told);
RACE(after_unlock, "race-after-unlock", write_after_unlock, read_after_lock);

/* The heap of code under test. */
static _Atomic(int *) box;
BODY(box_make, int *made = malloc(sizeof *made); *made = 1;
     atomic_store_explicit(&box, made, memory_order_release);)
BODY(box_use, int *made = atomic_load_explicit(&box, memory_order_acquire);
     if (made != NULL) hunt_check(*made == 1);)
BODY(box_free, int *made = atomic_exchange_explicit(&box, NULL, memory_order_acq_rel); free(made);)
BODY(box_free_twice, int *made = atomic_load_explicit(&box, memory_order_acquire); free(made);)
BODY(
    own_blocks, for (unsigned i = 0; i < 3; i++) {
        char *block = malloc(32);
        memset(block, 1, 32);
        free(block);
        atomic_fetch_add_explicit(&shared.low, 1, memory_order_relaxed);
    })
FINE(heap_own, "heap-own-blocks", own_blocks, own_blocks);
FINE(heap_box, "heap-box", box_make, box_use);
RACE(heap_free_race, "heap-free-race", box_make, box_use, box_free);

/* Freed before, in every order there is: no race, and still wrong. */
static int *stale_pointer;
BODY(free_and_tell, stale_pointer = malloc(sizeof *stale_pointer); *stale_pointer = 1;
     free(stale_pointer); atomic_store_explicit(&shared.low, 1, memory_order_release);)
BODY(use_when_told, if (atomic_load_explicit(&shared.low, memory_order_acquire) != 0)
                        hunt_check(*stale_pointer == 1);)
RACE(heap_use_after_free, "heap-use-after-free", free_and_tell, use_when_told);
RACE(heap_double_free, "heap-double-free", box_make, box_free_twice, box_free_twice);

/* 16-byte compare-exchange with loads of its halves. */
__extension__ typedef unsigned __int128 wide;
static _Alignas(16) wide pair;
static int behind_pair;

static void widen(void) {
    wide seen = 0, wanted = (wide)1 << 64 | 1;
    behind_pair = 1;
    __atomic_compare_exchange_n(&pair, &seen, wanted, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

static void read_upper(void) {
    if (__atomic_load_n((uint64_t *)(void *)&pair + 1, __ATOMIC_ACQUIRE) != 0)
        hunt_check(behind_pair == 1);
}

FINE(wide_half, "atomic-wide-half", widen, read_upper);

/* Locks that are not held. */
BODY(unlock_only, pthread_mutex_unlock(&mutex);)
BODY(lock_twice, pthread_mutex_lock(&mutex); pthread_mutex_lock(&mutex);)
RACE(unlock_unheld, "lock-unheld", unlock_only);
RACE(relock, "lock-twice", lock_twice);
