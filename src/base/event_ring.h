/* SPDX-License-Identifier: MIT */
/* What each thread did last, for the report of a failure. Layer 0.
 *
 * Checked builds record every operation of the family and every slow path in
 * a ring per thread. Recording is a few plain stores into memory of the
 * thread's own; a report merges all rings by time. In release builds the calls
 * compile to nothing. */
#ifndef HAK_BASE_EVENT_RING_H
#define HAK_BASE_EVENT_RING_H

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"

enum { HAK_EVENT_RING_LENGTH = 64, HAK_EVENT_RING_COUNT = 256 };

/* Appends to the calling thread's ring: what was done (a string that lives
 * forever), to which address, with which number (bytes, slots, ...). */
void hak_event_record(const char *what, const void *address, uint64_t number);

/* The family's function that this thread is in, for reports. */
void hak_operation_enter(const char *call, const void *block, size_t size_bytes);

/* Gives the calling thread's ring to the next new thread. Its events stay
 * readable until that thread overwrites them. */
void hak_event_ring_release(void);

/* Writes the thread, its operation, a backtrace and the merged rings. */
void hak_report_context_checked(int fd);

#if HAK_CHECK_LEVEL >= 1
#define hak_event(what_, address_, number_) hak_event_record((what_), (address_), (number_))
#define hak_operation(call_, block_, size_) hak_operation_enter((call_), (block_), (size_))
#define hak_report_context(fd_) hak_report_context_checked(fd_)
#define hak_event_ring_end() hak_event_ring_release()
#else
/* Not evaluated, but used: a variable may exist for its event alone. */
#define hak_event(what_, address_, number_) ((void)sizeof(address_), (void)sizeof(number_))
#define hak_operation(call_, block_, size_) ((void)0)
#define hak_report_context(fd_) ((void)0)
#define hak_event_ring_end() ((void)0)
#endif

#endif
