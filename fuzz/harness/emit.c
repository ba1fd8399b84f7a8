/* SPDX-License-Identifier: MIT */
/* A program as a Criterion test: a call of <target>_<kind>() for each
 * operation. Operations that run inside another become a function of their
 * own, which that one is given. */
#include <inttypes.h>

#include "program.h"

static const char *target_name(void) {
    return hak_fuzz_target.name;
}

static bool is_nesting(const struct hak_fuzz_op *op) {
    return op->kind == hak_fuzz_target.nesting_kind;
}

/* How many operations after `at` run inside it, those inside those included:
 * each of its steps takes one operation and whatever that one takes. */
static size_t nested_count(const struct hak_fuzz_op *ops, size_t count, size_t at) {
    size_t next = at + 1;
    for (uint64_t steps = ops[at].args[0]; steps > 0 && next < count; steps--) {
        next += 1 + (is_nesting(&ops[next]) ? nested_count(ops, count, next) : 0);
    }
    return next - at - 1;
}

static void emit_call(FILE *out, const struct hak_fuzz_op *op) {
    const struct hak_fuzz_kind *kind = &hak_fuzz_target.kinds[op->kind];
    fprintf(out, "    %s_%s(", target_name(), kind->name);
    for (size_t i = 0; i < HAK_FUZZ_ARG_COUNT && kind->args[i].domain != NULL; i++) {
        fprintf(out, "%s%" PRIu64 "%s", i == 0 ? "" : ", ", op->args[i],
                op->args[i] > INT32_MAX ? "u" : "");
    }
    fputs(");\n", out);
}

static void emit_range(FILE *out, const struct hak_fuzz_op *ops, size_t count, size_t from,
                       size_t end) {
    for (size_t i = from; i < end; i++) {
        if (is_nesting(&ops[i])) {
            fprintf(out, "    %s_%s_running(operations_after_%zu);\n", target_name(),
                    hak_fuzz_target.kinds[ops[i].kind].name, i);
            i += nested_count(ops, count, i);
        } else {
            emit_call(out, &ops[i]);
        }
    }
}

void hak_fuzz_emit_test(FILE *out, const struct hak_fuzz_op *ops, size_t count) {
    fprintf(out, "#include <criterion/criterion.h>\n\n#include \"%s\"\n\n", hak_fuzz_target.header);
    for (size_t i = count; i-- > 0;) { /* inner ones first */
        if (is_nesting(&ops[i])) {
            fprintf(out, "static void operations_after_%zu(void)\n{\n", i);
            emit_range(out, ops, count, i + 1, i + 1 + nested_count(ops, count, i));
            fputs("}\n\n", out);
        }
    }
    fprintf(out, "Test(fuzz_%s, replayed)\n{\n    %s_begin();\n", target_name(), target_name());
    emit_range(out, ops, count, 0, count);
    fprintf(out, "    %s_end();\n    cr_assert(true, \"the model agreed\");\n}\n", target_name());
}
