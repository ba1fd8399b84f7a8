/* SPDX-License-Identifier: MIT */
/* An operating system that fails on demand: replaces the functions of
 * src/os/os_memory.h at link time (OS_FAULTS in hak_add_unit_test). Until told
 * otherwise it only counts, passes on, and ends the test when address space goes back
 * that the region map still knows. Thread safe. */
#ifndef TEST_SUPPORT_OS_FAULT_H
#define TEST_SUPPORT_OS_FAULT_H

#include <stddef.h>
#include <stdint.h>

/* Which calls can fail; a bit each. */
enum test_os_call {
    TEST_OS_RESERVE = 1,
    TEST_OS_RESERVE_SPARSE = 2,
    TEST_OS_RESIZE = 4,
    TEST_OS_MOVE = 8,
    TEST_OS_GRAFT = 16,     /* moves the first 2 MiB of several, and nothing of less */
    TEST_OS_CAN_GRAFT = 32, /* an old kernel */
    TEST_OS_ALL = 63,
};

/* From now on the n-th call of those in `calls` fails (1: the next), and with
 * it all that follow when `forever`, else only that one. */
void test_os_fail_at(uint32_t calls, uint64_t n, int forever);

/* Nothing fails any more. */
void test_os_recover(void);

/* Calls made fail since the last test_os_fail_at(). */
uint64_t test_os_failed_count(void);

/* Since the process started: address space reserved minus released (resizing and
 * moving count), bytes purged, and by how many calls. */
int64_t test_os_held_bytes(void);
uint64_t test_os_purged_bytes(void);
uint64_t test_os_purge_call_count(void);

#endif
