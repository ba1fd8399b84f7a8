/* SPDX-License-Identifier: MIT */
/**
 * @file library.c
 * Where libhakmem.so may be, seen from bin/hakmem:
 *
 *   ../lib               the same build or installation
 *   ../<libdir>          an installation whose library folder has another name
 *   ../../<preset>/lib   the neighbouring build, as in build/checked/lib
 */
#include "runner.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct candidate {
    enum runner_build build;
    const char *path;
} candidates[] = {
    {RUNNER_RELEASE, "../lib/libhakmem.so"},
    {RUNNER_RELEASE, "../" RUNNER_LIBDIR "/libhakmem.so"},
    {RUNNER_CHECKED, "../lib/libhakmem-checked.so"},
    {RUNNER_CHECKED, "../" RUNNER_LIBDIR "/libhakmem-checked.so"},
    {RUNNER_RELEASE, "../../release/lib/libhakmem.so"},
    {RUNNER_CHECKED, "../../checked/lib/libhakmem-checked.so"},
};

/** The folder of this program, with no slash at its end. */
static bool own_folder(char *folder, size_t folder_bytes) {
    ssize_t length = readlink("/proc/self/exe", folder, folder_bytes - 1);
    if (length <= 0) {
        fprintf(stderr, "hakmem: /proc/self/exe cannot be read; is /proc mounted?\n");
        return false;
    }
    folder[length] = '\0';
    *strrchr(folder, '/') = '\0';
    return true;
}

bool runner_find_library(enum runner_build build, char *path, size_t path_bytes) {
    char folder[PATH_MAX];
    if (!own_folder(folder, sizeof(folder))) {
        return false;
    }
    for (size_t i = 0; i < sizeof(candidates) / sizeof(candidates[0]); i++) {
        int length = snprintf(path, path_bytes, "%s/%s", folder, candidates[i].path);
        bool is_wanted = build == RUNNER_ANY || build == candidates[i].build;
        if (is_wanted && (size_t)length < path_bytes && access(path, R_OK) == 0) {
            return true;
        }
    }
    fprintf(stderr, "hakmem: no %s in lib/ beside %s; build or install it\n",
            build == RUNNER_CHECKED ? "libhakmem-checked.so" : "libhakmem.so", folder);
    return false;
}
