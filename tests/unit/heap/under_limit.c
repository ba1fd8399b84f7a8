/* SPDX-License-Identifier: MIT */
/* Large blocks in little address space (ulimit -v, ulimit -d), which the caller sets. A
 * plain main: the limit must be there before the allocator starts.
 *   under_limit FIRST SECOND   mebibytes: allocates, writes and frees FIRST, if any; then
 *                              SECOND must be had, though it is not touched */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hakmem.h"

static int fail(const char *which, size_t mib) {
    fprintf(stderr, "under_limit: no memory for the %s block, of %zu MiB\n", which, mib);
    return 1;
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fputs("under_limit: give two numbers of mebibytes\n", stderr);
        return 2;
    }
    size_t first = strtoul(argv[1], NULL, 10), second = strtoul(argv[2], NULL, 10);
    char *block = first != 0 ? hak_malloc(first << 20) : NULL;
    if (first != 0 && block == NULL) {
        return fail("first", first);
    }
    if (first != 0) {
        memset(block, 1, first << 20);
    }
    hak_free(block);
    block = hak_malloc(second << 20);
    if (block == NULL) {
        return fail("second", second);
    }
    hak_free(block);
    return 0;
}
