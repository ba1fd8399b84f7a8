/* SPDX-License-Identifier: MIT */
/* A step in words. */
#include "event_text.h"
#include "symbols.h"

#include <stdio.h>
#include <string.h>

const char *hunt_kind_text(unsigned kind) {
    static const char *const names[] = {
        "start",   "exit",   "spawn", "join", "load", "store", "rmw",   "cas",  "fence", "lock",
        "trylock", "unlock", "wait",  "wake", "os",   "relax", "point", "read", "write", "choose"};
    return kind < sizeof names / sizeof names[0] ? names[kind] : "?";
}

static const char *order_text(unsigned order) {
    static const char *const names[] = {"relaxed", "consume", "acquire",
                                        "release", "acq_rel", "seq_cst"};
    return order < sizeof names / sizeof names[0] ? names[order] : "?";
}

/* Small numbers as numbers; what looks like an address by name. */
static void value_text(uint64_t value, char *text, size_t text_bytes) {
    if (value >= 0x100000000u && value < 0x7fffffffffffu)
        hunt_symbols_data((uintptr_t)value, text, text_bytes);
    else if (value < 100000)
        snprintf(text, text_bytes, "%llu", (unsigned long long)value);
    else if ((int64_t)value < 0 && (int64_t)value > -100000)
        snprintf(text, text_bytes, "%lld", (long long)value);
    else
        snprintf(text, text_bytes, "0x%llx", (unsigned long long)value);
}

static void atomic_text(const struct hunt_row *row, const char *where, char *text,
                        size_t text_bytes) {
    char value[48] = "", before[48] = "", stale[24] = "";
    value_text(row->value, value, sizeof value);
    value_text(row->value_before, before, sizeof before);
    if (row->stale != 0)
        snprintf(stale, sizeof stale, " (stale by %u)", row->stale);
    const char *order = order_text(row->event.order), *kind = hunt_kind_text(row->event.kind);
    if (row->failed)
        snprintf(text, text_bytes, "%s %s fails: is %s", kind, where, before);
    else if (row->has_before)
        snprintf(text, text_bytes, "%s %s %s>%s %s", kind, where, before, value, order);
    else
        snprintf(text, text_bytes, "%s %s = %s %s%s", kind, where, value, order, stale);
}

void hunt_row_text(const struct hunt_row *row, char *text, size_t text_bytes) {
    char where[64] = "";
    const struct hunt_event *event = &row->event;
    const char *kind = hunt_kind_text(event->kind);
    if (event->addr != 0)
        hunt_symbols_data(event->addr, where, sizeof where);
    switch (event->kind) {
    case HUNT_OP_LOAD:
    case HUNT_OP_STORE:
    case HUNT_OP_RMW:
    case HUNT_OP_CAS:
        atomic_text(row, where, text, text_bytes);
        break;
    case HUNT_OP_FENCE:
        snprintf(text, text_bytes, "fence %s", order_text(event->order));
        break;
    case HUNT_OP_READ:
    case HUNT_OP_WRITE:
        snprintf(text, text_bytes, "plain %s %s, %u bytes", kind, where, event->size);
        break;
    case HUNT_OP_OS:
    case HUNT_OP_POINT:
    case HUNT_OP_RELAX:
        snprintf(text, text_bytes, "%s %s%s", event->name != NULL ? event->name : kind, where,
                 row->failed ? " fails" : "");
        break;
    default:
        snprintf(text, text_bytes, "%s%s %s%s", kind, event->shared ? " shared" : "", where,
                 row->failed ? " fails" : "");
    }
}
