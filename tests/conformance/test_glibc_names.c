/* SPDX-License-Identifier: MIT */
/* glibc's names beyond the family: mallopt(), mallinfo(), malloc_stats(), malloc_info(),
 * __libc_malloc() and its relatives. On the drop-in libraries, shared and static, and on
 * glibc; they have no prefixed form. */
#include "family.h"
#include "support.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void __libc_free(void *block);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void *__libc_valloc(size_t size);
void *__libc_pvalloc(size_t size);

/* --- mallopt -------------------------------------------------------------- */

CASE(mallopt, takes_what_its_manual_names) {
    static const int parameters[] = {M_MXFAST,    M_TRIM_THRESHOLD, M_TOP_PAD,
                                     M_MMAP_MAX,  M_MMAP_THRESHOLD, M_CHECK_ACTION,
                                     M_ARENA_MAX, M_ARENA_TEST};
    for (size_t i = 0; i < sizeof parameters / sizeof parameters[0]; i++) {
        int result = mallopt(parameters[i], 64);
        REQUIRE(result == 1, "mallopt(%d, 64) returned %d", parameters[i], result);
    }
    void *block = malloc(100000);
    require_block(block, 100000, "malloc after mallopt");
    free(block);
}

/* The manual's; glibc 2.36 gives 1. */
CASE(mallopt, refuses_the_rest) {
    static const int parameters[] = {0, 5, -9, INT_MAX, INT_MIN};
    for (size_t i = 0; i < sizeof parameters / sizeof parameters[0] && !family_is_glibc; i++) {
        int result = mallopt(parameters[i], 1);
        REQUIRE(result == 0, "mallopt(%d, 1) returned %d", parameters[i], result);
    }
}

/* --- mallinfo -------------------------------------------------------------- */

/* glibc's mallinfo is deprecated, which is a warning where it is called. */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

CASE(mallinfo, follows_mallinfo2) {
    void *small = malloc(5000), *large = malloc(64 * MIB);
    struct mallinfo narrow = mallinfo();
    struct mallinfo2 wide = mallinfo2();
    REQUIRE((size_t)narrow.uordblks == wide.uordblks, "uordblks %d and %zu", narrow.uordblks,
            wide.uordblks);
    REQUIRE((size_t)narrow.fordblks == wide.fordblks, "fordblks %d and %zu", narrow.fordblks,
            wide.fordblks);
    REQUIRE((size_t)narrow.arena == wide.arena, "arena %d and %zu", narrow.arena, wide.arena);
    REQUIRE((size_t)narrow.hblks == wide.hblks, "hblks %d and %zu", narrow.hblks, wide.hblks);
    REQUIRE((size_t)narrow.hblkhd == wide.hblkhd && narrow.hblkhd >= (int)(64 * MIB),
            "hblkhd %d and %zu", narrow.hblkhd, wide.hblkhd);
    free(small);
    free(large);
}

/* glibc's wraps around. */
CASE(mallinfo, stops_at_the_largest_int) {
    void *large = malloc((size_t)3 << 30);
    require_block(large, (size_t)3 << 30, "malloc");
    struct mallinfo info = mallinfo();
    REQUIRE(info.hblkhd == INT_MAX || family_is_glibc, "3 GiB in use, hblkhd is %d", info.hblkhd);
    free(large);
}

/* --- malloc_stats, malloc_info ---------------------------------------------- */

static char text[16384];

static void read_back(int fd) {
    ssize_t length = pread(fd, text, sizeof text - 1, 0);
    REQUIRE(length > 0, "nothing was written");
    text[length] = '\0';
}

CASE(malloc_stats, writes_to_stderr) {
    FILE *file = tmpfile();
    int saved = dup(STDERR_FILENO);
    dup2(fileno(file), STDERR_FILENO);
    void *block = malloc(64 * MIB);
    malloc_stats();
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    read_back(fileno(file));
    REQUIRE(strstr(text, family_is_glibc ? "in use bytes" : "mappings    1 live") != NULL,
            "it wrote: %s", text);
    free(block);
    fclose(file);
}

CASE(malloc_info, writes_xml_with_the_mappings_in_use) {
    FILE *file = tmpfile();
    unsigned count = 0;
    size_t size_bytes = 0;
    void *block = malloc(64 * MIB);
    int result = malloc_info(0, file);
    REQUIRE(result == 0 && fflush(file) == 0, "malloc_info returned %d", result);
    read_back(fileno(file));
    const char *total = strstr(text, "<total type=\"mmap\"");
    REQUIRE(strncmp(text, "<malloc version=\"1\">\n", 21) == 0 &&
                strstr(text, "\n</malloc>\n") != NULL && total != NULL,
            "it wrote: %s", text);
    REQUIRE(sscanf(total, "<total type=\"mmap\" count=\"%u\" size=\"%zu\"/>", &count,
                   &size_bytes) == 2 &&
                count >= 1 && size_bytes >= 64 * MIB,
            "64 MiB in a mapping; it wrote: %s", total);
    free(block);
    fclose(file);
}

CASE(malloc_info, takes_no_options) {
    int result = malloc_info(1, stderr);
    REQUIRE(result == EINVAL, "malloc_info(1, ...) returned %d", result);
}

/* --- __libc_malloc ----------------------------------------------------------- */

/* One heap under both names: each takes the other's blocks. */
CASE(libc_names, share_the_heap) {
    for (size_t i = 0; i < boundary_size_count; i++) {
        size_t size_bytes = boundary_sizes[i];
        void *blocks[] = {__libc_malloc(size_bytes), __libc_calloc(1, size_bytes),
                          __libc_realloc(malloc(10), size_bytes + 1),
                          __libc_memalign(256, size_bytes), __libc_valloc(size_bytes),
                          __libc_pvalloc(size_bytes)};
        for (size_t n = 0; n < sizeof blocks / sizeof blocks[0]; n++) {
            require_block(blocks[n], size_bytes, "a __libc_ name");
            REQUIRE(malloc_usable_size(blocks[n]) >= size_bytes, "usable size %zu of %zu",
                    malloc_usable_size(blocks[n]), size_bytes);
            fill_block(blocks[n], size_bytes, n);
            blocks[n] = realloc(blocks[n], size_bytes + 100);
            require_contents(blocks[n], size_bytes, n, "realloc");
            free(blocks[n]);
        }
        __libc_free(malloc(size_bytes));
    }
    require_aligned(__libc_memalign(4096, 10), 4096, 10);
    require_aligned(__libc_valloc(10), 4096, 10);
}
