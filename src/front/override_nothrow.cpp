/* SPDX-License-Identifier: MIT */
/* operator new(std::nothrow): a new-handler that throws means a null pointer.
 * Layer 7. The only C++ of the library, because only C++ can catch.
 *
 * What it needs of the C++ runtime is weak. Where it was not there when the program
 * started, nothing here is ever called: override_cxx_runtime.c sees to it. */
#include "front/override_cxx.h"

__asm__(".weak __gxx_personality_v0\n"
        ".weak __cxa_begin_catch\n"
        ".weak __cxa_end_catch\n"
        ".weak _Unwind_Resume\n"
        ".weak _ZSt9terminatev\n");

void *hak_cxx_new_caught(size_t size, size_t alignment) {
    try {
        return hak_cxx_new_or_null(size, alignment);
    } catch (...) {
        return nullptr;
    }
}
