/* SPDX-License-Identifier: MIT */
/* Text without malloc: see format.h. Layer 0. */
#include "base/format.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* One parsed directive. Every field: owner. */
struct directive {
    size_t width;
    bool left, zero_padded, is_long;
    char conversion;
};

void hak_text_init(struct hak_text *text, char *buffer, size_t capacity_bytes) {
    text->buffer = buffer;
    text->capacity_bytes = capacity_bytes;
    text->length_bytes = 0;
    buffer[0] = '\0';
}

static void add_char(struct hak_text *text, char c) {
    if (text->length_bytes + 1 < text->capacity_bytes) {
        text->buffer[text->length_bytes++] = c;
        text->buffer[text->length_bytes] = '\0';
    }
}

static void add_padded(struct hak_text *text, const char *s, size_t length,
                       const struct directive *d) {
    size_t padding = d->width > length ? d->width - length : 0;
    if (d->zero_padded && !d->left && d->conversion == 'd' && *s == '-') {
        add_char(text, *s++); /* the sign stands before the zeros */
        length--;
    }
    if (!d->left) {
        for (; padding > 0; padding--) {
            add_char(text, d->zero_padded ? '0' : ' ');
        }
    }
    for (size_t i = 0; i < length; i++) {
        add_char(text, s[i]);
    }
    for (; padding > 0; padding--) {
        add_char(text, ' ');
    }
}

static void add_number(struct hak_text *text, uint64_t value, bool negative, unsigned base,
                       const struct directive *d) {
    char digits[24];
    size_t at = sizeof digits;
    do {
        digits[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    if (d->conversion == 'p') {
        digits[--at] = 'x';
        digits[--at] = '0';
    }
    if (negative) {
        digits[--at] = '-';
    }
    add_padded(text, digits + at, sizeof digits - at, d);
}

static const char *parse_directive(const char *f, struct directive *d) {
    *d = (struct directive){0};
    for (;; f++) {
        if (*f == '-') {
            d->left = true;
        } else if (*f == '0') {
            d->zero_padded = true;
        } else {
            break;
        }
    }
    for (; *f >= '0' && *f <= '9'; f++) {
        d->width = d->width * 10 + (size_t)(*f - '0');
    }
    for (; *f == 'l' || *f == 'z'; f++) {
        d->is_long = true;
    }
    d->conversion = *f;
    return f;
}

static void add_signed(struct hak_text *text, int64_t value, const struct directive *d) {
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    add_number(text, magnitude, value < 0, 10, d);
}

void hak_text_add_va(struct hak_text *text, const char *format, va_list arguments) {
    for (const char *f = format; *f != '\0'; f++) {
        struct directive d;
        if (*f != '%') {
            add_char(text, *f);
            continue;
        }
        f = parse_directive(f + 1, &d);
        if (d.conversion == '\0') {
            return;
        } else if (d.conversion == 's') {
            const char *s = va_arg(arguments, const char *);
            s = s != NULL ? s : "(null)";
            add_padded(text, s, strlen(s), &d);
        } else if (d.conversion == 'c') {
            add_char(text, (char)va_arg(arguments, int));
        } else if (d.conversion == 'p') {
            add_number(text, (uint64_t)(uintptr_t)va_arg(arguments, void *), false, 16, &d);
        } else if (d.conversion == 'd') {
            add_signed(text, d.is_long ? va_arg(arguments, long) : va_arg(arguments, int), &d);
        } else if (d.conversion == 'u' || d.conversion == 'x') {
            uint64_t value = d.is_long ? va_arg(arguments, unsigned long)
                                       : va_arg(arguments, unsigned int);
            add_number(text, value, false, d.conversion == 'u' ? 10 : 16, &d);
        } else {
            add_char(text, d.conversion);
        }
    }
}

void hak_text_add(struct hak_text *text, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    hak_text_add_va(text, format, arguments);
    va_end(arguments);
}

void hak_text_write(const struct hak_text *text, int fd) {
    int saved_errno = errno;
    size_t done = 0;
    while (done < text->length_bytes) {
        /* Not write(): a program may interpose one that allocates. */
        ssize_t n = syscall(SYS_write, fd, text->buffer + done, text->length_bytes - done);
        if (n > 0) {
            done += (size_t)n;
        } else if (n == 0 || errno != EINTR) {
            break;
        }
    }
    errno = saved_errno;
}

void hak_write_line(int fd, const char *format, ...) {
    char buffer[512];
    struct hak_text text;
    va_list arguments;
    hak_text_init(&text, buffer, sizeof buffer);
    va_start(arguments, format);
    hak_text_add_va(&text, format, arguments);
    va_end(arguments);
    hak_text_add(&text, "\n");
    hak_text_write(&text, fd);
}
