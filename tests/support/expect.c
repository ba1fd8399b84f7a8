/* SPDX-License-Identifier: MIT */
/* Failed expectations: see expect.h. */
#include "expect.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void expect_failed(const char *file, int line, const char *condition, const char *format, ...) {
    char message[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    cr_assert_fail("%s:%d: %s is false: %s", file, line, condition, message);
    abort(); /* not reached: cr_assert_fail ends the test */
}
