/* SPDX-License-Identifier: MIT */
/* What the hunter's own tests share. They are plain programs: exit status 0, or 1 with one line for
 * each expectation that failed. */
#ifndef HUNT_TEST_SUPPORT_H
#define HUNT_TEST_SUPPORT_H

#include "report/report.h"

/* The most that a search may take: some fifty times what the slowest needs, and no clock, so that a
 * slow machine finds what a fast one does. */
#define TEST_SCHEDULES 20000u

/* Opens the engine with the executor named on the command line; exits 77 if the CPU cannot. */
void test_open(int argc, char **argv);
int test_close(void); /* main's exit status */

__attribute__((format(printf, 2, 3))) void test_expect(bool condition, const char *format, ...);

const struct hunt_scenario *test_scenario(const char *name);

/* Every schedule within the bounds (255: all); fails the test if they are more than a million. */
/* Also schedules that differ only in the order of independent steps; off at first. */
extern bool test_every_order;
void test_exhaust(const char *name, unsigned preemptions, unsigned stale,
                  struct hunt_result *result);
/* Portfolio, TEST_SCHEDULES at most. */
void test_hunt(const char *name, uint64_t seed, struct hunt_result *result);

#endif
