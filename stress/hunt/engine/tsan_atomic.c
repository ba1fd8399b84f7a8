/* SPDX-License-Identifier: MIT */
/* The part of the compiler's -fsanitize=thread ABI that carries out atomics. Outside schedules they
 * are the plain hardware operations, sequentially consistent. */
#include "engine.h"

__extension__ typedef unsigned __int128 hunt_u128;

/* Bits above the order are lock elision hints of gcc's. */
#define ORDER(mo) ((mo)&0x7)

static inline struct hunt_value value_of(hunt_u128 x) {
    return (struct hunt_value){(uint64_t)x, (uint64_t)(x >> 64)};
}

static inline hunt_u128 number_of(struct hunt_value value) {
    return value.lo | (hunt_u128)value.hi << 64;
}

#define ATOMIC_ACCESS(bits, type)                                                                  \
    type __tsan_atomic##bits##_load(const volatile type *a, int mo);                               \
    void __tsan_atomic##bits##_store(volatile type *a, type v, int mo);                            \
    type __tsan_atomic##bits##_load(const volatile type *a, int mo) {                              \
        if (!hunt_is_on())                                                                         \
            return NATIVE_LOAD_##bits(a);                                                          \
        return (type)number_of(                                                                    \
            hunt_memory_load((uintptr_t)a, sizeof *a, ORDER(mo), HUNT_CALLER()));                  \
    }                                                                                              \
    void __tsan_atomic##bits##_store(volatile type *a, type v, int mo) {                           \
        if (!hunt_is_on())                                                                         \
            NATIVE_STORE_##bits(a, v);                                                             \
        else                                                                                       \
            hunt_memory_store((uintptr_t)a, sizeof *a, value_of(v), ORDER(mo), HUNT_CALLER());     \
    }

#define ATOMIC_RMW(bits, type, name, expression)                                                   \
    type __tsan_atomic##bits##_##name(volatile type *a, type v, int mo);                           \
    type __tsan_atomic##bits##_##name(volatile type *a, type v, int mo) {                          \
        uintptr_t pc = HUNT_CALLER();                                                              \
        if (!hunt_is_on()) {                                                                       \
            type seen = NATIVE_LOAD_##bits(a), old;                                                \
            do                                                                                     \
                old = seen;                                                                        \
            while ((seen = NATIVE_CAS_##bits(a, old, (type)(expression))) != old);                 \
            return old;                                                                            \
        }                                                                                          \
        type old =                                                                                 \
            (type)number_of(hunt_memory_rmw_begin((uintptr_t)a, sizeof *a, ORDER(mo), false, pc)); \
        hunt_memory_rmw_commit((uintptr_t)a, sizeof *a, value_of((type)(expression)), ORDER(mo),   \
                               pc);                                                                \
        return old;                                                                                \
    }

/* Returns what was there. */
#define ATOMIC_CAS(bits, type)                                                                     \
    static type cas##bits(volatile type *a, type expected, type wanted, int mo, int failed_mo,     \
                          uintptr_t pc) {                                                          \
        if (!hunt_is_on())                                                                         \
            return NATIVE_CAS_##bits(a, expected, wanted);                                         \
        type old =                                                                                 \
            (type)number_of(hunt_memory_rmw_begin((uintptr_t)a, sizeof *a, ORDER(mo), true, pc));  \
        if (old == expected)                                                                       \
            hunt_memory_rmw_commit((uintptr_t)a, sizeof *a, value_of(wanted), ORDER(mo), pc);      \
        else                                                                                       \
            hunt_memory_rmw_failed((uintptr_t)a, sizeof *a, ORDER(failed_mo), pc);                 \
        return old;                                                                                \
    }                                                                                              \
    type __tsan_atomic##bits##_compare_exchange_val(volatile type *a, type c, type v, int mo,      \
                                                    int fmo);                                      \
    type __tsan_atomic##bits##_compare_exchange_val(volatile type *a, type c, type v, int mo,      \
                                                    int fmo) {                                     \
        return cas##bits(a, c, v, mo, fmo, HUNT_CALLER());                                         \
    }                                                                                              \
    ATOMIC_CAS_BOOL(bits, type, strong)                                                            \
    ATOMIC_CAS_BOOL(bits, type, weak)

#define ATOMIC_CAS_BOOL(bits, type, strength)                                                      \
    int __tsan_atomic##bits##_compare_exchange_##strength(volatile type *a, type *c, type v,       \
                                                          int mo, int fmo);                        \
    int __tsan_atomic##bits##_compare_exchange_##strength(volatile type *a, type *c, type v,       \
                                                          int mo, int fmo) {                       \
        type expected = *c;                                                                        \
        *c = cas##bits(a, expected, v, mo, fmo, HUNT_CALLER());                                    \
        return *c == expected;                                                                     \
    }

#define ATOMIC_ALL(bits, type)                                                                     \
    ATOMIC_ACCESS(bits, type)                                                                      \
    ATOMIC_RMW(bits, type, exchange, v)                                                            \
    ATOMIC_RMW(bits, type, fetch_add, old + v)                                                     \
    ATOMIC_RMW(bits, type, fetch_sub, old - v)                                                     \
    ATOMIC_RMW(bits, type, fetch_and, old &v)                                                      \
    ATOMIC_RMW(bits, type, fetch_or, old | v)                                                      \
    ATOMIC_RMW(bits, type, fetch_xor, old ^ v)                                                     \
    ATOMIC_RMW(bits, type, fetch_nand, ~(old & v))                                                 \
    ATOMIC_CAS(bits, type)

#define NATIVE_LOAD_8(a) __atomic_load_n(a, __ATOMIC_SEQ_CST)
#define NATIVE_LOAD_16(a) __atomic_load_n(a, __ATOMIC_SEQ_CST)
#define NATIVE_LOAD_32(a) __atomic_load_n(a, __ATOMIC_SEQ_CST)
#define NATIVE_LOAD_64(a) __atomic_load_n(a, __ATOMIC_SEQ_CST)
#define NATIVE_LOAD_128(a) (*(a))
#define NATIVE_STORE_8(a, v) __atomic_store_n(a, v, __ATOMIC_SEQ_CST)
#define NATIVE_STORE_16(a, v) __atomic_store_n(a, v, __ATOMIC_SEQ_CST)
#define NATIVE_STORE_32(a, v) __atomic_store_n(a, v, __ATOMIC_SEQ_CST)
#define NATIVE_STORE_64(a, v) __atomic_store_n(a, v, __ATOMIC_SEQ_CST)
#define NATIVE_STORE_128(a, v) (void)(*(a) = (v))
#define NATIVE_CAS_8(a, c, v) __sync_val_compare_and_swap(a, c, v)
#define NATIVE_CAS_16(a, c, v) __sync_val_compare_and_swap(a, c, v)
#define NATIVE_CAS_32(a, c, v) __sync_val_compare_and_swap(a, c, v)
#define NATIVE_CAS_64(a, c, v) __sync_val_compare_and_swap(a, c, v)
#define NATIVE_CAS_128(a, c, v) native_cas_128(a, c, v)

/* 16 bytes outside schedules: one thread runs there, and libatomic would be one more library. */
static hunt_u128 native_cas_128(volatile hunt_u128 *a, hunt_u128 expected, hunt_u128 wanted) {
    hunt_u128 old = *a;
    if (old == expected)
        *a = wanted;
    return old;
}

ATOMIC_ALL(8, uint8_t)
ATOMIC_ALL(16, uint16_t)
ATOMIC_ALL(32, uint32_t)
ATOMIC_ALL(64, uint64_t)
ATOMIC_ALL(128, hunt_u128)

void __tsan_atomic_thread_fence(int mo);
void __tsan_atomic_signal_fence(int mo);

void __tsan_atomic_thread_fence(int mo) {
    if (hunt_is_on())
        hunt_memory_fence(ORDER(mo), HUNT_CALLER());
    else
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* Orders only a thread with its own signal handlers: nothing other threads can see. */
void __tsan_atomic_signal_fence(int mo) {
    (void)mo;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}
