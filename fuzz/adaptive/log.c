/* SPDX-License-Identifier: MIT */
/* Catching the adaptive log; see log.h. */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/config.h"
#include "base/format.h"
#include "base/start_stderr.h"
#include "harness/target.h"
#include "ration.h"

enum { LOG_BYTES = 4096 };

static char written[LOG_BYTES], expected[LOG_BYTES];
static size_t written_bytes, expected_bytes;
static bool log_is_on;

__typeof__(hak_log_line) __wrap_hak_log_line;

static bool begins_like_the_log(const char *text, size_t size_bytes) {
    static const char *const beginnings[] = {"[ADAPTIVE] ", "[TLS_CACHE] "};
    for (size_t i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++) {
        size_t length = strlen(beginnings[i]);
        if (size_bytes >= length && memcmp(text, beginnings[i], length) == 0) {
            return true;
        }
    }
    return false;
}

static void take_line(const struct hak_text *line) {
    if (memchr(line->buffer, '\n', line->length_bytes) != NULL) {
        hak_fuzz_fail("log: a line that is more than one: '%s'", line->buffer);
    }
    if (line->length_bytes + 1 > LOG_BYTES - written_bytes) {
        hak_fuzz_fail("log: a flood: more than %d bytes in one operation", LOG_BYTES);
    }
    memcpy(written + written_bytes, line->buffer, line->length_bytes);
    written_bytes += line->length_bytes;
    written[written_bytes++] = '\n';
}

/* Wherever descriptor 2 leads: libFuzzer's -close_fd_mask changes it. */
void __wrap_hak_log_line(const char *format, ...) {
    char buffer[512];
    struct hak_text line;
    va_list arguments;
    hak_text_init(&line, buffer, sizeof buffer);
    va_start(arguments, format);
    hak_text_add_va(&line, format, arguments);
    va_end(arguments);
    if (!begins_like_the_log(line.buffer, line.length_bytes)) {
        hak_fuzz_fail("log: not a line of its own: '%s'", line.buffer);
    }
    take_line(&line);
}

void adaptive_log_begin(void) {
    written_bytes = expected_bytes = 0;
    adaptive_log_set(true);
}

void adaptive_log_set(bool is_on) {
    hak_config.adaptive_log = log_is_on = is_on;
}

__attribute__((format(printf, 1, 2))) static void expect(const char *format, ...) {
    va_list arguments;
    if (!log_is_on) {
        return;
    }
    va_start(arguments, format);
    expected_bytes +=
        (size_t)vsnprintf(expected + expected_bytes, LOG_BYTES - expected_bytes, format, arguments);
    va_end(arguments);
}

void adaptive_log_expect_grow(size_t class_index, uint32_t from,
                              const struct reference *reference) {
    expect("[TLS_CACHE] Grow class %zu: %u → %u slots (grow_count=%u)\n", class_index, from,
           reference->capacity, reference->grow_count);
}

void adaptive_log_expect_shrink(size_t class_index, uint32_t from,
                                const struct reference *reference) {
    expect("[TLS_CACHE] Shrink class %zu: %u → %u slots (shrink_count=%u)\n", class_index, from,
           reference->capacity, reference->shrink_count);
}

void adaptive_log_expect_keep(size_t class_index, uint32_t per_mille,
                              const struct reference *reference) {
    expect("[TLS_CACHE] Keep class %zu at %u slots (usage=%u.%u%%)\n", class_index,
           reference->capacity, per_mille / 10, per_mille % 10);
}

void adaptive_log_expect_announcement(bool adapts, uint32_t capacity) {
    if (adapts) {
        expect("[ADAPTIVE] Adaptive sizing initialized (initial_cap=64, min=16, max=2048)\n");
    } else {
        expect("[ADAPTIVE] Adaptive sizing off (fixed_cap=%u)\n", capacity);
    }
}

void adaptive_log_compare(void) {
    if (written_bytes == 0 && expected_bytes == 0) {
        return;
    }
    if (written_bytes != expected_bytes || memcmp(written, expected, expected_bytes) != 0) {
        hak_fuzz_fail("log: wrote '%.*s', expected '%.*s'", (int)written_bytes, written,
                      (int)expected_bytes, expected);
    }
    written_bytes = expected_bytes = 0;
    adaptive_log_set(log_is_on && ration_allows_more_lines());
}
