/* SPDX-License-Identifier: MIT */
/**
 * @file invariants.c
 * hakmem-invariants: prints the catalogue of src/base/invariants.def, as
 * docs/INVARIANTS.md or as a list of IDs. CI compares the file with what this
 * prints, so the documentation cannot drift from the checks.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "command/command_line.h"

enum format { FORMAT_MARKDOWN, FORMAT_LIST };

/* --- docs/INVARIANTS.md -------------------------------------------------- */

static const char introduction[] =
    "<!-- SPDX-License-Identifier: MIT -->\n"
    "# The invariants of hakmem\n"
    "\n"
    "This page is printed by `bin/hakmem-invariants` from `src/base/invariants.def`; the reports'\n"
    "texts and the list that `tests/unit/check/` breaks one by one come from the same table. "
    "Change\n"
    "the table, then run `build/checked/bin/hakmem-invariants > docs/INVARIANTS.md`.\n"
    "\n"
    "## Check levels\n"
    "\n"
    "`HAKMEM_CHECK_LEVEL` is a build option; `hak_check_level()` tells it at run time.\n"
    "\n"
    "| level | preset | what is checked |\n"
    "| --- | --- | --- |\n"
    "| 0 | `release` | misuse only: foreign pointers at the call, double frees when a cache is "
    "flushed; none of the checks below is in the library |\n"
    "| 1 | `tsan` | guard bytes, fill and live records of every block; conditions of O(1) in the "
    "allocator; `hak_heap_check()` walks everything when called |\n"
    "| 2 | `checked`, `hunt` | also each module's predicate after every function that changes it "
    "|\n"
    "| 3 | `asan`, `ubsan`, `msan`, `fuzz`, `coverage` | also a walk of the caller's heap on its "
    "slow "
    "paths |\n"
    "\n"
    "## How to read a report\n"
    "\n"
    "A broken invariant ends the process with SIGABRT and a report on stderr, written without "
    "malloc:\n"
    "\n"
    "```text\n"
    "hakmem: invariant GUARD_CANARY broken (check/guard)\n"
    "  equation: bytes from the requested size to the stride == canary\n"
    "  meaning: The program wrote past the end of its block.\n"
    "  check: offset_past_end == length at src/check/guard.c:106\n"
    "  value: (uintptr_t)block = 140356096098304 (0x7fa733400000)\n"
    "  value: requested = 24 (0x18)\n"
    "  value: block_size = 48 (0x30)\n"
    "  value: offset_past_end = 0 (0x0)\n"
    "  value: allocated_by_thread = 26493 (0x677d)\n"
    "  thread 26493, operation free(block 0x7fa733400000, size 0)\n"
    "  backtrace (addr2line -e FILE OFFSET names the lines):\n"
    "    #0  ./program+0xc4ce\n"
    "    #1  ./program+0x5ee5\n"
    "    #2  /lib/x86_64-linux-gnu/libc.so.6+0x27305 __libc_start_main\n"
    "  last events of all threads, newest first (microseconds before the newest):\n"
    "    -0         thread 26493   free                   0x7fa733400000 0\n"
    "    -4         thread 26493   refill                 0x30 8\n"
    "    -32        thread 26493   malloc                 0x0 24\n"
    "```\n"
    "\n"
    "1. The ID names the row below. `check/guard` rows are nearly always the program's mistake; "
    "all\n"
    "   others are the allocator's, or memory of the allocator that was overwritten.\n"
    "2. The values are what the failed condition looked at, under their names in the source.\n"
    "3. The operation is the call in which it was *found*. A write past a block is found when the "
    "block\n"
    "   is freed or resized; a write after free when the block is handed out again.\n"
    "   A second free of a run or mapping names who freed it first, as `freed_by_thread (in free)`, "
    "if\n"
    "   that was not long ago and its address has not been handed out since.\n"
    "4. The events are the last of every thread, merged by time: who had the block before, and "
    "who\n"
    "   freed it. For a block's own history look for its address.\n"
    "\n"
    "Misuse that every build stops has no ID: `hakmem: foreign pointer`, `hakmem: pointer is not "
    "the\n"
    "start of a block` and `hakmem: double free`, each with the block and the call.\n"
    "\n"
    "## The catalogue\n"
    "\n"
    "*When* an equation holds: **step**, whenever no function of the module is running; "
    "**quiescent**,\n"
    "while no other thread is in the allocator; **call**, before or after one call.\n";

/* Cells of a table: a bar would end the cell. */
static void print_cell(const char *text) {
    for (; *text != '\0'; text++) {
        if (*text == '|') {
            putchar('\\');
        }
        putchar(*text);
    }
}

static void print_row(const struct hak_invariant_row *row) {
    printf("| `%s` | %s | `", row->id, row->when);
    print_cell(row->equation);
    printf("` | ");
    print_cell(row->meaning);
    printf(" |\n");
}

/* Rows of a module in a table of their own, in the order of the catalogue. */
static void print_module(const char *module) {
    printf("\n### %s\n\n| ID | when | equation | meaning |\n| --- | --- | --- | --- |\n", module);
    for (size_t i = 0; i < HAK_INV_COUNT; i++) {
        if (strcmp(hak_invariant_rows[i].module, module) == 0) {
            print_row(&hak_invariant_rows[i]);
        }
    }
}

static bool is_first_of_its_module(size_t at) {
    for (size_t i = 0; i < at; i++) {
        if (strcmp(hak_invariant_rows[i].module, hak_invariant_rows[at].module) == 0) {
            return false;
        }
    }
    return true;
}

static void print_markdown(void) {
    fputs(introduction, stdout);
    for (size_t i = 0; i < HAK_INV_COUNT; i++) {
        if (is_first_of_its_module(i)) {
            print_module(hak_invariant_rows[i].module);
        }
    }
}

static void print_list(void) {
    for (size_t i = 0; i < HAK_INV_COUNT; i++) {
        puts(hak_invariant_rows[i].id);
    }
}

/* --- The command line ---------------------------------------------------- */

static const struct argp_option option_list[] = {
    {"markdown", 'm', NULL, 0, "Print docs/INVARIANTS.md (the default)", 0},
    {"list", 'l', NULL, 0, "Print the IDs, one a line", 0},
    {0},
};

static error_t parse_option(int key, char *argument, struct argp_state *state) {
    enum format *format = state->input;
    switch (key) {
    case 'm':
        *format = FORMAT_MARKDOWN;
        return 0;
    case 'l':
        *format = FORMAT_LIST;
        return 0;
    case ARGP_KEY_ARG:
        command_refuse("'%s' is one argument too many; there are only options", argument);
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    .options = option_list,
    .parser = parse_option,
    .doc = "Prints the catalogue of hakmem's invariants.",
};

int main(int argc, char **argv) {
    enum format format = FORMAT_MARKDOWN;
    command_parse("hakmem-invariants", &parser, argc, argv, 0, &format);
    if (format == FORMAT_LIST) {
        print_list();
    } else {
        print_markdown();
    }
    return command_finish(0);
}
