/* SPDX-License-Identifier: MIT */
/* Texts that people and scripts put where a number is wanted; see ops.h. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ops.h"

static void fill(char *text, char character, size_t length) {
    memset(text, character, length);
    text[length] = '\0';
}

void cli_make_text(char *text, size_t form, uint64_t number) {
    static const char *const formats[] = {
        "%" PRIu64,     "00%" PRIu64,
        "-%" PRIu64,    "+%" PRIu64,
        " %" PRIu64,    "%" PRIu64 " ",
        "%" PRIu64 "k", "%" PRIu64 ".0",
        "0x%" PRIx64,   "%" PRIu64 "00000000000000000000",
    };
    static const char *const words[] = {"", "true", "--help"};
    enum { FORMATS = sizeof formats / sizeof formats[0], WORDS = sizeof words / sizeof words[0] };
    if (form < FORMATS) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(text, CLI_TEXT_BYTES, formats[form], number);
#pragma GCC diagnostic pop
    } else if (form < FORMATS + WORDS) {
        strcpy(text, words[form - FORMATS]);
    } else {
        fill(text, (char)(1 + number % 255), number % (CLI_TEXT_BYTES - 1));
    }
}

int cli_is_number(const char *text, uint64_t *number) {
    uint64_t value = 0;
    for (const char *at = text; *at != '\0'; at++) {
        unsigned digit = (unsigned)(unsigned char)*at - '0';
        if (digit > 9 || value > (UINT64_MAX - digit) / 10) {
            return 0;
        }
        value = value * 10 + digit;
    }
    *number = value;
    return text[0] != '\0';
}
