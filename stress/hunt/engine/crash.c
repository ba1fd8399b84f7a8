/* SPDX-License-Identifier: MIT */
/* Signals. The first touch of a page is one (pages.c). Crashes of code under test end the schedule with a finding. The process goes on: the next
 * schedule starts from restored state, on fresh stacks. A crash inside libc's malloc can leave its
 * lock taken; code under test that has an allocator of its own does not come near it. */
#include "engine.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP};

static uintptr_t pc_of(const void *context) {
    return (uintptr_t)((const ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
}

/* The message without its numbers: addresses and counts differ, the failure is the same. */
static uint64_t site_of_text(const char *text) {
    uint64_t hash = 0;
    for (; *text != '\0' && *text != '\n'; text++)
        if (!isxdigit((unsigned char)*text))
            hash = hunt_mix(hash ^ (uint8_t)*text);
    return hash;
}

/* The hunter itself is broken: whoever looks for the reason needs to know where. */
static void outside_schedule(int number, const siginfo_t *info, uintptr_t pc) {
    dprintf(STDERR_FILENO, "the hunter died: %s outside a schedule, code %d, address %p, at %p%s\n",
            strsignal(number), info->si_code, info->si_addr, (void *)pc,
            hunt.over ? ", while a schedule ended" : "");
    signal(number, SIG_DFL);
    raise(number);
}

__attribute__((noreturn)) static void report(int number, const siginfo_t *info, uintptr_t pc) {
    const char *text = hunt_stderr_text();
    int length = (int)strcspn(text, "\n");
    hunt.finding.pc = pc;
    if (number == SIGABRT)
        hunt_fail(HUNT_CRASH, site_of_text(text), "abort%s%.*s", length != 0 ? ": " : "", length,
                  text);
    hunt.finding.addr = (uintptr_t)info->si_addr;
    hunt_fail(HUNT_CRASH, hunt_mix(pc), "%s at address %p", strsignal(number), info->si_addr);
}

static void on_signal(int number, siginfo_t *info, void *context) {
    if (number == SIGSEGV && info->si_code == SEGV_ACCERR && hunt_pages_touch(info->si_addr))
        return;
    if (hunt.current == NULL || hunt.over)
        outside_schedule(number, info, pc_of(context));
    else
        report(number, info, pc_of(context));
}

void hunt_crash_open(void) {
    static HUNT_STATE char stack[32768]; /* a stack overflow leaves no room on its own */
    struct sigaction action = {.sa_sigaction = on_signal,
                               .sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK};
    sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, NULL);
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        sigaction(signals[i], &action, NULL);
}
