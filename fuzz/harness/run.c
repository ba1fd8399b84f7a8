/* SPDX-License-Identifier: MIT */
/* Running one input and reporting what it was when it fails. State is static:
 * one program runs at a time, its threads in sequence. */
#include "run.h"

#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rng.h"

struct hak_fuzz_mode hak_fuzz_mode = {.is_whole = true, .on_failure = abort};
uint64_t hak_fuzz_outcome_counts[HAK_FUZZ_OUTCOME_MAX];

static struct hak_fuzz_op ops[HAK_FUZZ_OP_MAX];
static size_t op_count;
static size_t next_op;    /* the first not yet begun */
static size_t current_op; /* the one begun last */
static bool is_running;
static unsigned walk_number;
enum { WHOLE_EVERY = 64 };

static void write_line(int fd, const char *text) {
    if (write(fd, text, strlen(text)) < 0) {
        _exit(2); /* nobody can be told */
    }
}

void hak_fuzz_print_program(int fd, const struct hak_fuzz_op *list, size_t count, size_t failed) {
    for (size_t i = 0; i < count; i++) {
        char op[200];
        char line[240];
        hak_fuzz_format(op, sizeof op, &list[i]);
        snprintf(line, sizeof line, "%s %2zu  %s\n", i == failed ? "-->" : "   ", i, op);
        write_line(fd, line);
    }
}

void hak_fuzz_report_current(const char *reason) {
    if (!is_running) {
        return;
    }
    is_running = false; /* once: a failure may end in a signal that reports too */
    char line[400];
    bool at_end = current_op == op_count;
    snprintf(line, sizeof line, "fuzz_%s: %s at %s %zu of %zu; the program so far:\n",
             hak_fuzz_target.name, reason, at_end ? "the end," : "operation", current_op, op_count);
    write_line(STDERR_FILENO, line);
    size_t shown = at_end ? op_count : current_op + 1;
    hak_fuzz_print_program(STDERR_FILENO, ops, shown, at_end ? SIZE_MAX : current_op);
}

void hak_fuzz_fail(const char *format, ...) {
    char message[600];
    char line[700];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    snprintf(line, sizeof line, "fuzz_%s: MODEL: %s\n", hak_fuzz_target.name, message);
    write_line(STDERR_FILENO, line);
    hak_fuzz_report_current("the model disagreed");
    hak_fuzz_mode.on_failure();
    abort(); /* not reached */
}

void hak_fuzz_tally(size_t outcome) {
    hak_fuzz_outcome_counts[outcome]++;
}

size_t hak_fuzz_op_index(void) {
    return current_op;
}

unsigned hak_fuzz_walk_number(void) {
    return walk_number++;
}

bool hak_fuzz_is_thorough(void) {
    return hak_fuzz_mode.thorough;
}

bool hak_fuzz_is_fuzzing(void) {
    return hak_fuzz_mode.is_fuzzing;
}

static void print_before(const struct hak_fuzz_op *op) {
    char text[200];
    char line[240];
    hak_fuzz_format(text, sizeof text, op);
    snprintf(line, sizeof line, "[%zu] %s\n", current_op, text);
    write_line(STDERR_FILENO, line);
}

bool hak_fuzz_step(void) {
    if (next_op >= op_count) {
        return false;
    }
    current_op = next_op++;
    const struct hak_fuzz_op *op = &ops[current_op];
    if (hak_fuzz_mode.print) {
        print_before(op);
    }
    hak_fuzz_target.kinds[op->kind].apply(op);
    if (hak_fuzz_mode.thorough && hak_fuzz_target.verify != NULL) {
        hak_fuzz_target.verify();
    }
    return true;
}

/* From the input alone, so that it does the same wherever it runs. */
static bool is_chosen(const uint8_t *data, size_t size_bytes) {
    uint64_t sum = size_bytes;
    for (size_t i = 0; i < size_bytes; i += HAK_FUZZ_OP_BYTES) {
        sum = hak_fuzz_mix(sum + data[i]);
    }
    return sum % WHOLE_EVERY == 0;
}

size_t hak_fuzz_run(const uint8_t *data, size_t size_bytes) {
    op_count = hak_fuzz_decode(data, size_bytes, ops);
    hak_fuzz_mode.is_whole =
        !hak_fuzz_mode.is_fuzzing || hak_fuzz_mode.thorough || is_chosen(data, size_bytes);
    next_op = 0;
    current_op = 0;
    walk_number = (unsigned)op_count; /* not the same walks for all */
    is_running = true;
    hak_fuzz_target.begin();
    while (hak_fuzz_step()) {
    }
    current_op = op_count;
    hak_fuzz_target.end();
    is_running = false;
    return op_count;
}
