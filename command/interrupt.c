/* SPDX-License-Identifier: MIT */
/**
 * @file interrupt.c
 * One handler that notes, and ppoll() for waiting with the signals let in.
 */
#include "interrupt.h"

#include <poll.h>
#include <stddef.h>

enum { AGAIN_AFTER_S = 2 };

static struct command_interrupt *note;
static sigset_t open_mask; /* while waiting */

static void on_interrupt(int number) {
    time_t now_s = time(NULL);
    if (note->caught == 0) {
        note->caught = number;
        note->at_s = now_s;
    } else if (now_s - note->at_s >= AGAIN_AFTER_S) {
        signal(number, SIG_DFL);
        raise(number);
    }
}

static void on_child(int number) {
    (void)number; /* it is enough that ppoll() ends */
}

void command_interrupt_note(struct command_interrupt *interrupt) {
    static const int numbers[] = {SIGINT, SIGTERM};
    /* On the alternate stack, where there is one: a coroutine's own may be small. */
    struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = SA_RESTART | SA_ONSTACK};
    note = interrupt;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        struct sigaction before;
        if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN) {
            sigaction(numbers[i], &action, NULL);
        }
    }
}

void command_interrupt_hold(struct command_interrupt *interrupt) {
    struct sigaction action = {.sa_handler = on_child, .sa_flags = SA_RESTART};
    sigset_t held;
    sigemptyset(&held);
    sigaddset(&held, SIGINT);
    sigaddset(&held, SIGTERM);
    sigaddset(&held, SIGCHLD);
    sigaction(SIGCHLD, &action, NULL);
    command_interrupt_note(interrupt);
    sigprocmask(SIG_BLOCK, &held, &open_mask);
    sigdelset(&open_mask, SIGINT);
    sigdelset(&open_mask, SIGTERM);
    sigdelset(&open_mask, SIGCHLD);
}

void command_interrupt_wait(double seconds_max) {
    time_t seconds = (time_t)seconds_max;
    struct timespec at_most = {seconds, (long)((seconds_max - (double)seconds) * 1e9)};
    ppoll(NULL, 0, &at_most, &open_mask);
}

int command_interrupt_status(int caught) {
    return 128 + caught;
}
