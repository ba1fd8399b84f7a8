/* SPDX-License-Identifier: MIT */
/* What happens when the process dies while an input runs: the program is
 * printed first. Two ways lead here: a fatal signal (the allocator's own
 * abort() among them), and the hooks that the sanitizers call before they
 * report. libFuzzer's own handlers and its artifact come after ours. */
#include "run.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Part of ASan, where the program has it; this file itself is compiled without. */
__attribute__((weak)) void __asan_init(void);

/* The adaptive log would drown the reports, and writing it takes time: off
 * unless asked for. Before the allocator's own constructors read it. */
__attribute__((constructor(101))) static void silence_adaptive_log(void) {
    setenv("HAKMEM_ADAPTIVE_LOG", "0", 0);
}

static const int fatal_signals[] = {SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};
enum { FATAL_COUNT = sizeof fatal_signals / sizeof fatal_signals[0] };

static struct sigaction earlier[FATAL_COUNT];
static bool exits_after_report;

static void on_fatal_signal(int number) {
    char reason[64];
    snprintf(reason, sizeof reason, "signal %d", number);
    hak_fuzz_report_current(reason);
    if (exits_after_report) {
        _exit(1);
    }
    for (size_t i = 0; i < FATAL_COUNT; i++) {
        if (fatal_signals[i] == number) {
            sigaction(number, &earlier[i], NULL);
        }
    }
    raise(number); /* delivered to the earlier handler when this one returns */
}

/* ASan handles all but SIGABRT itself, and tells us through its hook. */
static bool is_left_to_sanitizer(int number) {
    return __asan_init != NULL && number != SIGABRT;
}

void hak_fuzz_catch_death(bool then_exit) {
    static char stack[64 * 1024]; /* for a signal on an overflown stack */
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    sigaltstack(&alternate, NULL);
    exits_after_report = then_exit;
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_fatal_signal;
    action.sa_flags = SA_ONSTACK | SA_NODEFER;
    for (size_t i = 0; i < FATAL_COUNT; i++) {
        if (!is_left_to_sanitizer(fatal_signals[i])) {
            sigaction(fatal_signals[i], &action, &earlier[i]);
        }
    }
}

/* Weak hooks of ASan and UBSan, called before their reports. */
void __asan_on_error(void);
void __ubsan_on_report(void);

void __asan_on_error(void) {
    hak_fuzz_report_current("AddressSanitizer");
}

void __ubsan_on_report(void) {
    hak_fuzz_report_current("UndefinedBehaviorSanitizer");
}
