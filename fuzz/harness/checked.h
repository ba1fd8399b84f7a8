/* SPDX-License-Identifier: MIT */
/**
 * @file checked.h
 * Calls of the allocator's own walks (hak_<module>_verify() and the like), which
 * exist in checked builds only. In release builds a target's model stands alone.
 */
#ifndef HAK_FUZZ_CHECKED_H
#define HAK_FUZZ_CHECKED_H

#if HAK_CHECK_LEVEL >= 1
#define HAK_FUZZ_CHECKED(call) (call)
#else
#define HAK_FUZZ_CHECKED(call) ((void)sizeof((call), 1))
#endif

#endif
