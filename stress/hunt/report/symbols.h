/* SPDX-License-Identifier: MIT */
/* Addresses to names, at report time only. */
#ifndef HUNT_SYMBOLS_H
#define HUNT_SYMBOLS_H

#include <stddef.h>
#include <stdint.h>

/* Looks up many code addresses at once (addr2line takes as long for one as for a hundred). */
void hunt_symbols_load(const uintptr_t *pcs, size_t count);

/* "file.c:12"; "function+0x1f" without debug information or addr2line. Valid until the next load.
 */
const char *hunt_symbols_line(uintptr_t pc);
const char *hunt_symbols_function(uintptr_t pc);

/* "counter", "slots+16"; m1, m2, ... for memory without a name, in the order asked. */
void hunt_symbols_data(uintptr_t addr, char *text, size_t text_bytes);
void hunt_symbols_forget_memory(void);

#endif
