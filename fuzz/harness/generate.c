/* SPDX-License-Identifier: MIT */
/* Programs without libFuzzer, and the audit of what they contain. */
#include "generate.h"

#include <inttypes.h>
#include <string.h>

const uint8_t *hak_fuzz_generate(struct hak_fuzz_generator *generator, size_t *size_bytes) {
    struct hak_fuzz_rng *rng = &generator->rng;
    size_t slot = generator->made++ % HAK_FUZZ_POOL_COUNT;
    size_t from = hak_fuzz_below(rng, HAK_FUZZ_POOL_COUNT);
    uint8_t *out = generator->pool[slot];
    uint8_t parent[HAK_FUZZ_INPUT_MAX_BYTES];
    size_t parent_bytes = generator->pool_bytes[from];
    memcpy(parent, generator->pool[from], parent_bytes);
    if (hak_fuzz_below(rng, 8) == 0) {
        uint8_t other[HAK_FUZZ_INPUT_MAX_BYTES];
        size_t other_bytes = generator->pool_bytes[slot];
        memcpy(other, out, other_bytes);
        generator->pool_bytes[slot] = hak_fuzz_cross(parent, parent_bytes, other, other_bytes, out,
                                                     HAK_FUZZ_INPUT_MAX_BYTES, rng);
    } else {
        memcpy(out, parent, parent_bytes);
        generator->pool_bytes[slot] = parent_bytes;
    }
    for (int round = 0; round < 4; round++) {
        generator->pool_bytes[slot] =
            hak_fuzz_mutate(out, generator->pool_bytes[slot], HAK_FUZZ_INPUT_MAX_BYTES, rng, NULL);
    }
    *size_bytes = generator->pool_bytes[slot];
    return out;
}

static size_t domain_index(const struct hak_fuzz_domain *domain) {
    size_t index = 0;
    while (index < hak_fuzz_target.domain_count && hak_fuzz_target.domains[index] != domain) {
        index++;
    }
    return index;
}

void hak_fuzz_audit_add(struct hak_fuzz_audit *audit, const uint8_t *data, size_t size_bytes) {
    struct hak_fuzz_op ops[HAK_FUZZ_OP_MAX];
    size_t count = hak_fuzz_decode(data, size_bytes, ops);
    for (size_t i = 0; i < count; i++) {
        audit->kinds[ops[i].kind]++;
        for (size_t arg = 0; arg < HAK_FUZZ_ARG_COUNT; arg++) {
            const struct hak_fuzz_domain *domain =
                hak_fuzz_target.kinds[ops[i].kind].args[arg].domain;
            size_t index = domain_index(domain);
            if (domain != NULL && index < hak_fuzz_target.domain_count) {
                audit->buckets[index][ops[i].buckets[arg]]++;
            }
        }
    }
}

static size_t print_row(FILE *out, const char *name, uint64_t count) {
    fprintf(out, "  %-36s %12" PRIu64 "%s\n", name, count, count == 0 ? "  EMPTY" : "");
    return count == 0;
}

size_t hak_fuzz_audit_print(const struct hak_fuzz_audit *audit, FILE *out) {
    size_t empty = 0;
    fputs("operations\n", out);
    for (size_t i = 0; i < hak_fuzz_target.kind_count; i++) {
        empty += print_row(out, hak_fuzz_target.kinds[i].name, audit->kinds[i]);
    }
    for (size_t i = 0; i < hak_fuzz_target.domain_count; i++) {
        const struct hak_fuzz_domain *domain = hak_fuzz_target.domains[i];
        fprintf(out, "%s\n", domain->name);
        for (size_t b = 0; b < domain->bucket_count; b++) {
            empty += print_row(out, domain->buckets[b].name, audit->buckets[i][b]);
        }
    }
    fputs("outcomes\n", out);
    for (size_t i = 0; i < hak_fuzz_target.outcome_count; i++) {
        empty += print_row(out, hak_fuzz_target.outcomes[i], audit->outcomes[i]);
    }
    return empty;
}
