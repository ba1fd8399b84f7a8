/* SPDX-License-Identifier: MIT */
/* preload CASE [PLUGIN]: runs one case. Exit status 0, or 1 and a line. */
#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include "preload.h"

void *preload_use(size_t size_bytes) {
    unsigned char *volatile block = malloc(size_bytes);
    DEMAND(block != NULL);
    memset(block, 0x5A, size_bytes);
    DEMAND(size_bytes == 0 || (block[0] == 0x5A && block[size_bytes - 1] == 0x5A));
    return block;
}

void preload_demand_hakmem(void) {
    const char *(*version)(void) =
        (const char *(*)(void))(uintptr_t)dlsym(RTLD_DEFAULT, "hak_version");
    Dl_info owner_of_malloc, owner_of_version;
    DEMAND(version != NULL);
    DEMAND(dladdr((void *)(uintptr_t)dlsym(RTLD_DEFAULT, "malloc"), &owner_of_malloc) != 0);
    DEMAND(dladdr((void *)(uintptr_t)version, &owner_of_version) != 0);
    DEMAND(owner_of_malloc.dli_fbase == owner_of_version.dli_fbase);
}

void preload_use_family(unsigned seed) {
    static const size_t sizes[] = {0, 1, 24, 100, 1000, 5000, 32768, 40000, 700000, 1500000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        size_t size = sizes[(i + seed) % (sizeof sizes / sizeof sizes[0])];
        void *grown = realloc(preload_use(size), size + 77), *aligned = NULL;
        unsigned char *zeroed = calloc(size + 1, 1);
        DEMAND(grown != NULL && zeroed != NULL && zeroed[size] == 0);
        DEMAND(posix_memalign(&aligned, 256, size) == 0 && (uintptr_t)aligned % 256 == 0);
        DEMAND(malloc_usable_size(grown) >= size + 77);
        free(aligned);
        free(zeroed);
        free(grown);
        free(aligned_alloc(4096, 8192));
        free(reallocarray(NULL, 10, size / 10));
    }
}

struct task {
    void (*body)(unsigned);
    unsigned index;
};

static void *run_task(void *p) {
    const struct task *task = p;
    task->body(task->index);
    return NULL;
}

void preload_in_threads(void (*body)(unsigned index)) {
    pthread_t threads[PRELOAD_THREADS];
    struct task tasks[PRELOAD_THREADS];
    for (unsigned i = 0; i < PRELOAD_THREADS; i++) {
        tasks[i] = (struct task){body, i};
        DEMAND(pthread_create(&threads[i], NULL, run_task, &tasks[i]) == 0);
    }
    for (unsigned i = 0; i < PRELOAD_THREADS; i++) {
        DEMAND(pthread_join(threads[i], NULL) == 0);
    }
}

static const struct {
    const char *name;
    void (*run)(const char *plugin);
} cases[] = {
    {"early", case_early},
    {"keys", case_keys},
    {"dlsym", case_dlsym},
    {"plugin", case_plugin},
    {"thread_exit", case_thread_exit},
    {"fork", case_fork},
    {"fork_handlers", case_fork_handlers},
    {"fork_stdio", case_fork_stdio},
    {"cxx_plugin", case_cxx_plugin},
    {"no_stderr", case_no_stderr},
    {"taken_stderr", case_taken_stderr},
    {"first_calls", case_first_calls},
    {"exit_handlers", case_exit_handlers},
    {"libc", case_libc},
    {"no_fallback", case_no_fallback},
    {"no_fallback_without_memory", case_no_fallback_without_memory},
};

int main(int argc, char **argv) {
    preload_demand_hakmem();
    for (size_t i = 0; argc > 1 && i < sizeof cases / sizeof cases[0]; i++) {
        if (strcmp(cases[i].name, argv[1]) == 0) {
            cases[i].run(argc > 2 ? argv[2] : NULL);
            return 0;
        }
    }
    fprintf(stderr, "preload: '%s' is no case\n", argc > 1 ? argv[1] : "");
    return 2;
}
