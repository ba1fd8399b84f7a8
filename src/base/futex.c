/* SPDX-License-Identifier: MIT */
/* futex(2), private to the process: see futex.h. Layer 0. */
#include "base/futex.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

void hak_futex_wait(_Atomic uint32_t *word, uint32_t expected) {
    int saved_errno = errno;
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, NULL, NULL, 0);
    errno = saved_errno;
}

void hak_futex_wake(_Atomic uint32_t *word, int count) {
    int saved_errno = errno;
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
    errno = saved_errno;
}
