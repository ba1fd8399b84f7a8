/* SPDX-License-Identifier: MIT */
/* The settings a user can give in the environment. Layer 0.
 *
 *   HAKMEM_ADAPTIVE_SIZING  1 (default): TLS caches grow and shrink; 0: fixed
 *   HAKMEM_ADAPTIVE_LOG     1: log it on stderr; 0: silent. Default: 1 in
 *                           checked builds, 0 in release
 *   HAKMEM_ADAPTIVE_REUSE   1: caches grow only where blocks are reused, and often
 *                           enough to pay for it; 0 (default): as adaptive.h has it
 *   HAKMEM_PREWARM_TLS      1: fill the hot classes' caches at thread start;
 *                           default from the build option of that name
 *   HAKMEM_STATS            1: print a summary to stderr at exit
 *                           (log and summary: start_stderr.h)
 *   HAKMEM_TLS_CAPACITY     the slots of a cache where sizing is fixed, a power
 *                           of two from 16 to 2048; default 64
 *
 * A value that is none of these ends the program with one line and status 2:
 * a setting that is silently ignored is worse than none. */
#ifndef HAK_BASE_CONFIG_H
#define HAK_BASE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

/* Every field: const after start. */
struct hak_config {
    bool adaptive_sizing;
    bool adaptive_log;
    bool adaptive_reuse;
    bool prewarm_tls;
    bool stats_at_exit;
    int stats_fd;                /* where: a copy of stderr, which programs may close at exit */
    uint32_t fixed_capacity;     /* slots */
};

/* Written before the first thread starts, read-only after. */
extern struct hak_config hak_config;

/* Reads the environment, if the C library has set it up; may be called again
 * when it has. Allocates nothing. */
void hak_config_read(void);

#endif
