/* SPDX-License-Identifier: MIT */
/*
 * What the program looked like before the first schedule: its .data and .bss (without the engine's
 * own section) and the initial image of its thread-local variables. Each schedule starts from it,
 * so code under test needs no reset function and replays are exact.
 */
#include "engine.h"

#include <elf.h>
#include <link.h>
#include <string.h>

extern char __data_start[], _end[];
extern char __start_hunt_state[], __stop_hunt_state[];

struct part {
    char *start;
    size_t size_bytes;
    char *saved;
};

HUNT_STATE static struct part parts[2];
HUNT_STATE static const char *tls_image;
HUNT_STATE static size_t tls_image_bytes, tls_bytes, tls_align;

void *__real_memcpy(void *to, const void *from, size_t size_bytes);

static int note_tls(struct dl_phdr_info *info, size_t size, void *argument) {
    (void)size;
    (void)argument;
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        if (header->p_type != PT_TLS)
            continue;
        tls_image = (const char *)(info->dlpi_addr + header->p_vaddr);
        tls_image_bytes = header->p_filesz;
        tls_bytes = header->p_memsz;
        tls_align = header->p_align != 0 ? header->p_align : 1;
    }
    return 1; /* the first object is the program itself; libraries keep their state */
}

static bool save(struct part *part, char *start, const char *end) {
    part->start = start;
    part->size_bytes = end > start ? (size_t)(end - start) : 0;
    if (part->size_bytes == 0)
        return true;
    part->saved = hunt_os_reserve_state(part->size_bytes);
    if (part->saved == NULL)
        return false;
    __real_memcpy(part->saved, start, part->size_bytes);
    return true;
}

bool hunt_state_open(void) {
    dl_iterate_phdr(note_tls, NULL);
    return save(&parts[0], __data_start, __start_hunt_state) &&
           save(&parts[1], __stop_hunt_state, _end);
}

void hunt_state_restore(void) {
    for (unsigned i = 0; i < 2; i++)
        if (parts[i].size_bytes != 0)
            __real_memcpy(parts[i].start, parts[i].saved, parts[i].size_bytes);
}

/* x86-64 puts the program's thread-local block right below the thread pointer. */
void hunt_state_restore_thread(void) {
    if (tls_bytes == 0)
        return;
    char *block =
        (char *)__builtin_thread_pointer() - ((tls_bytes + tls_align - 1) & ~(tls_align - 1));
    __real_memcpy(block, tls_image, tls_image_bytes);
    __real_memset(block + tls_image_bytes, 0, tls_bytes - tls_image_bytes);
}
