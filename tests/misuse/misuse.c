/* SPDX-License-Identifier: MIT */
/* What all misuse tests demand: see misuse.h. */
#include "misuse/misuse.h"

#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "misuse/outcome.h"

static const char announcement[] = "about to misuse ";

void misuse_announce(const void *block, const char *call) {
    fprintf(stderr, "%s%#lx in %s by %ld\n", announcement, (unsigned long)(uintptr_t)block, call,
            syscall(SYS_gettid));
}

struct facts {
    unsigned long block;
    char call[64];
    long thread;
};

static struct facts read_facts(const struct test_child *child) {
    struct facts facts = {0};
    const char *line = strstr(child->text, announcement);
    cr_assert_not_null(line, "the body announced nothing: " OUTCOME_FORMAT, OUTCOME_VALUES(child));
    int count = sscanf(line + strlen(announcement), "%lx in %63s by %ld", &facts.block, facts.call,
                       &facts.thread);
    cr_assert_eq(count, 3, "%s", line);
    return facts;
}

static void expect_text(const struct test_child *child, const char *text) {
    cr_assert(outcome_said(child, text), "no '%s': " OUTCOME_FORMAT, text, OUTCOME_VALUES(child));
}

/* As a guard's check writes them, and as hak_misuse() does. */
static void expect_facts(const struct test_child *child, const struct facts *facts) {
    char block[256], call[256];
    if (outcome_said(child, "invariant ")) {
        snprintf(block, sizeof block, "value: (uintptr_t)block = %lu (0x%lx)", facts->block,
                 facts->block);
        snprintf(call, sizeof call, "thread %ld, operation %s(", facts->thread, facts->call);
    } else {
        snprintf(block, sizeof block, "\n  block 0x%lx", facts->block);
        snprintf(call, sizeof call, ", found in %s by thread %ld of process", facts->call,
                 facts->thread);
    }
    expect_text(child, block);
    expect_text(child, call);
}

void misuse_expect(void (*body)(void *), void *argument, const char *message) {
    const struct test_child *child = outcome_of(body, argument);
    struct facts facts = read_facts(child);
    cr_assert_eq(child->signal, SIGABRT, OUTCOME_FORMAT, OUTCOME_VALUES(child));
    expect_text(child, message);
    cr_assert_eq(outcome_count(child, "hakmem: "), 1, "one report: " OUTCOME_FORMAT,
                 OUTCOME_VALUES(child));
    expect_facts(child, &facts);
}

void misuse_flush(size_t size_bytes) {
    enum { COUNT = 4096 }; /* the largest cache has 2048 slots */
    static void *blocks[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        blocks[i] = hak_malloc(size_bytes);
    }
    for (size_t i = 0; i < COUNT; i++) {
        hak_free(blocks[i]);
    }
}
