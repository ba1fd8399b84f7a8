/* SPDX-License-Identifier: MIT */
/**
 * @file test_failure.c
 * A scenario's failure is told whole, also when threads fail at the same time: a
 * second one must not end the process while the first still tells why.
 */
#include "common/run.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TELLING_MS = 200 };

static struct stress_record *record; /* shared with the child that fails */
static struct stress_run run;

static void create_record(void) {
    record = mmap(NULL, sizeof(*record), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(record, MAP_FAILED);
    run = (struct stress_run){.scenario = "none", .record = record, .is_supervised = true};
}

TestSuite(failure, .init = create_record);

/** The first thread to fail, which is slow to say why. */
static void *tell_slowly(void *message) {
    const struct timespec nap = {0, TELLING_MS * 1000000L};
    nanosleep(&nap, NULL);
    strcpy(record->message, message);
    __atomic_store_n(&record->failure, STRESS_FAILURE_TOLD, __ATOMIC_RELEASE);
    return NULL;
}

static void expect_end(pid_t child, const char *message) {
    int status = 0;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status));
    cr_assert_eq(WEXITSTATUS(status), STRESS_EXIT_FOUND);
    cr_assert_str_eq(record->message, message);
}

Test(failure, is_told) {
    pid_t child = fork();
    if (child == 0) {
        stress_fail(&run, "%s %d", "block", 7);
    }
    expect_end(child, "block 7");
    cr_assert_eq(record->failure, STRESS_FAILURE_TOLD);
}

Test(failure, second_lets_the_first_finish) {
    pid_t child = fork();
    if (child == 0) {
        pthread_t first;
        record->failure = STRESS_FAILURE_BEING_TOLD;
        pthread_create(&first, NULL, tell_slowly, "the first");
        stress_fail(&run, "the second");
    }
    expect_end(child, "the first");
}

/** The first was a child process of the scenario `fork`, killed while it told. */
Test(failure, second_does_not_wait_for_ever) {
    pid_t child = fork();
    if (child == 0) {
        record->failure = STRESS_FAILURE_BEING_TOLD;
        stress_fail(&run, "the second");
    }
    expect_end(child, "");
    cr_assert_eq(record->failure, STRESS_FAILURE_BEING_TOLD);
}
