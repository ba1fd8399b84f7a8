/* SPDX-License-Identifier: MIT */
/* Exit handlers. The C library has room for 32; then registering one allocates,
 * under a lock that it also needs to register another: an allocator that starts
 * there, or gives a thread its heap there, must not register any. */
#include <stdatomic.h>
#include <string.h>

#include "preload.h"

enum { HANDLER_COUNT = 40 };

static _Atomic unsigned registered, ran;

static void allocate_at_exit(void) {
    preload_use_family(ran++);
}

/* Registered first, so it runs last. */
static void demand_that_all_ran(void) {
    DEMAND(ran == registered);
}

static void register_handlers(unsigned index) {
    (void)index;
    for (unsigned i = 0; i < HANDLER_COUNT; i++) {
        DEMAND(atexit(allocate_at_exit) == 0);
        registered++;
    }
}

/* Before any library's constructor: nothing has been allocated yet, unless by the
 * loader. */
static void register_before_constructors(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "exit_handlers") == 0) {
        DEMAND(atexit(demand_that_all_ran) == 0);
        register_handlers(0);
    }
}

__attribute__((section(".preinit_array"),
               used)) static void (*const preinit)(int, char **) = register_before_constructors;

/* In each thread the first allocation is the C library's, for a handler. */
void case_exit_handlers(const char *plugin) {
    (void)plugin;
    DEMAND(registered == HANDLER_COUNT);
    for (unsigned round = 0; round < 5; round++) {
        preload_in_threads(register_handlers);
    }
}
