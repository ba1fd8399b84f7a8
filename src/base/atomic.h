/* SPDX-License-Identifier: MIT */
/* C11 atomics with the memory order in the name. Layer 0.
 *
 * There is no default order: whoever writes an atomic operation says which one
 * it needs, and the comment beside it says what it pairs with. The labels used
 * in those comments are collected in docs/CONCURRENCY.md. */
#ifndef HAK_BASE_ATOMIC_H
#define HAK_BASE_ATOMIC_H

#include <stdatomic.h>

#define hak_load_relaxed(p) atomic_load_explicit((p), memory_order_relaxed)
#define hak_load_acquire(p) atomic_load_explicit((p), memory_order_acquire)
#define hak_store_relaxed(p, v) atomic_store_explicit((p), (v), memory_order_relaxed)
#define hak_store_release(p, v) atomic_store_explicit((p), (v), memory_order_release)
#define hak_exchange_relaxed(p, v) atomic_exchange_explicit((p), (v), memory_order_relaxed)
#define hak_exchange_acquire(p, v) atomic_exchange_explicit((p), (v), memory_order_acquire)
#define hak_exchange_release(p, v) atomic_exchange_explicit((p), (v), memory_order_release)
#define hak_exchange_acq_rel(p, v) atomic_exchange_explicit((p), (v), memory_order_acq_rel)
#define hak_add_relaxed(p, v) atomic_fetch_add_explicit((p), (v), memory_order_relaxed)
#define hak_add_acquire(p, v) atomic_fetch_add_explicit((p), (v), memory_order_acquire)
#define hak_add_acq_rel(p, v) atomic_fetch_add_explicit((p), (v), memory_order_acq_rel)
#define hak_sub_relaxed(p, v) atomic_fetch_sub_explicit((p), (v), memory_order_relaxed)
#define hak_sub_release(p, v) atomic_fetch_sub_explicit((p), (v), memory_order_release)
#define hak_or_relaxed(p, v) atomic_fetch_or_explicit((p), (v), memory_order_relaxed)
#define hak_or_release(p, v) atomic_fetch_or_explicit((p), (v), memory_order_release)
#define hak_and_relaxed(p, v) atomic_fetch_and_explicit((p), (v), memory_order_relaxed)
#define hak_cas_acquire(p, expected, v)                                                            \
    atomic_compare_exchange_strong_explicit((p), (expected), (v), memory_order_acquire,            \
                                            memory_order_relaxed)
#define hak_cas_weak_release(p, expected, v)                                                       \
    atomic_compare_exchange_weak_explicit((p), (expected), (v), memory_order_release,              \
                                          memory_order_relaxed)
#define hak_cas_acq_rel(p, expected, v)                                                            \
    atomic_compare_exchange_strong_explicit((p), (expected), (v), memory_order_acq_rel,            \
                                            memory_order_acquire)

#endif
