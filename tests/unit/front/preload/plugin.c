/* SPDX-License-Identifier: MIT */
/* A library to load at run time: it allocates in its constructor, its
 * destructor, and in the destructor of a key of its own. */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void *plugin_make(size_t size_bytes);

static pthread_key_t key;
static void *volatile from_constructor;

static void on_thread_end(void *block) {
    free(block);
    free(calloc(3, 1000));
}

__attribute__((constructor)) static void on_load(void) {
    from_constructor = malloc(5000);
    memset(from_constructor, 1, 5000);
    pthread_key_create(&key, on_thread_end);
}

__attribute__((destructor)) static void on_unload(void) {
    free(realloc(from_constructor, 50));
    pthread_key_delete(key);
}

void *plugin_make(size_t size_bytes) {
    free(pthread_getspecific(key));
    pthread_setspecific(key, malloc(100));
    return memset(malloc(size_bytes), 0x7E, size_bytes);
}
