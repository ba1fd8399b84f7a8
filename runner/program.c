/* SPDX-License-Identifier: MIT */
/**
 * @file program.c
 * Is the program there, and will it look at LD_PRELOAD at all? A statically
 * linked one would run on its own malloc in silence.
 */
#include "runner.h"

#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/** True if one of the program headers asks for a dynamic linker. */
static bool has_interpreter(int file, const Elf64_Ehdr *header) {
    for (unsigned i = 0; i < header->e_phnum; i++) {
        Elf64_Phdr segment;
        off_t offset = (off_t)(header->e_phoff + (Elf64_Off)i * header->e_phentsize);
        if (pread(file, &segment, sizeof(segment), offset) != (ssize_t)sizeof(segment)) {
            return true; /* not plainly without one */
        }
        if (segment.p_type == PT_INTERP) {
            return true;
        }
    }
    return false;
}

static bool is_static(const char *path) {
    Elf64_Ehdr header;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return false;
    }
    bool is_elf64 = pread(file, &header, sizeof(header), 0) == (ssize_t)sizeof(header) &&
                    memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 &&
                    header.e_ident[EI_CLASS] == ELFCLASS64;
    bool is_without = is_elf64 && !has_interpreter(file, &header);
    close(file);
    return is_without;
}

static enum runner_program inspect(const char *path) {
    if (access(path, F_OK) != 0) {
        return RUNNER_PROGRAM_MISSING;
    }
    return is_static(path) ? RUNNER_PROGRAM_STATIC : RUNNER_PROGRAM_FOUND;
}

enum runner_program runner_inspect_program(const char *name) {
    const char *folders = getenv("PATH");
    if (strchr(name, '/') != NULL) {
        return inspect(name);
    }
    if (folders == NULL) {
        return RUNNER_PROGRAM_FOUND; /* execvp() has a default of its own */
    }
    while (*folders != '\0') {
        size_t length = strcspn(folders, ":");
        char path[PATH_MAX];
        int written = snprintf(path, sizeof(path), "%.*s%s%s", (int)length, folders,
                               length > 0 ? "/" : "", name);
        if ((size_t)written < sizeof(path) && access(path, X_OK) == 0) {
            return inspect(path);
        }
        folders += length + (folders[length] == ':');
    }
    return RUNNER_PROGRAM_MISSING;
}
