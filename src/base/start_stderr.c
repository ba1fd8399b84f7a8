/* SPDX-License-Identifier: MIT */
/* Which file standard error was: see start_stderr.h. Layer 0. */
#include "base/start_stderr.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/format.h"

/* Every field: const, written before the first thread starts. */
static struct {
    bool is_open;
    dev_t device;
    ino_t number;
} start_stderr;

static bool read_status(int fd, struct stat *status) {
    int saved_errno = errno;
    int result = fstat(fd, status);
    errno = saved_errno;
    return result == 0;
}

void hak_start_stderr_note(void) {
    struct stat status;
    start_stderr.is_open = read_status(STDERR_FILENO, &status);
    if (start_stderr.is_open) {
        start_stderr.device = status.st_dev;
        start_stderr.number = status.st_ino;
    }
}

bool hak_is_start_stderr(int fd) {
    struct stat status;
    return start_stderr.is_open && read_status(fd, &status) &&
           status.st_dev == start_stderr.device && status.st_ino == start_stderr.number;
}

int hak_start_stderr_copy(int first) {
    return hak_is_start_stderr(STDERR_FILENO) ? fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, first) : -1;
}

int hak_start_stderr_find(int copy) {
    int fd = hak_is_start_stderr(copy) ? copy : STDERR_FILENO;
    return hak_is_start_stderr(fd) ? fd : -1;
}

void hak_log_line(const char *format, ...) {
    char buffer[512];
    struct hak_text text;
    va_list arguments;
    if (!hak_is_start_stderr(STDERR_FILENO)) {
        return;
    }
    hak_text_init(&text, buffer, sizeof buffer);
    va_start(arguments, format);
    hak_text_add_va(&text, format, arguments);
    va_end(arguments);
    hak_text_add(&text, "\n");
    hak_text_write(&text, STDERR_FILENO);
}
