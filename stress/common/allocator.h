/* SPDX-License-Identifier: MIT */
/**
 * @file allocator.h
 * Which malloc a stress program calls. Scenarios say malloc() and free(); in
 * an ordinary build that is whatever the process has (hakmem linked in, or a
 * library preloaded). In sanitizer builds the standard names belong to the
 * sanitizer, so there (STRESS_PREFIXED) they stand for hakmem's own names.
 *
 * Include this last: the system's headers must see the plain names.
 */
#ifndef STRESS_ALLOCATOR_H
#define STRESS_ALLOCATOR_H

#include <malloc.h>
#include <stddef.h>
#include <stdlib.h>

#ifdef STRESS_PREFIXED
#include "hakmem.h"
#define malloc hak_malloc
#define free hak_free
#define calloc hak_calloc
#define realloc hak_realloc
#define aligned_alloc hak_aligned_alloc
#define memalign hak_memalign
#define posix_memalign hak_posix_memalign
#define malloc_usable_size hak_malloc_usable_size
#endif

#endif
