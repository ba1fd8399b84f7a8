/* SPDX-License-Identifier: MIT */
/**
 * @file library.c
 * Where libhakmem.so may be, seen from bin/hakmem:
 *
 *   ../lib               the same build or installation
 *   ../<libdir>          an installation whose library folder has another name
 *   ../../<preset>/lib   the neighbouring build, as in build/checked/lib
 *
 * LD_PRELOAD has no quoting. Where the real path has a blank in it, the one that
 * this program was started by may have none: a symbolic link leads there.
 */
#include "runner.h"

#include "command/command_line.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
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
static void find_real_folder(char *folder, size_t folder_bytes) {
    ssize_t length = readlink("/proc/self/exe", folder, folder_bytes - 1);
    if (length <= 0) {
        command_refuse("/proc/self/exe cannot be read; is /proc mounted?");
    }
    folder[length] = '\0';
    *strrchr(folder, '/') = '\0';
}

/** The same by the path that the kernel was given, absolute; links in it stay.
 *  False if it cannot be told. */
static bool find_named_folder(char *folder, size_t folder_bytes) {
    const char *name = (const char *)getauxval(AT_EXECFN);
    char here[PATH_MAX] = "";
    if (name == NULL || strchr(name, '/') == NULL ||
        (name[0] != '/' && getcwd(here, sizeof(here)) == NULL)) {
        return false;
    }
    int length = snprintf(folder, folder_bytes, "%s%s%.*s", here, name[0] != '/' ? "/" : "",
                          (int)(strrchr(name, '/') - name), name);
    return (size_t)length < folder_bytes;
}

static bool find_from(const char *folder, enum runner_build build, char *path, size_t path_bytes) {
    for (size_t i = 0; i < sizeof(candidates) / sizeof(candidates[0]); i++) {
        int length = snprintf(path, path_bytes, "%s/%s", folder, candidates[i].path);
        bool is_wanted = build == RUNNER_ANY || build == candidates[i].build;
        if (is_wanted && (size_t)length < path_bytes && access(path, R_OK) == 0) {
            return true;
        }
    }
    return false;
}

static bool can_be_preloaded(const char *path) {
    return strpbrk(path, " :") == NULL;
}

void runner_find_library(enum runner_build build, char *path, size_t path_bytes) {
    char folder[PATH_MAX], found[PATH_MAX], real[PATH_MAX];
    find_real_folder(folder, sizeof(folder));
    if (!find_from(folder, build, found, sizeof(found))) {
        command_refuse("no %s in lib/ beside %s; build or install it",
                       build == RUNNER_CHECKED ? "libhakmem-checked.so" : "libhakmem.so", folder);
    }
    if (realpath(found, real) == NULL || strlen(real) >= path_bytes) {
        command_refuse("%s: %s", found, strerror(errno));
    }
    strcpy(path, real);
    if (can_be_preloaded(path)) {
        return;
    }
    if (!find_named_folder(folder, sizeof(folder)) || !find_from(folder, build, path, path_bytes) ||
        !can_be_preloaded(path)) {
        command_refuse("'%s': LD_PRELOAD takes no path with a space or colon in it; start hakmem "
                       "through a symbolic link to its build whose path has none",
                       real);
    }
}
