/* SPDX-License-Identifier: MIT */
/* expect(condition, format, ...): ends the Criterion test when the condition is
 * false, with the condition and the values. Costs a branch when it holds, so it
 * may stand in a loop of millions. Main thread of a test only: threads count
 * what they find wrong, and the test looks at the count. */
#ifndef TEST_SUPPORT_EXPECT_H
#define TEST_SUPPORT_EXPECT_H

#define expect(condition_, ...)                                                                    \
    do {                                                                                           \
        if (!(condition_)) {                                                                       \
            expect_failed(__FILE__, __LINE__, #condition_, __VA_ARGS__);                           \
        }                                                                                          \
    } while (0)

__attribute__((noreturn, format(printf, 4, 5))) void
expect_failed(const char *file, int line, const char *condition, const char *format, ...);

#endif
