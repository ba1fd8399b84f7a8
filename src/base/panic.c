/* SPDX-License-Identifier: MIT */
/* Misuse reports and the way out: see panic.h. Layer 0. */
#include "base/panic.h"

#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/event_ring.h"

/* Its kernel's thread id, or 0. */
static _Atomic uint32_t reporting_thread;

static uint32_t thread_id(void) {
    return (uint32_t)syscall(SYS_gettid);
}

/* Others wait for the end, which this thread would do for ever: what walks its stack for the
 * report allocates, or its own memory is what was overwritten. */
static void wait_for_end(uint32_t reporter) {
    if (reporter == thread_id()) {
        hak_write_line(STDERR_FILENO, "hakmem: failed again while it reported; this is all");
        abort();
    }
    for (;;) {
        pause();
    }
}

void hak_panic_begin(void) {
    uint32_t first = 0;
    /* Only who came first matters, nothing is published: any order would do. */
    if (!hak_cas_acquire(&reporting_thread, &first, thread_id())) {
        wait_for_end(first);
    }
}

void hak_panic_end(void) {
    abort();
}

static const char *const misuse_texts[HAK_MISUSE_COUNT] = {
    [HAK_MISUSE_FOREIGN_POINTER] = "foreign pointer: hakmem did not give it out, or took it back",
    [HAK_MISUSE_INTERIOR_POINTER] = "pointer is not the start of a block",
    [HAK_MISUSE_DOUBLE_FREE] = "double free: the block is free already",
};

void hak_misuse(enum hak_misuse what, const void *block, size_t class_stride_bytes,
                const char *call) {
    char buffer[512];
    struct hak_text text;
    hak_panic_begin();
    hak_text_init(&text, buffer, sizeof buffer);
    hak_text_add(&text, "hakmem: %s\n  block %p", misuse_texts[what], block);
    if (class_stride_bytes != 0) {
        hak_text_add(&text, " of the class of %zu bytes", class_stride_bytes);
    }
    hak_text_add(&text, ", found in %s by thread %ld of process %d\n", call,
                 syscall(SYS_gettid), (int)getpid());
    hak_text_write(&text, STDERR_FILENO);
    hak_report_context(STDERR_FILENO);
    hak_panic_end();
}

void hak_bad_setting(const char *name, const char *value, const char *takes) {
    hak_write_line(STDERR_FILENO, "hakmem: %s is '%s'; it takes %s", name, value, takes);
    _exit(2);
}
