/* SPDX-License-Identifier: MIT */
/* Text without malloc, locale or stdio: reports and log lines. Layer 0.
 *
 * A line is composed in a buffer and written with one write(2), so lines of
 * several threads do not mix. */
#ifndef HAK_BASE_FORMAT_H
#define HAK_BASE_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

#include "base/compiler.h"

/* A text being composed. What does not fit is cut off, never overrun. */
struct hak_text {
    char *buffer;             /* owner: caller's memory */
    size_t capacity_bytes;    /* const */
    size_t length_bytes;      /* owner: at most capacity_bytes - 1; always NUL-terminated */
};

void hak_text_init(struct hak_text *text, char *buffer, size_t capacity_bytes);

/* Appends. Directives: %s %c %d %u %x %p %%, with l or z before d, u and x, and
 * a minimum width (`%6u`, `%-10s`, zero padding `%02x`). Nothing else. */
void hak_text_add(struct hak_text *text, const char *format, ...) HAK_PRINTF(2, 3);
void hak_text_add_va(struct hak_text *text, const char *format, va_list arguments);

/* Writes the text to `fd`, whole if the kernel takes it. Keeps errno. */
void hak_text_write(const struct hak_text *text, int fd);

/* A whole line in one call: composed on the stack, written to `fd`. */
void hak_write_line(int fd, const char *format, ...) HAK_PRINTF(2, 3);

#endif
