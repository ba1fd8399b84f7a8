/* SPDX-License-Identifier: MIT */
/* The finding in words, and the interleaving as a table. */
#include "event_text.h"
#include "report.h"
#include "symbols.h"

#include <stdlib.h>
#include <string.h>

#define ROWS_SHOWN 400u /* of a longer schedule, the last ones */

static void report_waits(FILE *out, const struct hunt_finding *finding) {
    for (uint32_t i = 0; i < finding->wait_count; i++) {
        const struct hunt_wait_for *wait = &finding->waits[i];
        char where[64] = "nothing";
        if (wait->addr != 0)
            hunt_symbols_data(wait->addr, where, sizeof where);
        fprintf(out, "  T%u: %s %s at %s", wait->thread, hunt_kind_text(wait->kind), where,
                hunt_symbols_line(wait->pc));
        if (wait->holder == wait->thread)
            fprintf(out, ", which it holds itself since %s", hunt_symbols_line(wait->holder_pc));
        else if (wait->holder != 255 && wait->holder_pc != 0)
            fprintf(out, ", held by T%u since %s", wait->holder,
                    hunt_symbols_line(wait->holder_pc));
        else if (wait->holder != 255)
            fprintf(out, ", T%u has to end first", wait->holder);
        else if (wait->kind == HUNT_OP_WAIT)
            fprintf(out, ", and no thread is left that would wake it");
        fputc('\n', out);
    }
}

void hunt_report_finding(FILE *out, const struct hunt_finding *finding) {
    char where[64];
    fprintf(out, "%s: %s\n", hunt_failure_name(finding->failure), finding->text);
    if (finding->failure == HUNT_RACE) {
        hunt_symbols_data(finding->addr, where, sizeof where);
        fprintf(out, "  on %s\n  T%u at %s in %s\n  T%u at %s in %s, earlier\n", where,
                finding->thread, hunt_symbols_line(finding->pc), hunt_symbols_function(finding->pc),
                finding->other_thread, hunt_symbols_line(finding->other_pc),
                hunt_symbols_function(finding->other_pc));
    }
    if (finding->failure == HUNT_MISUSE && finding->pc != 0)
        fprintf(out, "  T%u at %s in %s\n", finding->thread, hunt_symbols_line(finding->pc),
                hunt_symbols_function(finding->pc));
    if (finding->failure == HUNT_CRASH && finding->pc != 0)
        fprintf(out, "  T%u at %s in %s\n", finding->thread, hunt_symbols_line(finding->pc + 1),
                hunt_symbols_function(finding->pc + 1));
    report_waits(out, finding);
}

/* Plain accesses only where they are the failure. */
static bool is_shown(const struct hunt_row *row, const struct hunt_finding *finding) {
    bool plain = row->event.kind == HUNT_OP_READ || row->event.kind == HUNT_OP_WRITE;
    if (!plain || hunt.plain_points)
        return true;
    return finding->failure == HUNT_RACE && row->event.addr / 8 == finding->addr / 8;
}

static uint32_t first_shown(const struct hunt_finding *finding) {
    uint32_t shown = 0, at = hunt.row_count;
    while (at > 0 && shown < ROWS_SHOWN)
        shown += is_shown(&hunt.rows[--at], finding);
    return at;
}

/* The step at which it broke: what came after it and is not shown belongs to it. */
static uint32_t last_shown(const struct hunt_finding *finding) {
    uint32_t at = finding->step < hunt.row_count ? finding->step : hunt.row_count;
    while (at > 0 && !is_shown(&hunt.rows[at - 1], finding))
        at--;
    return at != 0 ? at - 1 : UINT32_MAX;
}

static void load_lines(uint32_t from) {
    uintptr_t *pcs = calloc(hunt.row_count - from + 1, sizeof *pcs);
    if (pcs == NULL)
        return;
    for (uint32_t i = from; i < hunt.row_count; i++)
        pcs[i - from] = hunt.rows[i].event.pc;
    hunt_symbols_load(pcs, hunt.row_count - from);
    free(pcs);
}

/* Each column as wide as its longest step. */
static void measure(const struct hunt_finding *finding, uint32_t from,
                    int width[HUNT_THREADS_MAX]) {
    char text[160];
    for (unsigned thread = 0; thread < HUNT_THREADS_MAX; thread++)
        width[thread] = 0; /* no column for a thread that was left out */
    for (uint32_t i = from; i < hunt.row_count; i++) {
        const struct hunt_row *row = &hunt.rows[i];
        if (!is_shown(row, finding))
            continue;
        hunt_row_text(row, text, sizeof text);
        if ((int)strlen(text) > width[row->thread])
            width[row->thread] = (int)strlen(text);
    }
}

static void print_row(FILE *out, uint32_t number, const struct hunt_row *row,
                      const int width[HUNT_THREADS_MAX], bool marked) {
    char text[160];
    hunt_row_text(row, text, sizeof text);
    fprintf(out, "%c%4u ", marked ? '>' : ' ', number);
    for (unsigned thread = 1; thread <= hunt.thread_count; thread++)
        if (width[thread] != 0)
            fprintf(out, "| %-*s ", width[thread], thread == row->thread ? text : "");
    fprintf(out, "| %s%s\n", row->event.pc != 0 ? hunt_symbols_line(row->event.pc) : "",
            marked ? "  <-- breaks here" : "");
}

void hunt_report_table(FILE *out, const struct hunt_failing *failing) {
    const struct hunt_finding *finding = &failing->finding;
    uint32_t from = first_shown(finding), number = 0;
    int width[HUNT_THREADS_MAX];
    load_lines(from);
    measure(finding, from, width);
    fprintf(out, " step ");
    for (unsigned thread = 1; thread <= hunt.thread_count; thread++)
        if (width[thread] != 0)
            fprintf(out, "| T%-*u ", width[thread] - 1, thread);
    fprintf(out, "| source\n");
    uint32_t broke = last_shown(finding);
    for (uint32_t i = from; i < hunt.row_count; i++)
        if (is_shown(&hunt.rows[i], finding))
            print_row(out, ++number, &hunt.rows[i], width, i == broke);
    if (from != 0)
        fprintf(out, "(the last %u of %u rows)\n", number, hunt.row_count);
    fprintf(out, "%u steps, %u context switches (%u of them preemptions), %u stale loads\n",
            failing->steps, failing->switches, failing->preemptions, failing->stale_loads);
}
