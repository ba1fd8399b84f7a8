/* SPDX-License-Identifier: MIT */
/**
 * @file checked.h
 * Calls of the allocator's own walks (hak_<module>_verify() and the like), which
 * exist in checked builds only. In release builds a target's model stands alone.
 * In a whole input (run.h) sample.c leaves out none of the walks that such a call
 * makes on its way.
 */
#ifndef HAK_FUZZ_CHECKED_H
#define HAK_FUZZ_CHECKED_H

#include "run.h"

#if HAK_CHECK_LEVEL >= 1
#define HAK_FUZZ_CHECKED(call)                                                                     \
    do {                                                                                           \
        hak_fuzz_mode.walks_all = hak_fuzz_is_whole();                                             \
        (call);                                                                                    \
        hak_fuzz_mode.walks_all = false;                                                           \
    } while (0)
#else
#define HAK_FUZZ_CHECKED(call) ((void)sizeof((call), 1))
#endif

#endif
