/* SPDX-License-Identifier: MIT */
/* Code addresses through binutils' addr2line, data addresses through this program's symbol table.
 */
#include "symbols.h"
#include "../engine/engine.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define LINES_MAX 4096u
#define MEMORY_MAX 256u
#define EXE "/proc/self/exe"

struct line {
    uintptr_t pc;
    char function[64];
    char place[96];
};

HUNT_STATE static struct line *lines;
HUNT_STATE static size_t line_count;
HUNT_STATE static const ElfW(Ehdr) * elf;
HUNT_STATE static const ElfW(Sym) * symbols;
HUNT_STATE static const char *names;
HUNT_STATE static size_t symbol_count;
HUNT_STATE static uintptr_t load_base;
HUNT_STATE static uintptr_t memory[MEMORY_MAX];
HUNT_STATE static size_t memory_count;

extern char **environ;

static int note_base(struct dl_phdr_info *info, size_t size, void *argument) {
    (void)size;
    *(uintptr_t *)argument = info->dlpi_addr;
    return 1;
}

static void load_symbol_table(void) {
    const ElfW(Shdr) *sections = (const ElfW(Shdr) *)((uintptr_t)elf + elf->e_shoff);
    for (unsigned i = 0; i < elf->e_shnum; i++) {
        if (sections[i].sh_type != SHT_SYMTAB)
            continue;
        symbols = (const ElfW(Sym) *)((uintptr_t)elf + sections[i].sh_offset);
        symbol_count = sections[i].sh_size / sizeof *symbols;
        names = (const char *)elf + sections[sections[i].sh_link].sh_offset;
    }
}

static void open_once(void) {
    struct stat status;
    if (lines != NULL)
        return;
    lines = calloc(LINES_MAX, sizeof *lines);
    if (lines == NULL)
        abort();
    dl_iterate_phdr(note_base, &load_base);
    int fd = open(EXE, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &status) == 0) {
        void *file = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        elf = file != MAP_FAILED ? file : NULL;
    }
    if (fd >= 0)
        close(fd);
    if (elf != NULL)
        load_symbol_table();
}

static const ElfW(Sym) * symbol_at(uintptr_t addr, unsigned type) {
    for (size_t i = 0; i < symbol_count; i++)
        if (ELF64_ST_TYPE(symbols[i].st_info) == type && addr - load_base >= symbols[i].st_value &&
            addr - load_base < symbols[i].st_value + symbols[i].st_size)
            return &symbols[i];
    return NULL;
}

static void name_by_table(struct line *line) {
    const ElfW(Sym) *symbol = symbol_at(line->pc, STT_FUNC);
    snprintf(line->function, sizeof line->function, "%s",
             symbol != NULL ? names + symbol->st_name : "?");
    if (symbol != NULL)
        snprintf(line->place, sizeof line->place, "%.60s+0x%zx", names + symbol->st_name,
                 (size_t)(line->pc - load_base - symbol->st_value));
    else
        snprintf(line->place, sizeof line->place, "0x%zx", (size_t)line->pc);
}

static bool is_in_c_file(const char *place) {
    const char *colon = strrchr(place, ':');
    return colon != NULL && colon - place >= 2 && colon[-1] == 'c' && colon[-2] == '.';
}

/* One "function\nfile:line\n" pair for each inlined frame, innermost first. The innermost is kept,
 * and if that is a header (say, a wrapper of atomics), the first .c file that it was inlined into.
 */
static void take_frame(struct line *line, const char *function, char *place, unsigned *frames) {
    place[strcspn(place, " \n")] = '\0';
    if (strncmp(place, "??", 2) == 0)
        return;
    if ((*frames)++ == 0) {
        snprintf(line->function, sizeof line->function, "%.*s", (int)strcspn(function, "\n"),
                 function);
        snprintf(line->place, sizeof line->place, "%.45s", place);
    } else if (!is_in_c_file(line->place) && is_in_c_file(place)) {
        size_t used = strlen(line->place);
        snprintf(line->place + used, sizeof line->place - used, " < %.45s", place);
    }
}

static void read_addr2line(FILE *output, struct line *first, size_t count) {
    char text[512], place[512];
    struct line *line = NULL;
    unsigned frames = 0;
    while (fgets(text, sizeof text, output) != NULL) {
        if (strncmp(text, "0x", 2) == 0) {
            line = line == NULL ? first : line + 1;
            frames = 0;
            if (line == first + count)
                return;
        } else if (line != NULL && fgets(place, sizeof place, output) != NULL) {
            take_frame(line, text, place, &frames);
        }
    }
}

static bool spawn_addr2line(const struct line *first, size_t count, int output, pid_t *pid) {
    char **arguments = calloc(count + 5, sizeof *arguments);
    char *text = malloc(count * 24 + 1), path[4096];
    ssize_t length = readlink(EXE, path, sizeof path - 1);
    posix_spawn_file_actions_t actions;
    if (arguments == NULL || text == NULL || length < 0)
        abort();
    path[length] = '\0';
    arguments[0] = (char[]){"addr2line"};
    arguments[1] = (char[]){"-afis"};
    arguments[2] = (char[]){"-e"};
    arguments[3] = path;
    for (size_t i = 0; i < count; i++) {
        arguments[4 + i] = text + i * 24;
        snprintf(text + i * 24, 24, "0x%zx", (size_t)(first[i].pc - load_base));
    }
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    bool started = posix_spawnp(pid, "addr2line", &actions, NULL, arguments, environ) == 0;
    posix_spawn_file_actions_destroy(&actions);
    free(arguments);
    free(text);
    return started;
}

static void look_up(struct line *first, size_t count) {
    int ends[2];
    pid_t pid;
    if (count == 0 || pipe2(ends, O_CLOEXEC) != 0)
        return;
    bool started = spawn_addr2line(first, count, ends[1], &pid);
    close(ends[1]);
    FILE *output = fdopen(ends[0], "r");
    if (started && output != NULL) {
        read_addr2line(output, first, count);
        while (fgetc(output) != EOF)
            continue;
        waitpid(pid, NULL, 0);
    }
    if (output != NULL)
        fclose(output);
}

static struct line *line_of(uintptr_t pc) {
    for (size_t i = 0; i < line_count; i++)
        if (lines[i].pc == pc)
            return &lines[i];
    return NULL;
}

/* Return addresses are one past the call. */
void hunt_symbols_load(const uintptr_t *pcs, size_t count) {
    open_once();
    size_t old = line_count;
    for (size_t i = 0; i < count && line_count < LINES_MAX; i++) {
        if (pcs[i] == 0 || line_of(pcs[i] - 1) != NULL)
            continue;
        lines[line_count].pc = pcs[i] - 1;
        name_by_table(&lines[line_count++]);
    }
    look_up(lines + old, line_count - old);
}

const char *hunt_symbols_line(uintptr_t pc) {
    if (pc != 0)
        hunt_symbols_load(&pc, 1);
    const struct line *line = line_of(pc - 1);
    return pc != 0 && line != NULL ? line->place : "?";
}

const char *hunt_symbols_function(uintptr_t pc) {
    if (pc != 0)
        hunt_symbols_load(&pc, 1);
    const struct line *line = line_of(pc - 1);
    return pc != 0 && line != NULL ? line->function : "?";
}

static size_t memory_number(uintptr_t addr) {
    for (size_t i = 0; i < memory_count; i++)
        if (memory[i] == addr)
            return i + 1;
    if (memory_count < MEMORY_MAX)
        memory[memory_count++] = addr;
    return memory_count;
}

void hunt_symbols_forget_memory(void) {
    memory_count = 0;
}

void hunt_symbols_data(uintptr_t addr, char *text, size_t text_bytes) {
    open_once();
    const ElfW(Sym) *symbol = symbol_at(addr, STT_OBJECT);
    size_t offset = symbol != NULL ? (size_t)(addr - load_base - symbol->st_value) : 0;
    if (symbol == NULL)
        snprintf(text, text_bytes, "m%zu", memory_number(addr));
    else if (offset == 0)
        snprintf(text, text_bytes, "%s", names + symbol->st_name);
    else
        snprintf(text, text_bytes, "%s+%zu", names + symbol->st_name, offset);
}
