/* SPDX-License-Identifier: MIT */
/* The allocator's settings from the environment, against docs and config.h: a
 * variable that is set takes effect, the first of two counts, and what cannot be
 * used is named, by the call that ends the program in one line and status 2. */
#include <setjmp.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/config.h"
#include "base/panic.h"
#include "base/start_stderr.h"
#include "harness/target.h"
#include "ops.h"

enum { VARIABLE_MAX = 16, CAPACITY = CLI_SWITCH_COUNT };

/* In the order in which they are read; the last three are not ours. */
static const char *const names[CLI_NAME_COUNT] = {
    "HAKMEM_ADAPTIVE_SIZING",
    "HAKMEM_ADAPTIVE_LOG",
    "HAKMEM_ADAPTIVE_REUSE",
    "HAKMEM_PREWARM_TLS",
    "HAKMEM_STATS",
    "HAKMEM_TLS_CAPACITY",
    "HAKMEM_STATSX",
    "HAKMEM",
    "PATH",
};

static char texts[VARIABLE_MAX][CLI_TEXT_BYTES + 32];
static size_t name_of[VARIABLE_MAX];
static char *variables[VARIABLE_MAX + 1];
static size_t variable_count;
static struct hak_config config_before;
static sigjmp_buf refused_at;
static const char *refused_name, *refused_value;

__typeof__(hak_bad_setting) __real_hak_bad_setting, __wrap_hak_bad_setting;

/* The real one prints and exits; cli_run_program() sees it do that. */
void __wrap_hak_bad_setting(const char *name, const char *value, const char *takes) {
    (void)takes;
    refused_name = name;
    refused_value = value;
    siglongjmp(refused_at, 1);
}

void cli_variable(size_t name, size_t form, size_t number) {
    char text[CLI_TEXT_BYTES];
    if (variable_count == VARIABLE_MAX) {
        return;
    }
    cli_make_text(text, form, number);
    char *variable = texts[variable_count];
    strcpy(variable, names[name]);
    strcat(variable, "=");
    strcat(variable, text);
    name_of[variable_count] = name;
    variables[variable_count++] = variable;
    variables[variable_count] = NULL;
}

static const char *value_of(size_t name) {
    const char *first = NULL;
    for (size_t i = variable_count; i > 0; i--) {
        if (name_of[i - 1] == name) {
            if (first != NULL) {
                hak_fuzz_tally(OUTCOME_first_counts);
            }
            first = texts[i - 1] + strlen(names[name]) + 1;
        }
    }
    return first;
}

static bool is_good(size_t name, const char *value, uint64_t *number) {
    if (name < CLI_SWITCH_COUNT) {
        *number = value[0] == '1';
        return (value[0] == '0' || value[0] == '1') && value[1] == '\0';
    }
    return cli_is_number(value, number) && *number >= 16 && *number <= 2048 &&
           (*number & (*number - 1)) == 0;
}

static void expect_value(size_t name, uint64_t found, uint64_t unset) {
    uint64_t number = unset;
    const char *value = value_of(name);
    bool good = value == NULL || is_good(name, value, &number);
    if (!good) {
        hak_fuzz_fail("%s: '%.60s' was taken, as %llu", names[name], value,
                      (unsigned long long)found);
    }
    if (found != number) {
        hak_fuzz_fail("%s: '%.60s' was read as %llu", names[name], value == NULL ? "" : value,
                      (unsigned long long)found);
    }
    if (value != NULL && name == CAPACITY) {
        hak_fuzz_tally(OUTCOME_capacity_read);
    }
}

static void judge_settings(void) {
    expect_value(0, hak_config.adaptive_sizing, config_before.adaptive_sizing);
    expect_value(1, hak_config.adaptive_log, config_before.adaptive_log);
    expect_value(2, hak_config.adaptive_reuse, config_before.adaptive_reuse);
    expect_value(3, hak_config.prewarm_tls, config_before.prewarm_tls);
    expect_value(4, hak_config.stats_at_exit, config_before.stats_at_exit);
    expect_value(CAPACITY, hak_config.fixed_capacity, config_before.fixed_capacity);
    if (hak_config.stats_at_exit && hak_config.stats_fd < 0) {
        hak_fuzz_fail("HAKMEM_STATS: on, and nowhere to write to");
    }
    hak_fuzz_tally(variable_count > 0 ? OUTCOME_settings_read : OUTCOME_settings_defaults);
}

/* The first bad one, in the order of reading, is the one to name. */
static void judge_refusal(void) {
    for (size_t name = 0; name <= CAPACITY; name++) {
        uint64_t number;
        const char *value = value_of(name);
        if (value == NULL || is_good(name, value, &number)) {
            continue;
        }
        if (strcmp(refused_name, names[name]) != 0 || refused_value != value) {
            hak_fuzz_fail("%s: '%.60s' is wrong, and %s was named", names[name], value,
                          refused_name);
        }
        hak_fuzz_tally(name == CAPACITY ? OUTCOME_capacity_refused : OUTCOME_switch_refused);
        return;
    }
    hak_fuzz_fail("%s: '%.60s' was refused, and is right", refused_name, refused_value);
}

void cli_read_settings(void) {
    char **kept = environ;
    hak_config = config_before;
    hak_config.stats_fd = -1;
    refused_name = NULL;
    hak_start_stderr_note(); /* as at start, and descriptor 2 may be another by now */
    if (sigsetjmp(refused_at, 0) == 0) {
        environ = variable_count > 0 ? variables : NULL;
        hak_config_read();
    }
    environ = kept;
    if (refused_name == NULL) {
        judge_settings();
    } else {
        judge_refusal();
    }
    if (hak_config.stats_fd >= 0) {
        close(hak_config.stats_fd);
    }
    hak_config = config_before;
    variable_count = 0;
}

void cli_settings_begin(void) {
    variable_count = 0;
    config_before = hak_config;
}

void cli_settings_end(void) {
    hak_config = config_before;
}
