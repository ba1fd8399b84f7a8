/* SPDX-License-Identifier: MIT */
/* Two locks taken in two orders, among three threads; the twin has one order. */
#include "hunt.h"

#include <pthread.h>

static pthread_mutex_t left = PTHREAD_MUTEX_INITIALIZER, right = PTHREAD_MUTEX_INITIALIZER;
static int shared_by_both;

static void take(pthread_mutex_t *first, pthread_mutex_t *second) {
    pthread_mutex_lock(first);
    pthread_mutex_lock(second);
    shared_by_both++;
    pthread_mutex_unlock(second);
    pthread_mutex_unlock(first);
}

static void left_right(void) {
    take(&left, &right);
}

static void right_left(void) {
    take(&right, &left);
}

HUNT_SCENARIO(lock_order) = {.name = "lock-order",
                             .summary = "two locks, two orders: deadlock",
                             .flags = HUNT_PLANTED,
                             .body = {left_right, right_left, left_right}};

HUNT_SCENARIO(lock_order_same) = {.name = "lock-order-same",
                                  .summary = "two locks, one order",
                                  .body = {left_right, left_right, left_right}};
