/* SPDX-License-Identifier: MIT */
/*
 * What a schedule did, for a fuzzer that looks for new behaviour: a counter for each pair of a read
 * and the write it saw, with the threads of both. Two schedules that differ in none of these pairs
 * did the same, however their steps were interleaved.
 */
#include "engine.h"

void hunt_feedback_add(uintptr_t write_pc, unsigned writer, uintptr_t read_pc, unsigned reader) {
    if (reader == 0)
        return; /* setup and teardown are the same in every schedule */
    uint64_t pair = hunt_mix(write_pc * 8 + writer) ^ (read_pc * 8 + reader);
    uint8_t *counter = &hunt.feedback[hunt_mix(pair) & (HUNT_FEEDBACK_BYTES - 1)];
    *counter = (uint8_t)(*counter + (*counter != 255));
}
