/* SPDX-License-Identifier: MIT */
/* What operator new needs of the C++ library when memory has run out. Layer 7.
 *
 * Weak references find a library that was there when the program started. One
 * that came later, with a plugin of a C program or of an interpreter, is looked
 * up when it is needed, by its name: a plugin's libraries are in no global
 * scope. Where the loader is absent (a static program), so is such a library. */
#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/format.h"
#include "front/override_cxx.h"
#include "hakmem.h"

typedef void (*new_handler_function)(void);
typedef void (*throw_function)(void);
typedef new_handler_function (*get_new_handler_function)(void);
typedef void *(*new_nothrow_function)(size_t size, const void *nothrow);
typedef void *(*new_aligned_nothrow_function)(size_t size, size_t alignment, const void *nothrow);

/* std::get_new_handler(), std::__throw_bad_alloc() of libstdc++ and libc++, and what a
 * frame that catches needs. */
__attribute__((weak)) extern new_handler_function hak_cxx_get_new_handler(void)
    __asm__("_ZSt15get_new_handlerv");
__attribute__((weak)) extern void hak_cxx_throw_bad_alloc(void) __asm__("_ZSt17__throw_bad_allocv");
__attribute__((weak)) extern int hak_cxx_personality(void) __asm__("__gxx_personality_v0");

/* Weak: a static program must not get the loader, and a warning, from its malloc. */
__attribute__((weak)) extern __typeof__(dlopen) dlopen;
__attribute__((weak)) extern __typeof__(dlsym) dlsym;
__attribute__((weak)) extern __typeof__(dlclose) dlclose;

/* A function of a C++ library that is loaded; it stays loaded as long as its caller. */
static void *find_in(const char *library_name, const char *mangled) {
    void *library = dlopen(library_name, RTLD_LAZY | RTLD_NOLOAD);
    if (library == NULL) {
        return NULL;
    }
    void *function = dlsym(library, mangled);
    dlclose(library);
    return function;
}

static uintptr_t find(const char *mangled) {
    static const char *const libraries[] = {"libstdc++.so.6", "libc++.so.1", "libc++abi.so.1"};
    void *function = NULL;
    if (dlopen == NULL || dlsym == NULL || dlclose == NULL) {
        return 0;
    }
    for (size_t i = 0; function == NULL && i < sizeof libraries / sizeof libraries[0]; i++) {
        function = find_in(libraries[i], mangled);
    }
    return (uintptr_t)function;
}

/* Runs the new-handler; false when there is none. */
static bool run_new_handler(void) {
    get_new_handler_function get =
        hak_cxx_get_new_handler != NULL
            ? hak_cxx_get_new_handler
            : (get_new_handler_function)find("_ZSt15get_new_handlerv");
    new_handler_function handler = get != NULL ? get() : NULL;
    if (handler == NULL) {
        return false;
    }
    handler();
    return true;
}

static void *allocate(size_t size, size_t alignment) {
    return alignment == 0 ? hak_malloc(size) : hak_aligned_alloc(alignment, size);
}

void *hak_cxx_new_or_null(size_t size, size_t alignment) {
    void *block;
    do {
        block = allocate(size, alignment);
    } while (block == NULL && run_new_handler());
    return block;
}

void hak_cxx_fail(void) {
    throw_function throw_bad_alloc = hak_cxx_throw_bad_alloc != NULL
                                         ? hak_cxx_throw_bad_alloc
                                         : (throw_function)find("_ZSt17__throw_bad_allocv");
    if (throw_bad_alloc != NULL) {
        throw_bad_alloc();
    }
    hak_write_line(STDERR_FILENO, "hakmem: operator new: out of memory, and no C++ library "
                                  "to throw std::bad_alloc with");
    abort();
}

/* The C++ library's own nothrow form: it calls operator new, which is ours, and catches what
 * comes out. Without such a library there is nobody who could throw. */
static void *new_caught_by_library(size_t size, size_t alignment) {
    static const char nothrow;
    uintptr_t function =
        find(alignment == 0 ? "_ZnwmRKSt9nothrow_t" : "_ZnwmSt11align_val_tRKSt9nothrow_t");
    if (function == 0) {
        return hak_cxx_new_or_null(size, alignment);
    }
    return alignment == 0
               ? ((new_nothrow_function)function)(size, &nothrow)
               : ((new_aligned_nothrow_function)function)(size, alignment, &nothrow);
}

void *hak_cxx_nothrow_new(size_t size, size_t alignment) {
    if (hak_cxx_personality != NULL) {
        return hak_cxx_new_caught(size, alignment);
    }
    void *block = allocate(size, alignment);
    return block != NULL ? block : new_caught_by_library(size, alignment);
}
