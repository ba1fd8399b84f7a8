/* SPDX-License-Identifier: MIT */
/**
 * @file progress.c
 * The bar.
 */
#include "progress.h"
#include "../common/run.h"

#include <stdio.h>
#include <unistd.h>

enum { BAR_COLUMNS = 30 };
static const uint64_t bar_interval_ns = UINT64_C(100000000);
static const uint64_t line_interval_ns = UINT64_C(10000000000);

void progress_init(struct progress *progress, uint64_t total) {
    *progress = (struct progress){.total = total, .start_ns = stress_now_ns()};
    progress->is_terminal = isatty(STDERR_FILENO) == 1;
    progress->shown_ns = progress->start_ns;
}

static unsigned long long seconds_left(const struct progress *progress, uint64_t done,
                                       uint64_t now_ns) {
    double each_ns = (double)(now_ns - progress->start_ns) / (double)done;
    return (unsigned long long)(each_ns * (double)(progress->total - done) / 1e9 + 0.5);
}

static void show_bar(const struct progress *progress, uint64_t done, uint64_t failed,
                     unsigned long long left) {
    char bar[BAR_COLUMNS + 1];
    uint64_t filled = done * BAR_COLUMNS / progress->total;
    for (uint64_t i = 0; i < BAR_COLUMNS; i++) {
        bar[i] = i < filled ? '#' : '.';
    }
    bar[BAR_COLUMNS] = '\0';
    fprintf(stderr, "\r[%s] %llu/%llu, %llu failed, %llu:%02llu left \033[K", bar,
            (unsigned long long)done, (unsigned long long)progress->total,
            (unsigned long long)failed, left / 60, left % 60);
}

void progress_update(struct progress *progress, uint64_t done, uint64_t failed) {
    uint64_t now_ns = stress_now_ns();
    uint64_t interval_ns = progress->is_terminal ? bar_interval_ns : line_interval_ns;
    if (done == 0 || now_ns - progress->shown_ns < interval_ns) {
        return;
    }
    progress->shown_ns = now_ns;
    unsigned long long left = seconds_left(progress, done, now_ns);
    if (progress->is_terminal) {
        show_bar(progress, done, failed, left);
    } else {
        fprintf(stderr, "%llu/%llu runs, %llu failed, %llu s left\n", (unsigned long long)done,
                (unsigned long long)progress->total, (unsigned long long)failed, left);
    }
}

void progress_clear(const struct progress *progress) {
    if (progress->is_terminal) {
        fputs("\r\033[K", stderr);
    }
}
