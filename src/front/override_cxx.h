/* SPDX-License-Identifier: MIT */
/* Between the two halves of operator new: override_cxx.c and
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
void *hak_cxx_new_caught(size_t size, size_t alignment);

#ifdef __cplusplus
}
#endif
#endif
