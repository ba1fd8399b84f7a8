/* SPDX-License-Identifier: MIT */
/* The rows of a traced schedule. Tracing is for replays; a hunt runs without it. */
#include "engine.h"

#define ROWS_MAX 65536u

static HUNT_STATE struct hunt_row spare;

struct hunt_row *hunt_trace_add(const struct hunt_event *event) {
    if (hunt.rows == NULL) {
        hunt.rows = hunt_os_reserve_state(ROWS_MAX * sizeof *hunt.rows);
        hunt.row_capacity = hunt.rows != NULL ? ROWS_MAX : 0;
    }
    if (hunt.row_count >= hunt.row_capacity)
        return &spare;
    struct hunt_row *row = &hunt.rows[hunt.row_count++];
    *row = (struct hunt_row){.thread = hunt.current->id, .event = *event};
    return row;
}

/* Other threads' rows cannot come between: a thread adds to its row before it gives up the baton.
 */
struct hunt_row *hunt_trace_last(void) {
    return hunt.row_count != 0 && hunt.row_count < hunt.row_capacity
               ? &hunt.rows[hunt.row_count - 1]
               : &spare;
}

bool hunt_event_conflicts(const struct hunt_event *a, const struct hunt_event *b) {
    if (a->addr == 0 || a->addr >> 3 != b->addr >> 3)
        return false;
    bool a_reads = a->kind == HUNT_OP_LOAD || a->kind == HUNT_OP_READ;
    bool b_reads = b->kind == HUNT_OP_LOAD || b->kind == HUNT_OP_READ;
    return !(a_reads && b_reads);
}
