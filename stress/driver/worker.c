/* SPDX-License-Identifier: MIT */
/**
 * @file worker.c
 * The program that runs one scenario on the malloc under test. hakmem-stress
 * starts it, and reports on it; for a debugger it can be started by hand:
 *
 *     hakmem-stress-worker SCENARIO THREADS SEED SECONDS OPERATIONS TIMEOUT
 *
 * hakmem-stress adds the descriptors of what they share, PAUSES and a LIBRARY.
 */
#include "hakmem.h"

#include "../common/observe.h"
#include "../common/run.h"
#include "../scenarios/scenarios.h"

#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

__attribute__((weak)) void hak_stats_read(struct hak_stats *stats);

/* From here on what hakmem-stress adds. */
enum { ARGUMENT_RECORD = 7, ARGUMENT_OBSERVATION, ARGUMENT_PAUSES, ARGUMENT_LIBRARY };

struct entry {
    const char *name;
    void (*run)(struct stress_run *run);
};

#define ENTRY(name, place, summary) {#name, stress_scenario_##name},
static const struct entry entries[] = {STRESS_SCENARIOS(ENTRY)};

static const struct entry *find_entry(const char *name) {
    for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
        if (strcmp(entries[i].name, name) == 0) {
            return &entries[i];
        }
    }
    return NULL;
}

static _Noreturn void usage(const char *text) {
    fprintf(stderr, "hakmem-stress-worker: %s; start it through hakmem-stress\n", text);
    exit(STRESS_EXIT_USAGE);
}

/** With a descriptor from hakmem-stress what is written outlives this process. */
static void *map_shared(const char *descriptor, size_t size_bytes) {
    int flags = descriptor != NULL ? MAP_SHARED : MAP_SHARED | MAP_ANONYMOUS;
    int file = descriptor != NULL ? atoi(descriptor) : -1;
    void *memory = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, flags, file, 0);
    if (memory == MAP_FAILED) {
        usage("no memory for the record");
    }
    return memory;
}

/** The dynamic linker ignores a preload it cannot load, and a library without a
 *  malloc changes nothing: both would test the wrong malloc in silence. */
static void check_library(const char *path) {
    void *symbol = dlsym(RTLD_DEFAULT, "malloc");
    Dl_info info;
    struct stat wanted, found;
    if (symbol == NULL || dladdr(symbol, &info) == 0 || stat(path, &wanted) != 0 ||
        stat(info.dli_fname, &found) != 0 || wanted.st_dev != found.st_dev ||
        wanted.st_ino != found.st_ino) {
        fprintf(stderr, "hakmem-stress: %s: not a library that defines malloc\n", path);
        exit(STRESS_EXIT_USAGE);
    }
}

/** NULL when nobody wants to look. */
static struct stress_observation *observation_of(int argc, char **argv) {
    bool is_wanted = argc > ARGUMENT_OBSERVATION && strcmp(argv[ARGUMENT_OBSERVATION], "-") != 0;
    return is_wanted ? map_shared(argv[ARGUMENT_OBSERVATION], sizeof(struct stress_observation))
                     : NULL;
}

static void record_statistics(struct stress_record *record) {
    struct hak_stats stats;
    if (hak_stats_read != NULL) {
        hak_stats_read(&stats);
        record->grow_count = stats.grow_count;
        record->shrink_count = stats.shrink_count;
    }
}

int main(int argc, char **argv) {
    if (argc < 7) {
        usage("SCENARIO THREADS SEED SECONDS OPERATIONS TIMEOUT are missing");
    }
    const struct entry *entry = find_entry(argv[1]);
    if (entry == NULL) {
        usage("no such scenario");
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (argc > ARGUMENT_LIBRARY) {
        check_library(argv[ARGUMENT_LIBRARY]);
    }
    struct stress_run run = {
        .scenario = entry->name,
        .thread_count = (unsigned)strtoul(argv[2], NULL, 10),
        .seed = strtoull(argv[3], NULL, 10),
        .operations_per_thread = strtoull(argv[5], NULL, 10),
        .deadline_ns = stress_now_ns() + (uint64_t)(strtod(argv[4], NULL) * 1e9),
        .timeout_ns = (uint64_t)(strtod(argv[6], NULL) * 1e9),
        .is_supervised = argc > ARGUMENT_RECORD,
        .pauses = argc > ARGUMENT_PAUSES ? (enum stress_pauses)atoi(argv[ARGUMENT_PAUSES])
                                         : STRESS_PAUSES_BOTH,
        .record = map_shared(argc > ARGUMENT_RECORD ? argv[ARGUMENT_RECORD] : NULL,
                             sizeof(struct stress_record)),
    };
    if (run.thread_count < 1 || run.thread_count > STRESS_THREADS_MAX) {
        usage("THREADS is out of range");
    }
    struct stress_observer observer;
    if (stress_observer_start(&observer, observation_of(argc, argv)) != 0) {
        usage("no thread to observe with");
    }
    entry->run(&run);
    stress_observer_stop(&observer);
    record_statistics(run.record);
    return STRESS_EXIT_OK;
}
