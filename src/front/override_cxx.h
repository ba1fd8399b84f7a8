/* SPDX-License-Identifier: MIT */
/* Between the parts of operator new: override_cxx.c, override_cxx_runtime.c and
 * override_nothrow.cpp. Layer 7. */
#ifndef HAK_FRONT_OVERRIDE_CXX_H
#define HAK_FRONT_OVERRIDE_CXX_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A block, running the new-handler until there is one; NULL when there is no
 * handler. Whatever the handler throws comes through. `alignment` 0: malloc's. */
void *hak_cxx_new_or_null(size_t size, size_t alignment);

/* The same, with NULL for whatever the handler throws. */
void *hak_cxx_nothrow_new(size_t size, size_t alignment);

/* Throws std::bad_alloc; without a C++ library to do it, ends the program with a line. */
void hak_cxx_fail(void);

/* hak_cxx_nothrow_new() where the program started with a C++ library. */
void *hak_cxx_new_caught(size_t size, size_t alignment);

#ifdef __cplusplus
}
#endif
#endif
