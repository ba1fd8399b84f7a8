/* SPDX-License-Identifier: MIT */
/**
 * @file dlopen.c
 * Short threads load a library, make it build thread-local objects that own
 * blocks, and unload it: before the thread ends (its destructors keep the library
 * until then) or after. The loader's own calls of malloc happen under its lock.
 */
#include "../plugins/plugin.h"
#include "scenarios.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES = PATH_MAX + 64 };

struct dlopen_place {
    struct stress_worker worker;
    const char *folder; /* of the plugins */
    void *late;         /* a library its last thread left open */
};

/** Destructors of the plugins run at the thread's end, far from any scenario
 *  structure. Set once, before any thread starts. */
static const struct stress_run *failing_run;

static void plugin_fail(const char *message) {
    stress_fail(failing_run, "plugin: %s", message);
}

/** The loader has a lock of its own for the same; this one is for
 *  ThreadSanitizer, which cannot see that one. */
static pthread_mutex_t loading = PTHREAD_MUTEX_INITIALIZER;

static void close_plugin(void *library) {
    pthread_mutex_lock(&loading);
    dlclose(library);
    pthread_mutex_unlock(&loading);
}

static void *open_plugin(const struct dlopen_place *place, unsigned number) {
    char path[PATH_BYTES];
    snprintf(path, sizeof(path), "%s/hakmem_stress_plugin_%u.so", place->folder, number);
    pthread_mutex_lock(&loading);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    pthread_mutex_unlock(&loading);
    if (library == NULL) {
        stress_fail(place->worker.run, "dlopen: %s", dlerror());
    }
    return library;
}

static void use_plugin(struct dlopen_place *place, void *library) {
    void *symbol = dlsym(library, "stress_plugin_use");
    stress_plugin_use_function *use;
    if (symbol == NULL) {
        stress_fail(place->worker.run, "dlsym: %s", dlerror());
    }
    memcpy(&use, &symbol, sizeof(use)); /* ISO C has no cast for this */
    use(stress_random_next(&place->worker.random), plugin_fail);
}

static void *place_main(void *argument) {
    struct dlopen_place *place = argument;
    struct stress_random *random = &place->worker.random;
    unsigned number = (unsigned)stress_random_below(random, STRESS_PLUGIN_COUNT);
    void *library = open_plugin(place, number);
    use_plugin(place, library);
    stress_worker_step(&place->worker);
    if (stress_random_chance(random, 50)) {
        close_plugin(library);
    } else {
        place->late = library;
    }
    return NULL;
}

static void dlopen_body(struct stress_worker *worker, void *context) {
    struct dlopen_place *place = stress_pages_create(worker->run, sizeof(*place));
    place->worker = *worker;
    place->folder = context;
    do {
        pthread_join(stress_thread_start(worker->run, place_main, place), NULL);
        if (place->late != NULL) {
            close_plugin(place->late);
            place->late = NULL;
        }
    } while (!stress_worker_is_over(&place->worker));
    stress_worker_report(&place->worker);
    stress_pages_destroy(place, sizeof(*place));
}

/** The plugins lie in hakmem/ of the library folder beside this program's. */
static void find_plugins(const struct stress_run *run, char *folder) {
    static const char *const candidates[] = {"/../lib/hakmem", "/../" STRESS_LIBDIR "/hakmem"};
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (length <= 0) {
        stress_fail(run, "/proc/self/exe cannot be read");
    }
    self[length] = '\0';
    *strrchr(self, '/') = '\0';
    for (size_t i = 0; i < sizeof(candidates) / sizeof(candidates[0]); i++) {
        char probe[PATH_BYTES + 64];
        snprintf(folder, PATH_BYTES, "%s%s", self, candidates[i]);
        snprintf(probe, sizeof(probe), "%s/hakmem_stress_plugin_0.so", folder);
        if (access(probe, R_OK) == 0) {
            return;
        }
    }
    stress_fail(run, "the plugins are missing: no hakmem_stress_plugin_0.so in %s", folder);
}

void stress_scenario_dlopen(struct stress_run *run) {
    char folder[PATH_BYTES];
    find_plugins(run, folder);
    failing_run = run;
    stress_threads_run(run, dlopen_body, folder);
}
