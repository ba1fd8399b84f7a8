/* SPDX-License-Identifier: MIT */
/**
 * @file progress.h
 * How far the runs are: a bar with the time left on a terminal, a line every few
 * seconds elsewhere. Goes to stderr.
 */
#ifndef STABILITY_PROGRESS_H
#define STABILITY_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    uint64_t total;
    uint64_t start_ns;
    uint64_t shown_ns; /* when it was last shown */
    bool is_terminal;
};

void progress_init(struct progress *progress, uint64_t total);

/** Shows it, if it is time to. */
void progress_update(struct progress *progress, uint64_t done, uint64_t failed);

/** Takes the bar away. Call before anything else is printed. */
void progress_clear(const struct progress *progress);

#endif
