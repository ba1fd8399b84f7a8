/* SPDX-License-Identifier: MIT */
/* A word of a block as a program reads and writes it: plain, and observed. See held.h. */
#include "held.h"

uint64_t held_word_read(const uint64_t *word) {
    return *word;
}

void held_word_write(uint64_t *word, uint64_t value) {
    *word = value;
}
