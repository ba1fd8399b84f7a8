/* SPDX-License-Identifier: MIT */
/* The report of a broken invariant. Layer 0. Checked builds only. */
#include "base/check.h"

#include <unistd.h>

#include "base/event_ring.h"
#include "base/panic.h"

/* The n-th of the comma-separated names; commas inside parentheses or brackets
 * belong to the name. */
static const char *name_at(const char *names, unsigned n, size_t *length) {
    int depth = 0;
    const char *start = names;
    for (const char *s = names;; s++) {
        depth += (*s == '(' || *s == '[') - (*s == ')' || *s == ']');
        if (*s != '\0' && !(*s == ',' && depth == 0)) {
            continue;
        }
        if (n == 0) {
            start += *start == ' ';
            *length = (size_t)(s - start);
            return start;
        }
        if (*s == '\0') {
            *length = 0;
            return s;
        }
        n--;
        start = s + 1;
    }
}

static void add_values(struct hak_text *text, const struct hak_check_site *site,
                       const uint64_t values[HAK_CHECK_VALUE_COUNT]) {
    for (unsigned i = 0; i < HAK_CHECK_VALUE_COUNT; i++) {
        size_t length;
        const char *name = name_at(site->value_names, i, &length);
        if (length == 0 || (length == 1 && name[0] == '0')) {
            continue;
        }
        hak_text_add(text, "  value: ");
        for (size_t k = 0; k < length; k++) {
            hak_text_add(text, "%c", name[k]);
        }
        hak_text_add(text, " = %lu (0x%lx)\n", values[i], values[i]);
    }
}

void hak_invariant_failed(const struct hak_check_site *site, const uint64_t values[HAK_CHECK_VALUE_COUNT]) {
    char buffer[2048];
    struct hak_text text;
    const struct hak_invariant_row *row = &hak_invariant_rows[site->id];
    hak_panic_begin();
    hak_text_init(&text, buffer, sizeof buffer);
    hak_text_add(&text, "hakmem: invariant %s broken (%s)\n", row->id, row->module);
    hak_text_add(&text, "  equation: %s\n  meaning: %s\n", row->equation, row->meaning);
    hak_text_add(&text, "  check: %s at %s:%d\n", site->condition, site->file, site->line);
    add_values(&text, site, values);
    hak_text_write(&text, STDERR_FILENO);
    hak_report_context(STDERR_FILENO);
    hak_panic_end();
}
