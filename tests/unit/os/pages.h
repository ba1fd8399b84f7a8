/* SPDX-License-Identifier: MIT */
/* What the kernel says of one page. */
#ifndef TESTS_OS_PAGES_H
#define TESTS_OS_PAGES_H

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

#include "base/constants.h"
#include "support/expect.h"

enum { PAGE = HAK_OS_PAGE_SIZE_BYTES };

/* mincore fails with ENOMEM where nothing is mapped. */
static inline bool is_mapped(void *address) {
    unsigned char state;
    return mincore(address, PAGE, &state) == 0;
}

/* True when the page has physical memory; a page that is not mapped fails the test. */
static inline bool is_resident(void *address) {
    unsigned char state = 0;
    expect(mincore(address, PAGE, &state) == 0, "mincore: %s", strerror(errno));
    return (state & 1) != 0;
}

#endif
