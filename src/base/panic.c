/* SPDX-License-Identifier: MIT */
/* Misuse reports and the way out: see panic.h. Layer 0. */
#include "base/panic.h"

#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/event_ring.h"

static _Atomic uint32_t panicking;

void hak_panic_begin(void) {
    /* Relaxed: only who came first matters, nothing is published. */
    if (hak_exchange_relaxed(&panicking, 1u) != 0) {
        for (;;) {
            pause();
        }
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
