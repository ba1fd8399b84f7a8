/* SPDX-License-Identifier: MIT */
/* The formatter against the libc's, and its promises about length and errno. */
#include "base/format.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "support/expect.h"
#include "support/random.h"

/* The same directive and value through both. */
#define same_as_libc(format_, ...)                                                                 \
    do {                                                                                           \
        char ours[128], theirs[128];                                                               \
        struct hak_text text;                                                                      \
        hak_text_init(&text, ours, sizeof ours);                                                   \
        hak_text_add(&text, format_, __VA_ARGS__);                                                 \
        snprintf(theirs, sizeof theirs, format_, __VA_ARGS__);                                     \
        expect(strcmp(ours, theirs) == 0, "\"%s\" is \"%s\", not \"%s\"", format_, ours, theirs);  \
        expect(text.length_bytes == strlen(theirs), "\"%s\": length %zu", format_,                 \
               text.length_bytes);                                                                 \
    } while (0)

Test(format, strings_and_characters) {
    same_as_libc("%s", "");
    same_as_libc("<%s>", "text");
    same_as_libc("<%10s|%-10s|%2s>", "right", "left", "long");
    same_as_libc("%c%c%%%s", 'a', '\n', "b");
}

Test(format, null_string_is_named) {
    char buffer[16];
    struct hak_text text;
    const char *volatile none = NULL;
    hak_text_init(&text, buffer, sizeof buffer);
    hak_text_add(&text, "%s", none);
    cr_assert_str_eq(buffer, "(null)");
}

Test(format, numbers_at_their_ends) {
    same_as_libc("%d %d %d %d", 0, -1, INT_MAX, INT_MIN);
    same_as_libc("%ld %ld %ld", 0L, LONG_MAX, LONG_MIN);
    same_as_libc("%zd", (ssize_t)-12);
    same_as_libc("%u %u", 0u, UINT_MAX);
    same_as_libc("%lu %zu", ULONG_MAX, (size_t)SIZE_MAX);
    same_as_libc("%x %lx", UINT_MAX, ULONG_MAX);
    same_as_libc("%p", (void *)&errno);
}

Test(format, widths_and_padding) {
    same_as_libc("<%6u|%-6u|%06u>", 42u, 42u, 42u);
    same_as_libc("<%2u|%-2u|%02u>", 12345u, 12345u, 12345u);
    same_as_libc("<%02x|%016lx>", 0xAu, 0xDEADBEEFul);
    same_as_libc("<%7d|%-7d>", -42, -42);
    same_as_libc("<%30lu|%-30lu>", 7ul, 7ul);
    same_as_libc("<%20p|%-20p>", (void *)&errno, (void *)&errno);
}

Test(format, zero_padding_keeps_the_sign_first) {
    same_as_libc("<%05d|%010ld>", -42, -42L);
}

Test(format, left_wins_over_zero) {
    char buffer[32];
    struct hak_text text;
    hak_text_init(&text, buffer, sizeof buffer);
    hak_text_add(&text, "<%-5u>", 42u);
    cr_assert_str_eq(buffer, "<42   >");
}

Test(format, random_numbers) {
    struct test_random random;
    test_random_init(&random, 4);
    for (int i = 0; i < 20000; i++) {
        uint64_t v = test_random_next(&random) >> test_random_below(&random, 64);
        same_as_libc("%lu %ld %lx %u %d %x", v, (long)v, v, (unsigned)v, (int)v, (unsigned)v);
    }
}

Test(format, cut_off_at_every_capacity_and_always_terminated) {
    char whole[64], buffer[64];
    snprintf(whole, sizeof whole, "pre %8d %s post", -17, "middle");
    for (size_t capacity = 1; capacity < sizeof buffer; capacity++) {
        struct hak_text text;
        memset(buffer, '#', sizeof buffer);
        hak_text_init(&text, buffer, capacity);
        hak_text_add(&text, "pre %8d %s post", -17, "middle");
        size_t kept = strlen(whole) < capacity ? strlen(whole) : capacity - 1;
        expect(text.length_bytes == kept, "capacity %zu: %zu", capacity, text.length_bytes);
        expect(memcmp(buffer, whole, kept) == 0 && buffer[kept] == '\0', "capacity %zu: %s",
               capacity, buffer);
        expect(buffer[capacity] == '#', "capacity %zu was overrun", capacity);
    }
}

Test(format, adding_goes_on_where_it_stopped) {
    char buffer[32];
    struct hak_text text;
    hak_text_init(&text, buffer, sizeof buffer);
    hak_text_add(&text, "a%d", 1);
    hak_text_add(&text, "%s", "b");
    hak_text_add(&text, "c");
    cr_assert_str_eq(buffer, "a1bc");
    cr_assert_eq(text.length_bytes, 4);
}

Test(format, a_line_is_one_write_with_its_newline) {
    int ends[2];
    char got[64] = {0};
    cr_assert_eq(pipe2(ends, O_DIRECT), 0); /* packets: a read returns one write */
    hak_write_line(ends[1], "line %d of %s", 1, "two");
    hak_write_line(ends[1], "second");
    cr_assert_eq(read(ends[0], got, sizeof got - 1), 14);
    cr_assert_str_eq(got, "line 1 of two\n");
}

Test(format, writing_keeps_errno_even_when_it_fails) {
    errno = EXDEV;
    hak_write_line(-1, "nowhere");
    cr_assert_eq(errno, EXDEV);
}

Test(format, a_long_line_is_cut_not_overrun) {
    int ends[2];
    char word[2001], got[2048];
    memset(word, 'w', sizeof word - 1);
    word[sizeof word - 1] = '\0';
    cr_assert_eq(pipe(ends), 0);
    hak_write_line(ends[1], "%s", word);
    ssize_t n = read(ends[0], got, sizeof got);
    cr_assert(n > 0 && n <= 512, "%zd bytes", n);
    cr_assert_eq(got[0], 'w');
}
