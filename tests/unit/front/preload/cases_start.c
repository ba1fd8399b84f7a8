/* SPDX-License-Identifier: MIT */
/* Start-up, the loader, and whatever a thread's first call is. */
#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include "preload.h"

/* --- Before main --------------------------------------------------------- */

static unsigned char *from_preinit, *from_constructor;

/* Runs before any library's constructor, the allocator's own included. */
static void allocate_in_preinit(void) {
    from_preinit = preload_use(3000);
    free(preload_use(2000000));
}

__attribute__((section(".preinit_array"),
               used)) static void (*const preinit)(void) = allocate_in_preinit;

__attribute__((constructor(101))) static void allocate_in_constructor(void) {
    from_constructor = preload_use(200000);
    preload_use_family(1);
}

__attribute__((destructor(101))) static void allocate_in_destructor(void) {
    preload_use_family(2);
}

static void allocate_at_exit(void) {
    preload_use_family(3);
}

void case_early(const char *plugin) {
    (void)plugin;
    DEMAND(from_preinit != NULL && from_preinit[2999] == 0x5A);
    DEMAND(from_constructor != NULL && from_constructor[199999] == 0x5A);
    free(from_preinit);
    free(from_constructor);
    DEMAND(atexit(allocate_at_exit) == 0);
}

/* --- Keys beyond the C library's first table ------------------------------ */

enum { KEY_COUNT = 40 }; /* the table for keys from 32 on is calloc'ed on first use */

static pthread_key_t keys[KEY_COUNT];
static _Atomic unsigned destroyed;

static void destroy_value(void *value) {
    destroyed++;
    free(value);
    free(preload_use(100));
}

/* The thread's first allocation is the C library's, for the table. */
static void set_last_key_first(unsigned index) {
    (void)index;
    DEMAND(pthread_setspecific(keys[KEY_COUNT - 1], &keys) == 0);
    DEMAND(pthread_setspecific(keys[KEY_COUNT - 1], NULL) == 0);
    for (unsigned i = 0; i < KEY_COUNT; i++) {
        DEMAND(pthread_setspecific(keys[i], preload_use(i + 1)) == 0);
    }
}

void case_keys(const char *plugin) {
    (void)plugin;
    for (unsigned i = 0; i < KEY_COUNT; i++) {
        DEMAND(pthread_key_create(&keys[i], destroy_value) == 0);
    }
    for (unsigned round = 1; round <= 10; round++) {
        preload_in_threads(set_last_key_first);
        DEMAND(destroyed == round * PRELOAD_THREADS * KEY_COUNT);
    }
}

/* --- The loader ---------------------------------------------------------- */

/* dlsym takes the loader's lock and, when it fails, allocates its message. */
static void look_up_symbols(unsigned index) {
    for (unsigned i = 0; i < 300; i++) {
        char name[64];
        snprintf(name, sizeof name, "hakmem_has_no_such_symbol_%u_%u", index, i);
        DEMAND(dlsym(RTLD_DEFAULT, name) == NULL);
        const char *message = dlerror();
        DEMAND(message != NULL && strstr(message, name) != NULL);
        DEMAND(dlsym(RTLD_NEXT, "malloc") != NULL);
        free(preload_use(i * 97));
    }
}

static void load_and_unload(unsigned index) {
    (void)index;
    for (unsigned i = 0; i < 50; i++) {
        void *library = dlopen("libm.so.6", RTLD_NOW | RTLD_LOCAL);
        DEMAND(library != NULL && dlsym(library, "cos") != NULL);
        free(preload_use(i * 331));
        DEMAND(dlclose(library) == 0);
        DEMAND(dlopen("/does/not/exist.so", RTLD_NOW) == NULL && dlerror() != NULL);
    }
}

/* A thread's first allocation is the loader's, under its lock, or not: whatever the
 * allocator locks for a new thread, it must not need the loader's lock within. */
static void begin_in_or_outside_the_loader(unsigned index) {
    if (index % 2 == 0) {
        void *library = dlopen("libm.so.6", RTLD_NOW | RTLD_LOCAL);
        DEMAND(library != NULL && dlclose(library) == 0);
    }
    free(preload_use(index * 1000));
}

void case_dlsym(const char *plugin) {
    (void)plugin;
    preload_in_threads(look_up_symbols);
    preload_in_threads(load_and_unload);
    for (unsigned round = 0; round < 200; round++) {
        preload_in_threads(begin_in_or_outside_the_loader);
    }
}

static const char *plugin_path;

static void use_plugin(unsigned index) {
    unsigned char *blocks[20];
    for (unsigned round = 0; round < 10; round++) {
        void *library = dlopen(plugin_path, RTLD_NOW | RTLD_LOCAL);
        DEMAND(library != NULL);
        void *(*make)(size_t) = (void *(*)(size_t))(uintptr_t)dlsym(library, "plugin_make");
        for (unsigned i = 0; i < 20; i++) {
            blocks[i] = make(1 + i * 5000 + index);
        }
        DEMAND(dlclose(library) == 0);
        for (unsigned i = 0; i < 20; i++) { /* they outlive who allocated them */
            DEMAND(blocks[i][0] == 0x7E && blocks[i][i * 5000 + index] == 0x7E);
            free(blocks[i]);
        }
    }
}

void case_plugin(const char *plugin) {
    DEMAND(plugin != NULL);
    plugin_path = plugin;
    use_plugin(0);
    preload_in_threads(use_plugin);
}

/* A C program has no C++ library until a plugin brings one, for itself alone. */
void case_cxx_plugin(const char *plugin) {
    DEMAND(plugin != NULL && dlsym(RTLD_DEFAULT, "_ZSt15get_new_handlerv") == NULL);
    void *library = dlopen(plugin, RTLD_NOW | RTLD_LOCAL);
    DEMAND(library != NULL && dlsym(RTLD_DEFAULT, "_ZSt15get_new_handlerv") == NULL);
    int (*run)(void) = (int (*)(void))(uintptr_t)dlsym(library, "cxx_plugin_run");
    int not_so = run();
    if (not_so != 0) {
        fprintf(stderr, "cxx_plugin.cpp: number %d is not so\n", not_so);
        _Exit(1);
    }
}

/* --- First calls --------------------------------------------------------- */

static void *shared_block;

static void first_call(unsigned which) {
    void *aligned = NULL;
    switch (which) {
    case 0:
        free(realloc(NULL, 100));
        break;
    case 1:
        free(calloc(10, 10));
        break;
    case 2:
        DEMAND(posix_memalign(&aligned, 64, 100) == 0);
        free(aligned);
        break;
    case 3:
        free(NULL);
        break;
    case 4:
        DEMAND(malloc_usable_size(NULL) == 0);
        break;
    case 5:
        free(aligned_alloc(4096, 1 << 20));
        break;
    case 6:
        DEMAND(malloc_trim(0) >= 0);
        break;
    case 7:
        free(shared_block);
        break;
    case 8:
        free(realloc(shared_block, 90000));
        break;
    case 9:
        DEMAND(malloc_usable_size(shared_block) >= 1000);
        free(shared_block);
        break;
    default:
        free(malloc(3 << 20));
        break;
    }
}

static unsigned first_which;

static void make_first_call(unsigned index) {
    first_call(first_which);
    preload_use_family(index);
}

/* What a thread does first must not matter. Each kind alone, then in fours. */
void case_first_calls(const char *plugin) {
    (void)plugin;
    for (first_which = 0; first_which <= 10; first_which++) {
        bool takes_a_block = first_which >= 7 && first_which <= 9;
        shared_block = preload_use(1000);
        if (takes_a_block) {
            pthread_t thread;
            DEMAND(pthread_create(&thread, NULL, (void *(*)(void *))(uintptr_t)make_first_call,
                                  NULL) == 0);
            DEMAND(pthread_join(thread, NULL) == 0);
        } else {
            free(shared_block);
            preload_in_threads(make_first_call);
        }
    }
}
