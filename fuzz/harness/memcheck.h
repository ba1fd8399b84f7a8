/* SPDX-License-Identifier: MIT */
/**
 * @file memcheck.h
 * What Valgrind's Memcheck does not know by itself. Without Valgrind's header, or
 * outside Valgrind, nothing happens.
 */
#ifndef HAK_FUZZ_MEMCHECK_H
#define HAK_FUZZ_MEMCHECK_H

#include <stddef.h>

/** Memory by which a mapping grew when it moved. Valgrind 3.19 takes it for unmapped
 *  after mremap() with MREMAP_FIXED, although the kernel has mapped it, zeroed. */
void hak_fuzz_memcheck_grown(void *address, size_t size_bytes);

#endif
