/* SPDX-License-Identifier: MIT */
/* Processes that an operation starts; see child.h. */
#include "child.h"

#include <errno.h>
#include <sys/wait.h>

#include "target.h"

int hak_fuzz_wait(pid_t child) {
    int status = -1;
    while (waitpid(child, &status, 0) != child) {
        if (errno != EINTR) {
            hak_fuzz_fail("waitpid failed with errno %d", errno);
        }
    }
    return status;
}
