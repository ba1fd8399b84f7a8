/* SPDX-License-Identifier: MIT */
/**
 * @file interrupt.h
 * SIGINT and SIGTERM for programs that would lose what they counted so far.
 * The first is noted, and the program ends when it has said what it knows; of
 * another, two seconds later, it dies. (timeout(1) sends two at once.) Those
 * that are ignored (nohup, a shell's background jobs) stay so.
 */
#ifndef COMMAND_INTERRUPT_H
#define COMMAND_INTERRUPT_H

#include <signal.h>
#include <time.h>

/** The program's own, so that it can say where it lies; zero at first. */
struct command_interrupt {
    volatile sig_atomic_t caught; /* the signal's number; 0: none yet */
    time_t at_s;                  /* the handler's alone */
};

/** Notes in `*interrupt` from now on. */
void command_interrupt_note(struct command_interrupt *interrupt);

/** The same for programs that wait for processes: both signals, and SIGCHLD,
 *  come only in command_interrupt_wait(), so none is missed between a look and
 *  the wait. Processes that are started need a signal mask of their own. */
void command_interrupt_hold(struct command_interrupt *interrupt);

/** Returns when a process of ours ended or an interrupt came, at the latest
 *  after `seconds_max`; with 0 only what is there already is let in. */
void command_interrupt_wait(double seconds_max);

/** As the shell has it: 130 and 143. */
int command_interrupt_status(int caught);

#endif
