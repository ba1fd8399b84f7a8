/* SPDX-License-Identifier: MIT */
/* The memory half of the OS contract where the kernel has no more areas: with a munmap()
 * that says so, and, where that limit can be reached, with the kernel's own. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/constants.h"
#include "os/os_memory.h"
#include "unit/os/pages.h"

static bool refuses;

int __real_munmap(void *address, size_t size_bytes);
int __wrap_munmap(void *address, size_t size_bytes);
int __wrap_munmap(void *address, size_t size_bytes) {
    if (refuses) {
        errno = ENOMEM;
        return -1;
    }
    return __real_munmap(address, size_bytes);
}

/* Its memory goes back, and it still counts as ours, because it is. */
Test(os_area_limit, release_gives_memory_back_where_munmap_is_refused) {
    size_t size = HAK_MIB;
    char *p = hak_os_reserve(size, HAK_MIB);
    cr_assert_not_null(p);
    memset(p, 1, size);
    size_t reserved = hak_os_reserved_bytes();

    refuses = true;
    errno = EDOM;
    hak_os_release(p, size);
    int errno_after = errno;
    refuses = false;

    cr_expect_eq(errno_after, EDOM);
    cr_expect(is_mapped(p), "it was unmapped, so this tests nothing");
    cr_expect(!is_resident(p) && !is_resident(p + size - PAGE), "memory stays");
    cr_expect_eq(hak_os_reserved_bytes(), reserved);
    hak_os_release(p, size);
    cr_expect(!is_mapped(p));
}

/* --- The kernel's own limit ------------------------------------------------------ */

enum { LIMIT_MAX = 1 << 17 };

static size_t limit_of_areas(void) {
    size_t limit = 0;
    FILE *file = fopen("/proc/sys/vm/max_map_count", "r");
    if (file != NULL) {
        cr_assert_eq(fscanf(file, "%zu", &limit), 1);
        fclose(file);
    }
    return limit;
}

/* Every other page may be read, so each is an area of its own, until there can be no more. */
static bool split_to_the_limit(char *pages, size_t page_count) {
    for (size_t i = 0; i < page_count; i += 2) {
        if (mprotect(pages + i * PAGE, PAGE, PROT_READ) != 0) {
            return errno == ENOMEM;
        }
    }
    return false;
}

/* The middle of an area cannot be unmapped there. */
Test(os_area_limit, release_gives_memory_back_at_the_limit_itself) {
    size_t limit = limit_of_areas(), page_count = 2 * limit + 2, size = 3 * HAK_MIB;
    if (limit == 0 || limit > LIMIT_MAX) {
        cr_skip_test("vm.max_map_count is unknown or too high to be reached");
    }
    char *p = hak_os_reserve(size, HAK_MIB), *middle = p + HAK_MIB;
    char *pages = mmap(NULL, page_count * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert(p != NULL && pages != MAP_FAILED);
    memset(p, 1, size);
    size_t reserved = hak_os_reserved_bytes();

    bool is_at_limit = split_to_the_limit(pages, page_count);
    errno = EDOM;
    hak_os_release(middle, HAK_MIB);
    int errno_after = errno;
    munmap(pages, page_count * PAGE); /* before anything that may allocate */

    cr_assert(is_at_limit, "%zu pages were not enough for the limit", page_count);
    cr_expect_eq(errno_after, EDOM);
    cr_expect(is_mapped(middle), "it was unmapped, so this tests nothing");
    cr_expect(!is_resident(middle) && !is_resident(middle + HAK_MIB - PAGE), "memory stays");
    cr_expect_eq(hak_os_reserved_bytes(), reserved);
    cr_expect(p[0] == 1 && p[size - 1] == 1, "what is beside it is gone");
    hak_os_release(p, size);
}
