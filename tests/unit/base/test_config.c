/* SPDX-License-Identifier: MIT */
/* Settings from the environment: what is taken, what is refused and how. */
#include "base/config.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "support/child.h"
#include "support/expect.h"

static const char *const names[] = {"HAKMEM_ADAPTIVE_SIZING", "HAKMEM_ADAPTIVE_LOG",
                                    "HAKMEM_ADAPTIVE_REUSE",  "HAKMEM_PREWARM_TLS",
                                    "HAKMEM_STATS",           "HAKMEM_TLS_CAPACITY"};
enum { NAME_COUNT = sizeof names / sizeof names[0], SWITCH_COUNT = NAME_COUNT - 1 };

static void clear_all(void) {
    for (int i = 0; i < NAME_COUNT; i++) {
        unsetenv(names[i]);
    }
}

static bool switch_value(int i) {
    const bool values[SWITCH_COUNT] = {hak_config.adaptive_sizing, hak_config.adaptive_log,
                                       hak_config.adaptive_reuse, hak_config.prewarm_tls,
                                       hak_config.stats_at_exit};
    return values[i];
}

Test(config, defaults, .init = clear_all) {
    hak_config_read();
    cr_assert(hak_config.adaptive_sizing);
    cr_assert_eq(hak_config.adaptive_log, HAK_CHECK_LEVEL >= 1);
    cr_assert_not(hak_config.adaptive_reuse);
    cr_assert_not(hak_config.stats_at_exit);
    cr_assert_eq(hak_config.fixed_capacity, 64);
}

Test(config, each_switch_takes_0_and_1_and_no_other_changes, .init = clear_all) {
    for (int i = 0; i < SWITCH_COUNT; i++) {
        for (int on = 1; on >= 0; on--) {
            struct hak_config before = hak_config;
            setenv(names[i], on ? "1" : "0", 1);
            hak_config_read();
            expect(switch_value(i) == (on == 1), "%s=%d", names[i], on);
            expect(before.fixed_capacity == hak_config.fixed_capacity, "%s", names[i]);
        }
        unsetenv(names[i]);
    }
}

Test(config, capacity_takes_every_power_of_two, .init = clear_all) {
    for (unsigned n = 16; n <= 2048; n *= 2) {
        char text[16];
        snprintf(text, sizeof text, "%u", n);
        setenv("HAKMEM_TLS_CAPACITY", text, 1);
        hak_config_read();
        expect(hak_config.fixed_capacity == n, "%s gave %u", text, hak_config.fixed_capacity);
    }
}

Test(config, names_that_only_begin_alike_are_not_ours, .init = clear_all) {
    setenv("HAKMEM_STATSX", "nonsense", 1);
    setenv("HAKMEM_STAT", "nonsense", 1);
    hak_config_read();
    cr_assert_not(hak_config.stats_at_exit);
}

Test(config, no_environment_at_all, .init = clear_all) {
    environ = NULL;
    hak_config_read();
    cr_assert_eq(hak_config.fixed_capacity, 64);
}

struct setting {
    const char *name, *value;
};

static void read_setting(void *p) {
    const struct setting *s = p;
    clear_all();
    setenv(s->name, s->value, 1);
    hak_config_read();
}

static void expect_refused(const char *name, const char *value, const char *takes) {
    static struct test_child child;
    struct setting setting = {name, value};
    char line[512];
    test_child_run(&child, read_setting, &setting);
    snprintf(line, sizeof line, "hakmem: %s is '%s'; it takes %s\n", name, value, takes);
    expect(child.exit_code == 2, "%s=%s: exit %d, signal %d", name, value, child.exit_code,
           child.signal);
    expect(strcmp(child.text, line) == 0, "%s=%s said: %s", name, value, child.text);
}

Test(config, bad_switches_end_the_program_with_one_line) {
    static const char *const bad[] = {"", "2", "on", "true", " 1", "1 ", "01", "-1"};
    for (int i = 0; i < SWITCH_COUNT; i++) {
        for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
            expect_refused(names[i], bad[k], "0 or 1");
        }
    }
}

Test(config, bad_capacities_end_the_program_with_one_line) {
    static const char *const bad[] = {"",           "0",
                                      "8",          "15",
                                      "17",         "63",
                                      "4096",       "64x",
                                      "x64",        "-64",
                                      "64.0",       " 64",
                                      "2049",       "99999999999999999999",
                                      "4294967360", "18446744073709551680"};
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
        expect_refused("HAKMEM_TLS_CAPACITY", bad[k], "a power of two from 16 to 2048");
    }
}

Test(config, a_good_value_is_not_refused) {
    static struct test_child child;
    struct setting setting = {"HAKMEM_TLS_CAPACITY", "256"};
    test_child_run(&child, read_setting, &setting);
    cr_assert_eq(child.exit_code, 0);
    cr_assert_str_empty(child.text);
}

Test(config, bad_value_seen_by_criterion, .exit_code = 2) {
    struct setting setting = {"HAKMEM_STATS", "yes"};
    read_setting(&setting);
}
