/* SPDX-License-Identifier: MIT */
/**
 * @file hakmem.h
 * The public interface of hakmem: the malloc family under a prefix, and what
 * a program may ask the allocator about itself.
 *
 * The drop-in libraries (libhakmem, libhakmem-checked) also define the
 * standard names (malloc, free, operator new, ...); both names lead to the
 * same heap, so a block from malloc() may go to hak_free() and the reverse.
 * Of glibc's own names they define mallinfo2() and mallinfo() (which stops at
 * INT_MAX), malloc_stats() (hak_stats_print() to stderr), malloc_info() (the
 * totals), mallopt() (1, and nothing set, for a parameter of its manual; 0 for
 * any other), and __libc_malloc() and its six relatives.
 *
 * Sizes are in bytes. Every function is thread safe. None is
 * async-signal-safe, as POSIX says of malloc. After fork() the child may use
 * all of them, whatever other threads were doing.
 *
 * Ownership: a block belongs to the caller from the call that returns it to
 * the call that frees it; any thread may free it.
 *
 * Errors: a function that cannot serve a request returns NULL and sets errno
 * to ENOMEM (sizes above PTRDIFF_MAX included), except where stated. A
 * pointer that hakmem did not give out, and a double free where it is free
 * to see, end the program with a report on stderr and SIGABRT.
 */
#ifndef HAKMEM_H
#define HAKMEM_H

#include <malloc.h> /* struct mallinfo2: whole, for C++ wants to know what a function returns */
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HAKMEM_VERSION "0.1.0"

#if defined(__GNUC__)
#define HAK_API __attribute__((visibility("default")))
#else
#define HAK_API
#endif

/* --- The malloc family --------------------------------------------------- */

/** A block of at least `size_bytes`, aligned to 16 (to 8 for sizes up to 8).
 *  `size_bytes` 0 gives a block of its own that must be freed.
 *  O(1), amortised. */
HAK_API void *hak_malloc(size_t size_bytes);

/** Frees a block; NULL does nothing. Keeps errno. O(1), amortised. */
HAK_API void hak_free(void *block);

/** A zeroed block of `count * size_bytes`; overflow gives NULL and ENOMEM. */
HAK_API void *hak_calloc(size_t count, size_t size_bytes);

/** Resizes a block, moving it if it must; the contents are kept up to the
 *  smaller size. NULL as `block` is hak_malloc(); size 0 frees the block and
 *  returns NULL, as glibc does. On failure the old block is untouched. */
HAK_API void *hak_realloc(void *block, size_t size_bytes);

/** hak_realloc() to `count * size_bytes`, with the overflow check. */
HAK_API void *hak_reallocarray(void *block, size_t count, size_t size_bytes);

/** A block aligned to `alignment_bytes`, a power of two; otherwise NULL and
 *  EINVAL. The size need not be a multiple of the alignment. */
HAK_API void *hak_aligned_alloc(size_t alignment_bytes, size_t size_bytes);

/** As hak_aligned_alloc(), but an alignment that is not a power of two is
 *  rounded up to the next one, as glibc does; above 2^63 there is none: NULL
 *  and EINVAL. */
HAK_API void *hak_memalign(size_t alignment_bytes, size_t size_bytes);

/** As POSIX: returns 0, EINVAL (not a power of two times sizeof(void *)) or
 *  ENOMEM; writes `*block_out` only on success; leaves errno alone. */
HAK_API int hak_posix_memalign(void **block_out, size_t alignment_bytes, size_t size_bytes);

/** A block aligned to a page of the kernel's (4096 bytes on x86-64). */
HAK_API void *hak_valloc(size_t size_bytes);

/** As hak_valloc(), the size rounded up to whole OS pages. */
HAK_API void *hak_pvalloc(size_t size_bytes);

/** How many bytes of `block` may be used; 0 for NULL. Release builds give the
 *  whole stride; checked builds give exactly what was asked for, because the
 *  rest is the guard. */
HAK_API size_t hak_malloc_usable_size(void *block);

/** C23: frees a block that malloc, calloc or realloc gave for `size_bytes`.
 *  Checked builds verify the size. */
HAK_API void hak_free_sized(void *block, size_t size_bytes);

/** C23: frees a block that aligned_alloc gave for this alignment and size.
 *  Checked builds verify both. */
HAK_API void hak_free_aligned_sized(void *block, size_t alignment_bytes, size_t size_bytes);

/** Returns free memory to the OS at once: flushes the calling thread's
 *  caches, collects remote frees, purges everything beyond `keep_bytes`.
 *  Returns 1 if memory was returned, else 0. */
HAK_API int hak_malloc_trim(size_t keep_bytes);

/* --- What the allocator says of itself ----------------------------------- */

enum { HAK_STATS_CLASS_COUNT_MAX = 64 };

/** A snapshot. Sums over all heaps; each heap is read under its lock, so a
 *  snapshot taken while threads allocate is consistent per heap, not over
 *  all of them. */
struct hak_stats {
    uint32_t class_count;              /**< size classes in use by this build */
    uint32_t heap_count;               /**< heaps ever made */
    uint32_t heap_abandoned_count;     /**< of these, owned by no thread */
    uint32_t superslab_count;          /**< SuperSlabs linked into heaps */
    uint32_t superslab_pool_count;     /**< empty SuperSlabs waiting */
    uint32_t l25_shard_count;          /**< shards of the L2.5 pool */
    uint32_t l25_chunk_count;          /**< chunks of the L2.5 pool */
    uint32_t l25_run_count;            /**< runs held by the program */
    uint32_t big_live_count;           /**< mappings held by the program */
    uint32_t big_cached_count;         /**< mappings in the BigCache */
    uint32_t big_bucket_count;         /**< buckets of the BigCache's table */
    uint32_t reserved;
    uint64_t mapped_bytes;             /**< address space held for blocks */
    uint64_t live_bytes;               /**< held by the program or by TLS caches */
    uint64_t l25_live_bytes;           /**< part of live_bytes: runs */
    uint64_t big_live_bytes;           /**< part of live_bytes: mappings */
    uint64_t big_cached_bytes;         /**< freed mappings kept for reuse */
    uint64_t purged_bytes;             /**< ever given back to the OS */
    uint64_t refill_count;             /**< refills over all heaps */
    uint64_t flush_count;              /**< flushes over all heaps */
    uint64_t grow_count;               /**< adaptive sizing: caches doubled */
    uint64_t shrink_count;             /**< adaptive sizing: caches halved */
    uint64_t remote_free_count;        /**< blocks freed into other heaps' slabs */
    uint32_t class_stride_bytes[HAK_STATS_CLASS_COUNT_MAX]; /**< per class */
    uint32_t tls_capacity[HAK_STATS_CLASS_COUNT_MAX]; /**< calling thread's caches, in slots */
    uint32_t tls_count[HAK_STATS_CLASS_COUNT_MAX];    /**< of these, filled */
};

/** Fills `*stats`. Takes each heap's lock in turn; allocates nothing. */
HAK_API void hak_stats_read(struct hak_stats *stats);

/** Writes a readable summary to a file descriptor with write(2). */
HAK_API void hak_stats_print(int fd);

/** Walks all threads' heaps and every shared structure and verifies the
 *  invariants of docs/INVARIANTS.md: among them that each block is in one place
 *  only, and none lost. A broken one ends the program with a report. No other
 *  thread may be in an allocation function, and what each did last must have
 *  happened before the call (a join, a barrier): their caches are looked into.
 *  Returns how many structures were looked at; 0 in a release build, where the
 *  checks are compiled out. */
HAK_API size_t hak_heap_check(void);

/** 0 in release builds, else the check level the library was built with. */
HAK_API int hak_check_level(void);

/** The library's version, HAKMEM_VERSION of its build. */
HAK_API const char *hak_version(void);

/** As glibc's mallinfo2(): arena, uordblks, fordblks, hblks, hblkhd filled. */
HAK_API struct mallinfo2 hak_mallinfo2(void);

#ifdef __cplusplus
}
#endif
#endif /* HAKMEM_H */
