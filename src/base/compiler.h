/* SPDX-License-Identifier: MIT */
/* What the compilers call differently, and hints. Layer 0; includes nothing. */
#ifndef HAK_BASE_COMPILER_H
#define HAK_BASE_COMPILER_H

#define hak_likely(x) __builtin_expect(!!(x), 1)
#define hak_unlikely(x) __builtin_expect(!!(x), 0)
#define HAK_NOINLINE __attribute__((noinline))
#define HAK_COLD __attribute__((cold, noinline))
#define HAK_INLINE static inline __attribute__((always_inline))
#define HAK_PRINTF(text_at, first_at) __attribute__((format(printf, text_at, first_at)))
#define HAK_CACHE_ALIGNED __attribute__((aligned(64)))
#define HAK_UNUSED __attribute__((unused))

/* Spin loops call this: a hint to the CPU, and a place where a controlled
 * scheduler can take over (stress/hunt/). */
#if defined(__x86_64__)
#define hak_cpu_relax() __builtin_ia32_pause()
#elif defined(__aarch64__)
/* `yield` does nothing on most cores; `isb` waits about as long as a pause. */
#define hak_cpu_relax() __asm__ volatile("isb" ::: "memory")
#else
#define hak_cpu_relax() __asm__ volatile("" ::: "memory")
#endif

#endif
