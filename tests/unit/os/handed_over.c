/* SPDX-License-Identifier: MIT */
/* Address space that one thread gives up by moving its memory away, and another is given
 * by growing in place: the order between them is the kernel's, and src/os/ must say so
 * (K1, K2). Nothing else here orders the two threads, so ThreadSanitizer, which sees neither
 * call, reports a race when it does not. A plain main: Criterion does not run under it. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/constants.h"
#include "os/os_memory.h"

#define SIZE ((size_t)HAK_SUPERSLAB_SIZE_BYTES)

static char *low, *high, *target;
static atomic_int steps; /* relaxed: time, and no order */

static void wait_for(int step) {
    while (atomic_load_explicit(&steps, memory_order_relaxed) < step) {
    }
}

static void *move_away(void *failed_out) {
    memset(high, 1, SIZE);
    *(int *)failed_out = !hak_os_move(high, SIZE, target, SIZE) || target[SIZE - 1] != 1;
    atomic_store_explicit(&steps, 1, memory_order_relaxed);
    wait_for(2); /* its end would be an order, too */
    return NULL;
}

static void *grow_over(void *failed_out) {
    wait_for(1);
    *(int *)failed_out = !hak_os_resize(low, SIZE, 2 * SIZE) || low[SIZE] != 0;
    if (*(int *)failed_out == 0) {
        memset(low + SIZE, 2, SIZE);
    }
    atomic_store_explicit(&steps, 2, memory_order_relaxed);
    return NULL;
}

/* Neighbours: the kernel places each below the one before. */
static int reserve_neighbours(void) {
    for (int attempt = 0; attempt < 100; attempt++) {
        high = hak_os_reserve(SIZE, SIZE);
        low = hak_os_reserve(SIZE, SIZE);
        if (high == NULL || low == NULL) {
            return 0;
        }
        if (low + SIZE == high) {
            target = hak_os_reserve(SIZE, SIZE);
            return target != NULL;
        }
    }
    return 0;
}

int main(void) {
    pthread_t mover, grower;
    int move_failed = 1, grow_failed = 1;
    if (!reserve_neighbours() || pthread_create(&mover, NULL, move_away, &move_failed) != 0 ||
        pthread_create(&grower, NULL, grow_over, &grow_failed) != 0) {
        fputs("handed_over: no neighbours, or no threads\n", stderr);
        return 1;
    }
    pthread_join(mover, NULL);
    pthread_join(grower, NULL);
    if (move_failed || grow_failed) {
        fprintf(stderr, "handed_over: %s failed\n", move_failed ? "moving away" : "growing");
        return 1;
    }
    return 0;
}
