/* SPDX-License-Identifier: MIT */
/* What Memcheck does not know by itself: see memcheck.h. */
#include "memcheck.h"

#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>

void hak_fuzz_memcheck_grown(void *address, size_t size_bytes) {
    VALGRIND_MAKE_MEM_DEFINED(address, size_bytes);
}

#else

void hak_fuzz_memcheck_grown(void *address, size_t size_bytes) {
    (void)address;
    (void)size_bytes;
}

#endif
